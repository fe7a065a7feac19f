//! TLS: what is spoken, and certificates that change while it runs.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use crate::certificates::Authority;
use crate::curl::{Reply, curl};
use crate::daemon_with;
use crate::support::daemon::Daemon;
use crate::support::exposition::Scrape;
use crate::support::{Folder, has_tool, wait_for};

const BOTH_FILES: &str = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n";

/// A daemon with a certificate of an authority of its own, further lines of `tls_server_config`, and the path of the
/// authority's certificate.
fn secured(more: &str) -> (Folder, Daemon, String) {
    let folder = Folder::new();
    let authority = Authority::new("one");
    authority.server().write(&folder, "server");
    let ca = folder.write("ca.crt", &authority.pem);
    let daemon = daemon_with(&folder, &format!("{BOTH_FILES}{more}"), &[]);
    (folder, daemon, ca)
}

/// A scrape over TLS.
#[track_caller]
fn scrape(daemon: &Daemon, ca: &str) -> Scrape {
    let reply = curl(daemon, "https:/metrics", &["--cacert", ca]);
    assert_eq!(reply.status, 200, "{}", reply.told);
    Scrape::parse(&reply.body)
}

#[test]
fn https_and_nothing_else() {
    let (_folder, mut daemon, ca) = secured("");
    assert!(daemon.log().contains("ready: https://"), "{}", daemon.log());
    daemon.write("Ecs.0114\nnothing\n");
    wait_for("both records", || {
        (scrape(&daemon, &ca).value("errtally_records_total", &[]) == Some(2.0)).then_some(())
    });
    let stranger = curl(&daemon, "https:/metrics", &[]);
    assert_eq!(stranger.status, 0, "a client that does not trust it");
    let plain = curl(&daemon, "http:/metrics", &[]);
    assert_eq!(plain.status, 400);
    assert!(plain.body.contains("HTTPS") && !plain.body.contains("errtally_"), "{}", plain.body);
    let newer = curl(&daemon, "https:/healthz", &["--cacert", &ca, "--http2"]);
    assert_eq!((newer.status, newer.body.as_str()), (200, "ok\n"));
    assert!(newer.told.ends_with(" 1.1"), "{}", newer.told);
}

#[test]
fn certificates_in_the_file_itself() {
    let folder = Folder::new();
    let authority = Authority::new("one");
    let pair = authority.server();
    let ca = folder.write("ca.crt", &authority.pem);
    let indented = |text: &str| text.lines().map(|l| format!("    {l}\n")).collect::<String>();
    let content =
        format!("tls_server_config:\n  cert: |\n{}  key: |\n{}", indented(&pair.cert), indented(&pair.key));
    let daemon = daemon_with(&folder, &content, &[]);
    scrape(&daemon, &ca);
}

#[test]
fn a_certificate_that_is_replaced_is_used_at_the_next_connection() {
    let (folder, daemon, old) = secured("");
    let mut ca = old;
    for name in ["two", "three"] {
        let authority = Authority::new(name);
        let next = folder.write(&format!("{name}.crt"), &authority.pem);
        assert_eq!(curl(&daemon, "https:/metrics", &["--cacert", &next]).status, 0, "not yet");
        // The key first, so that for a moment the two do not belong together.
        let (cert, key) = authority.server().write(&folder, "next");
        std::fs::rename(key, folder.path().join("server.key")).expect("a file");
        scrape(&daemon, &ca);
        std::fs::rename(cert, folder.path().join("server.crt")).expect("a file");
        scrape(&daemon, &next);
        assert_eq!(curl(&daemon, "https:/metrics", &["--cacert", &ca]).status, 0, "the old one is gone");
        ca = next;
    }
}

