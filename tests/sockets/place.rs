//! Where a source listens: sockets that are there, sockets that systemd has made, settings that are wrong.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::process::{Command, Stdio};
use std::thread;

use super::support::daemon::{Daemon, run_args};
use super::support::{Folder, has_tool, run, wait_for};
use super::{CODE, hits};

#[test]
fn the_socket_of_a_dead_process_is_replaced_and_of_a_live_one_is_not() {
    let folder = Folder::new();
    for (kind, name) in [("unix", "stream.sock"), ("unixgram", "datagram.sock")] {
        let path = folder.path().join(name);
        let shown = path.display().to_string();
        let args = run_args(&["--source", kind, "--socket-listen", &shown]);
        // A live one.
        let (stream, datagram) = match kind {
            "unix" => (Some(UnixListener::bind(&path).expect("a socket")), None),
            _ => (None, Some(UnixDatagram::bind(&path).expect("a socket"))),
        };
        let told = run(&args).failed(1);
        assert!(told.contains("another process listens on") && told.contains(&shown), "{told}");
        // Its process is gone, its file is not.
        drop((stream, datagram));
        assert!(path.exists());
        let daemon = Daemon::start_with(&args[3..], Stdio::null(), &[]);
        assert!(daemon.log().contains("the socket of a process that is gone"), "{}", daemon.log());
        if kind == "unix" {
            UnixStream::connect(&path).expect("it accepts").write_all(CODE.as_bytes()).expect("it reads");
        } else {
            UnixDatagram::unbound().expect("a socket").send_to(CODE.as_bytes(), &path).expect("it is sent");
        }
        assert_eq!(hits(&daemon.wait_for_records(1)), 1.0);
        // Something else is never replaced.
        let file = folder.write(&format!("{name}.txt"), "text");
        let told = run(run_args(&["--source", kind, "--socket-listen", &file])).failed(1);
        assert!(told.contains("is there and is no socket"), "{told}");
    }
}

#[test]
fn a_port_in_use_is_told() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let listen = taken.local_addr().expect("an address").to_string();
    let told = run(run_args(&["--source", "tcp", "--socket-listen", &listen])).failed(1);
    assert!(told.contains(&format!("cannot listen on {listen}")) && told.contains("in use"), "{told}");
}

#[test]
fn settings_that_do_not_go_together_are_told() {
    let told = |args: &[&str]| run(["config", "check"].iter().chain(args)).failed(2);
    assert!(told(&["--source", "tcp"]).contains("no address to listen on"));
    assert!(told(&["--source", "tcp", "--socket-listen", "nonsense"]).contains("`nonsense` is no address"));
    assert!(told(&["--source", "unix"]).contains("no socket to listen on"));
    let udp = ["--source", "udp", "--socket-listen", ":514", "--socket-tls-config-file", "a.yml"];
    assert!(told(&udp).contains("a source of the kind udp has no such file"));
    let folder = Folder::new();
    let wrong = "sources:\n  - {name: a, kind: tcp, listen: \":1\", paths: [x]}\n  - {name: a, kind: udp, \
                 listen: \":2\"}\n  - {kind: tpc}\n  - {name: \"a b\", kind: stdin}\n  - {name: c, kind: file}\n  \
                 - {name: d, kind: file, paths: [/a]}\n";
    let file = folder.write("errtally.yaml", wrong);
    let told = run(["config", "check", "--config", &file]).failed(2);
    for part in [
        &format!("{file}:2: sources[0].paths: a source of the kind tcp has no such key"),
        "`a` is the name of two sources",
        "`tpc` is no source",
        "`a b` is no name",
        "two sources of the kind file",
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }
    let file = folder.write("both.yaml", "source: tcp\nsources: [{name: a, kind: stdin}]\n");
    assert!(run(["config", "check", "--config", &file]).failed(2).contains("there is `sources` as well"));
}

#[test]
fn systemd_makes_the_sockets() {
    if !has_tool("systemd-socket-activate") {
        return;
    }
    let folder = Folder::new();
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let path = folder.path().join("log.sock");
    let settings = "sources:\n  - {name: a, kind: tcp, listen: \"systemd:one\"}\n  \
                    - {name: b, kind: unix, listen: \"systemd:two\"}\n";
    let file = folder.write("errtally.yaml", settings);
    let program = super::support::errtally().get_program().to_owned();
    let mut command = Command::new("systemd-socket-activate");
    command
        .args(["-l", &format!("127.0.0.1:{port}"), "-l", &path.display().to_string()])
        .args(["--fdname=one:two"])
        .arg(program)
        .args(run_args(&["--config", &file]))
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    // It is started by the first connection, which waits in the socket meanwhile.
    let first = thread::spawn(move || {
        let mut first = wait_for("systemd listens", || TcpStream::connect(("127.0.0.1", port)).ok());
        first.write_all(CODE.as_bytes()).expect("it reads");
    });
    let daemon = Daemon::spawn_command(&mut command);
    first.join().expect("it is sent");
    UnixStream::connect(&path).expect("it accepts").write_all(CODE.as_bytes()).expect("it reads");
    let scrape = daemon.wait_for_records(2);
    assert_eq!(scrape.sum("errtally_records_total", &[("source", "a")]), 1.0);
    assert_eq!(scrape.sum("errtally_records_total", &[("source", "b")]), 1.0);
}

#[test]
fn without_systemd_its_sockets_are_missed() {
    let told = run(run_args(&["--source", "tcp", "--socket-listen", "systemd"])).failed(1);
    assert!(told.contains("systemd has made no socket") && told.contains(".socket unit"), "{told}");
}
