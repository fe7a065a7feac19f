//! Where the server listens: at an address, at a name, or at all addresses of the machine.

mod support;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Stdio;

use support::daemon::Daemon;
use support::{errtally, finish, http, run};

fn listening(address: &str) -> Daemon {
    let mut command = errtally();
    Daemon::spawn_command(
        command.args(["run", "--listen", address]).stdin(Stdio::piped()).stdout(Stdio::null()),
    )
}

fn status(address: SocketAddr) -> u16 {
    http::ask(address, "GET", "/healthz", &[]).expect("an answer").status
}

#[test]
fn a_port_alone_is_all_addresses() {
    let daemon = listening(":0");
    let port = daemon.address().port();
    assert_eq!(status(([127, 0, 0, 1], port).into()), 200);
    assert_eq!(status(([127, 1, 2, 3], port).into()), 200);
    // Where the machine has IPv6 at all.
    if TcpListener::bind("[::1]:0").is_ok() {
        assert!(daemon.address().is_ipv6());
        assert_eq!(status(format!("[::1]:{port}").parse().expect("an address")), 200);
    }
}

#[test]
fn a_name_is_looked_up() {
    let daemon = listening("localhost:0");
    assert!(daemon.address().ip().is_loopback());
    assert_eq!(status(daemon.address()), 200);
    if daemon.address().is_ipv4() {
        let elsewhere: SocketAddr = ([127, 1, 2, 3], daemon.address().port()).into();
        assert!(TcpStream::connect(elsewhere).is_err(), "no other address");
    }
}

#[test]
fn what_cannot_be_listened_on_is_told() {
    for good in [":9877", "localhost:9877", "0.0.0.0:9877", "[::]:9877", "metrics.example.org:80"] {
        run(["config", "check", "--listen", good]).ok();
    }
    for bad in ["9877", "localhost", ":65536", "1.2.3:80", "http://localhost:9877", ""] {
        let said = run(["config", "check", "--listen", bad]).failed(2);
        assert!(said.contains("localhost:9877 or :9877"), "{bad}: {said}");
    }
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    for address in [format!(":{port}"), format!("localhost:{port}"), "nowhere.invalid:9877".to_owned()] {
        let said = finish(errtally().args(["run", "--listen", &address])).failed(1);
        assert!(said.contains(&format!("cannot listen on {address}")) && said.contains("--listen"), "{said}");
    }
}