#[test]
fn a_broken_certificate_is_told_once_and_the_old_one_stays() {
    let (folder, daemon, ca) = secured("");
    let successful = |ca: &str| scrape(&daemon, ca).value("errtally_config_last_reload_successful", &[]);
    assert_eq!(successful(&ca), Some(1.0));
    let stays = "the web configuration stays as it was";
    for broken in ["not PEM at all", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", ""] {
        let before = daemon.log().matches(stays).count();
        folder.write("server.crt", broken);
        for _ in 0..3 {
            assert_eq!(successful(&ca), Some(0.0), "{broken}");
        }
        assert_eq!(daemon.log().matches(stays).count(), before + 1, "once: {}", daemon.log());
    }
    assert!(daemon.log().contains("web.yml:2: tls_server_config.cert_file: no certificate in it"));
    std::fs::remove_file(folder.path().join("server.crt")).expect("it is there");
    assert_eq!(successful(&ca), Some(0.0), "a file that is gone");
    let authority = Authority::new("two");
    authority.server().write(&folder, "server");
    let next = folder.write("two.crt", &authority.pem);
    assert_eq!(successful(&next), Some(1.0));
}

#[test]
fn tls_comes_with_the_file_and_does_not_go() {
    let folder = Folder::new();
    let authority = Authority::new("one");
    authority.server().write(&folder, "server");
    let ca = folder.write("ca.crt", &authority.pem);
    let daemon = daemon_with(&folder, "{}\n", &[]);
    // A connection that is kept does not outlive the change.
    let mut kept = TcpStream::connect(daemon.address()).expect("a connection");
    let mut ask = || {
        kept.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").expect("a request");
        let mut buffer = [0; 1024];
        let n = kept.read(&mut buffer).expect("an answer");
        String::from_utf8_lossy(&buffer[..n]).to_lowercase()
    };
    assert!(!ask().contains("connection: close"));
    folder.write("web.yml", BOTH_FILES);
    assert!(ask().contains("connection: close"));
    assert_eq!(kept.read(&mut [0]).expect("the end"), 0);
    scrape(&daemon, &ca);
    for less in ["# nothing\n", "{}\n", "", "tls_server_config: {}\n"] {
        folder.write("web.yml", less);
        assert_eq!(curl(&daemon, "http:/metrics", &[]).status, 400, "{less:?}");
        scrape(&daemon, &ca);
    }
    daemon.wait_for_log("tls_server_config: TLS would be switched off");
    folder.write("web.yml", format!("{BOTH_FILES}  min_version: TLS13\n"));
    scrape(&daemon, &ca);
    folder.write("web.yml", BOTH_FILES);
    assert_eq!(curl(&daemon, "https:/metrics", &["--cacert", &ca, "--tls-max", "1.2"]).status, 0);
    daemon.wait_for_log("min_version: the refusal of TLS 1.2 would be");
}

#[test]
fn versions_suites_and_curves() {
    const AES128: &str = "ECDHE-ECDSA-AES128-GCM-SHA256";
    const AES256: &str = "ECDHE-ECDSA-AES256-GCM-SHA384";
    const ORDER: &str = "  cipher_suites:\n  - TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256\n\
                         \x20 - TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384\n";
    let clients_order = format!("{ORDER}  prefer_server_cipher_suites: false\n");
    let both: &[&str] =
        &["--tls-max", "1.2", "--ciphers", "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256"];
    let told = |reply: &Reply, what: &str| assert!(reply.told.contains(what), "{what} in {}", reply.told);
    for (more, args, using) in [
        ("", &[][..], Some("TLSv1.3")),
        ("", &["--tls-max", "1.2"], Some("TLSv1.2")),
        ("", &["--tls-max", "1.1"], None),
        ("  min_version: TLS13\n", &[], Some("TLSv1.3")),
        ("  min_version: TLS13\n", &["--tls-max", "1.2"], None),
        ("  max_version: TLS12\n", &[], Some("TLSv1.2")),
        ("  max_version: TLS12\n", &["--tlsv1.3"], None),
        (ORDER, both, Some(AES128)),
        (&clients_order, both, Some(AES256)),
        (ORDER, &["--tls-max", "1.2", "--ciphers", "ECDHE-ECDSA-CHACHA20-POLY1305"], None),
        (ORDER, &[], Some("TLSv1.3")),
        ("  curve_preferences: [CurveP384]\n", &["--curves", "P-384"], Some("TLSv1.3")),
        ("  curve_preferences: [CurveP384]\n", &["--curves", "X25519"], None),
        ("  curve_preferences: [X25519, CurveP256]\n", &["--curves", "P-256"], Some("TLSv1.3")),
    ] {
        let (_folder, daemon, ca) = secured(more);
        let args: Vec<_> = ["--cacert", &ca].iter().chain(args).copied().collect();
        let reply = curl(&daemon, "https:/healthz", &args);
        match using {
            Some(using) => {
                assert_eq!(reply.status, 200, "{more} {args:?}: {}", reply.told);
                told(
                    &reply,
                    &format!("SSL connection using {using}").replace("using ECDHE", "using TLSv1.2 / ECDHE"),
                );
            }
            None => assert_eq!(reply.status, 0, "{more} {args:?}"),
        }
    }
}

