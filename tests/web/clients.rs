//! Client certificates: who is let in under each policy, and by which names.

use rcgen::SanType;

use crate::certificates::Authority;
use crate::curl::curl;
use crate::daemon_with;
use crate::support::Folder;
use crate::support::daemon::Daemon;

/// Everything that a client may show.
struct World {
    folder: Folder,
    people: Authority,
}

impl World {
    fn new() -> World {
        let folder = Folder::new();
        let server = Authority::new("server");
        server.server().write(&folder, "server");
        folder.write("server-ca.crt", &server.pem);
        let people = Authority::new("people");
        folder.write("people.crt", &people.pem);
        World { folder, people }
    }

    fn daemon(&self, more: &str) -> Daemon {
        let files = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n";
        daemon_with(&self.folder, &format!("{files}{more}"), &[])
    }

    /// Whether a client with the certificate `name`, or with none, is answered, by any version of TLS.
    fn answers(&self, daemon: &Daemon, name: &str) -> bool {
        let path = |file: &str| self.folder.path().join(file).display().to_string();
        let (ca, cert, key) =
            (path("server-ca.crt"), path(&format!("{name}.crt")), path(&format!("{name}.key")));
        let mut args = vec!["--cacert", &ca];
        if !name.is_empty() {
            args.extend(["--cert", &cert, "--key", &key]);
        }
        let status = curl(daemon, "https:/metrics", &args).status;
        args.extend(["--tls-max", "1.2"]);
        assert_eq!(curl(daemon, "https:/metrics", &args).status, status, "{name} by TLS 1.2");
        assert!(status == 200 || status == 0, "{status}");
        status == 200
    }
}

#[test]
fn every_policy_for_every_client() {
    let world = World::new();
    world.people.client(vec![]).write(&world.folder, "friend");
    Authority::new("others").client(vec![]).write(&world.folder, "stranger");
    let ca = "  client_ca_file: people.crt\n";
    for (policy, authorities, nobody, friend, stranger) in [
        ("NoClientCert", "", true, true, true),
        ("RequestClientCert", "", true, true, true),
        ("RequireAnyClientCert", "", false, true, true),
        ("RequireClientCert", "", false, true, true),
        ("VerifyClientCertIfGiven", ca, true, true, false),
        ("RequireAndVerifyClientCert", ca, false, true, false),
    ] {
        let daemon = world.daemon(&format!("  client_auth_type: {policy}\n{authorities}"));
        for (name, let_in) in [("", nobody), ("friend", friend), ("stranger", stranger)] {
            assert_eq!(world.answers(&daemon, name), let_in, "{policy}: `{name}`\n{}", daemon.log());
        }
    }
}

#[test]
fn only_clients_with_a_name_on_the_list() {
    let world = World::new();
    let text = |s: &str| s.try_into().expect("a name");
    for (file, name) in [
        ("dns", SanType::DnsName(text("prometheus.example.org"))),
        ("mail", SanType::Rfc822Name(text("ops@example.org"))),
        ("uri", SanType::URI(text("spiffe://example.org/prometheus"))),
        ("ipv4", SanType::IpAddress([10, 1, 2, 3].into())),
        ("ipv6", SanType::IpAddress("fd00::1".parse().expect("an address"))),
        ("other", SanType::DnsName(text("grafana.example.org"))),
        ("below", SanType::DnsName(text("x.prometheus.example.org"))),
    ] {
        world.people.client(vec![name]).write(&world.folder, file);
    }
    world.people.client(vec![]).write(&world.folder, "nameless");
    let names = "  client_allowed_sans: [prometheus.example.org, ops@example.org, 'spiffe://example.org/prometheus', \
                 10.1.2.3, 'fd00::1']\n";
    let daemon = world.daemon(&format!(
        "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: people.crt\n{names}"
    ));
    for (file, let_in) in [
        ("dns", true),
        ("mail", true),
        ("uri", true),
        ("ipv4", true),
        ("ipv6", true),
        ("other", false),
        ("below", false),
        ("nameless", false),
        ("", false),
    ] {
        assert_eq!(world.answers(&daemon, file), let_in, "{file}");
    }
}

#[test]
fn authorities_that_change_hold_for_the_next_connection() {
    let world = World::new();
    world.people.client(vec![]).write(&world.folder, "friend");
    let others = Authority::new("others");
    others.client(vec![]).write(&world.folder, "other");
    let daemon =
        world.daemon("  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: people.crt\n");
    assert!(world.answers(&daemon, "friend") && !world.answers(&daemon, "other"));
    world.folder.write("people.crt", &others.pem);
    assert!(!world.answers(&daemon, "friend") && world.answers(&daemon, "other"));
}
