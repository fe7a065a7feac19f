//! TLS and client certificates, with the configuration of the HTTP server.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::support::{Folder, run, wait_for};
use super::{CODE, connect, hits, refusals, tcp};

/// A certificate and its key, issued by an authority.
struct Certificates {
    authority: String,
    server: (String, String),
    client: (String, String),
}

fn certificates() -> Certificates {
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let authority = params.self_signed(&key).expect("a certificate").pem();
    let issuer = Issuer::new(params, key);
    let issued = |name: &str| {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
        let certificate = params.signed_by(&key, &issuer).expect("a certificate");
        (certificate.pem(), key.serialize_pem())
    };
    Certificates { authority, server: issued("localhost"), client: issued("sender") }
}

fn send(address: SocketAddr, all: &Certificates, with_certificate: bool) -> std::io::Result<()> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(all.authority.as_bytes()).expect("a certificate"))
        .expect("a root");
    let builder = ClientConfig::builder().with_root_certificates(roots);
    let config = if with_certificate {
        let certificate = CertificateDer::from_pem_slice(all.client.0.as_bytes()).expect("a certificate");
        let key = PrivateKeyDer::from_pem_slice(all.client.1.as_bytes()).expect("a key");
        builder.with_client_auth_cert(vec![certificate], key).expect("a pair")
    } else {
        builder.with_no_client_auth()
    };
    let name = ServerName::try_from("localhost").expect("a name");
    let connection = ClientConnection::new(Arc::new(config), name).expect("a client");
    let mut stream = StreamOwned::new(connection, TcpStream::connect(address)?);
    for _ in 0..1000 {
        stream.write_all(CODE.as_bytes())?;
    }
    stream.conn.send_close_notify();
    stream.flush()
}

#[test]
fn lines_come_by_tls_from_those_who_have_a_certificate() {
    let folder = Folder::new();
    let all = certificates();
    folder.write("ca.pem", &all.authority);
    folder.write("server.pem", &all.server.0);
    folder.write("server.key", &all.server.1);
    let settings = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n  \
                    client_ca_file: ca.pem\n  client_auth_type: RequireAndVerifyClientCert\n";
    let file = folder.write("tls.yml", settings);
    let (daemon, address) = tcp(&["--socket-tls-config-file", &file]);
    send(address, &all, true).expect("it is sent");
    assert_eq!(hits(&daemon.wait_for_records(1000)), 1000.0);
    // Without one, or without TLS: refused, and nothing is counted.
    let _ = send(address, &all, false);
    let mut plain = connect(address);
    let _ = plain.write_all(CODE.as_bytes());
    let scrape = wait_for("both are refused", || {
        let scrape = daemon.scrape();
        (refusals(&scrape, "handshake") + refusals(&scrape, "broken") >= 2.0).then_some(scrape)
    });
    assert_eq!(scrape.sum("errtally_records_total", &[]), 1000.0);
}

#[test]
fn what_has_no_meaning_for_a_socket_is_told() {
    let folder = Folder::new();
    let file = folder.write("tls.yml", "basic_auth_users: {}\n");
    let args = ["run", "--listen", "127.0.0.1:0", "--source", "tcp", "--socket-listen", "127.0.0.1:0"];
    let told = run(args.iter().chain(&["--socket-tls-config-file", &file])).failed(2);
    assert!(told.contains(&format!("{file}: a socket asks for a tls_server_config")), "{told}");
    // Before anything is started, too.
    let missing = folder.write("other.yml", "tls_server_config: {cert_file: none.pem}\n");
    let check =
        ["config", "check", "--source", "tcp", "--socket-listen", ":1", "--socket-tls-config-file", &missing];
    let told = run(check).failed(2);
    assert!(told.contains("none.pem") && told.contains("key_file: missing"), "{told}");
}