#[test]
fn prometheus_scrapes_it_with_its_own_configuration() {
    if !has_tool("prometheus") {
        eprintln!("skipped: no prometheus");
        return;
    }
    let folder = Folder::new();
    let (server, people) = (Authority::new("server"), Authority::new("people"));
    server.server().write(&folder, "server");
    people.client(vec![]).write(&folder, "client");
    folder.write("server-ca.crt", &server.pem);
    folder.write("people.crt", &people.pem);
    let hash = bcrypt::hash("correct horse", 6).expect("a hash");
    let web = format!(
        "{BOTH_FILES}  client_ca_file: people.crt\n  client_auth_type: RequireAndVerifyClientCert\n\
         basic_auth_users:\n  prom: {hash}\n"
    );
    let mut daemon = daemon_with(&folder, &web, &[]);
    daemon.write("Ecs.0114\n");
    folder.write(
        "prometheus.yml",
        format!(
            "scrape_configs:\n- job_name: errtally\n  scrape_interval: 1s\n  scheme: https\n\
             \x20 tls_config: {{ca_file: server-ca.crt, cert_file: client.crt, key_file: client.key}}\n\
             \x20 basic_auth: {{username: prom, password: correct horse}}\n\
             \x20 static_configs: [{{targets: ['{}']}}]\n",
            daemon.address()
        ),
    );
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("an address").to_string();
    drop(free);
    let mut prometheus = Command::new("prometheus")
        .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"])
        .arg(format!("--web.listen-address={address}"))
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("prometheus starts");
    let query =
        format!("http://{address}/api/v1/query?query=errtally_errors_total%7Bcode%3D%22Ecs.0114%22%7D");
    let mut last = String::new();
    let until = std::time::Instant::now() + crate::support::DEADLINE;
    while !last.contains("\"1\"]") && std::time::Instant::now() < until {
        let output =
            Command::new("curl").args(["--silent", "--max-time", "5", &query]).output().expect("curl");
        last = String::from_utf8_lossy(&output.stdout).into_owned();
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let _ = prometheus.kill();
    let _ = prometheus.wait();
    assert!(last.contains("\"1\"]"), "what Prometheus knows: {last}\n{}", daemon.log());
}

#[test]
fn a_certificate_that_has_expired_is_told_and_shown() {
    let folder = Folder::new();
    let authority = Authority::new("one");
    authority.server_until(2021).write(&folder, "server");
    let clients = Authority::until("clients", 2100);
    let ca = folder.write("clients.crt", &clients.pem);
    let more = format!("  client_ca_file: {ca:?}\n  client_auth_type: VerifyClientCertIfGiven\n");
    let daemon = daemon_with(&folder, &format!("{BOTH_FILES}{more}"), &[]);
    daemon.wait_for_log("the server's certificate has expired at 2021-01-01T00:00:00Z");
    assert!(!daemon.log().contains("of the clients' authority"), "{}", daemon.log());
    let expiry = |certificate: &str| {
        let reply = curl(&daemon, "https:/metrics", &["--insecure"]);
        let name = "errtally_certificate_expiry_timestamp_seconds";
        Scrape::parse(&reply.body).value(name, &[("certificate", certificate)])
    };
    assert_eq!((expiry("server"), expiry("client_ca")), (Some(1_609_459_200.0), Some(4_102_444_800.0)));
    // Renewed: the metric follows, and the warning was given once.
    authority.server_until(2099).write(&folder, "server");
    assert_eq!(expiry("server"), Some(4_070_908_800.0));
    assert_eq!(daemon.log().matches("has expired").count(), 1, "{}", daemon.log());
}
