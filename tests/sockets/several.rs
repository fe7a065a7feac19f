//! Several sources at once: one ledger, one `/readyz`, and none holds up another.

use std::io::Write;
use std::net::{TcpStream, UdpSocket};
use std::process::Stdio;

use rustix::process::Signal;

use super::support::daemon::Daemon;
use super::support::{Folder, run, wait_for};
use super::{CODE, QUIET, hits, listening};

fn of(scrape: &super::Scrape, source: &str) -> f64 {
    scrape.sum("errtally_records_total", &[("source", source)])
}

#[test]
fn each_has_its_name_and_its_counts() {
    let folder = Folder::new();
    let log = folder.write("app.log", "");
    let settings = format!(
        "sources:\n  - {{name: pipe, kind: stdin}}\n  - {{name: node, kind: file, paths: [\"{log}\"]}}\n  \
         - {{name: apps, kind: tcp, listen: \"127.0.0.1:0\"}}\n  \
         - {{name: syslog, kind: udp, listen: \"127.0.0.1:0\"}}\njoin: {{wait: 50ms}}\n\
         file: {{discover_interval: 100ms}}\n"
    );
    let file = folder.write("errtally.yaml", settings);
    let mut daemon = Daemon::start(&["--config", &file]);
    let mut sender = TcpStream::connect(listening(&daemon, "tcp://")).expect("it accepts");
    let udp = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    daemon.write(CODE);
    sender.write_all(CODE.repeat(2).as_bytes()).expect("it reads");
    for _ in 0..3 {
        udp.send_to(b"<11>Ecs.0114", listening(&daemon, "udp://")).expect("it is sent");
    }
    folder.write("app.log", CODE.repeat(4));
    let scrape = daemon.wait_for_records(10);
    assert_eq!(hits(&scrape), 10.0);
    let counts: Vec<f64> = ["pipe", "apps", "syslog", "node"].map(|name| of(&scrape, name)).to_vec();
    assert_eq!(counts, [1.0, 2.0, 3.0, 4.0]);
    // The end of one is not the end of the others.
    daemon.close();
    daemon.wait_for_log("its input has ended; the other sources are read on");
    assert_eq!(daemon.get("/readyz").status, 200);
    sender.write_all(CODE.as_bytes()).expect("it reads");
    daemon.wait_for_records(11);
    daemon.signal(Signal::TERM);
    let (status, log) = daemon.wait();
    assert!(status.success() && log.contains("records=11"), "{log}");
}

#[test]
fn one_that_has_nothing_to_read_is_named_and_holds_up_no_other() {
    let folder = Folder::new();
    let settings = "sources:\n  - {name: bus, kind: kafka, brokers: [\"127.0.0.1:1\"], topics: [a]}\n  \
                    - {name: apps, kind: tcp, listen: \"127.0.0.1:0\"}\nshutdown_timeout: 3s\n";
    let file = folder.write("errtally.yaml", settings);
    let daemon = Daemon::spawn(&["--config", &file], Stdio::null(), &[]);
    let mut sender = TcpStream::connect(listening(&daemon, "tcp://")).expect("it accepts");
    sender.write_all(CODE.repeat(5).as_bytes()).expect("it reads");
    let scrape = daemon.wait_for_records(5);
    assert_eq!((of(&scrape, "apps"), of(&scrape, "bus")), (5.0, 0.0));
    let answer = wait_for("it says why", || {
        let answer = daemon.get("/readyz");
        (answer.status == 503).then_some(answer)
    });
    assert!(answer.text().starts_with("bus: "), "{}", answer.text());
}

#[test]
fn events_of_all_arrive_and_none_is_lost_at_the_end() {
    let folder = Folder::new();
    let events = folder.path().join("events.jsonl");
    let settings = format!(
        "sources:\n  - {{name: pipe, kind: stdin}}\n  - {{name: one, kind: tcp, listen: \"127.0.0.1:0\"}}\n\
         events: {{to: file, file: {{path: \"{}\"}}}}\n",
        events.display()
    );
    let file = folder.write("errtally.yaml", settings);
    let mut daemon = Daemon::start(&["--config", &file]);
    let address = listening(&daemon, "tcp://");
    let mut sender = TcpStream::connect(address).expect("it accepts");
    let text = format!("{CODE}{QUIET}").repeat(2000);
    std::thread::scope(|scope| {
        scope.spawn(|| sender.write_all(text.as_bytes()).expect("it reads"));
        daemon.write(&text);
    });
    daemon.wait_for_records(8000);
    daemon.signal(Signal::TERM);
    let (status, log) = daemon.wait();
    assert!(status.success() && log.contains("all events are delivered"), "{log}");
    let written = std::fs::read_to_string(&events).expect("the events");
    assert_eq!(written.lines().count(), 4000);
    assert_eq!(written.matches("\"type\":\"tcp\"").count(), 2000);
}

#[test]
fn the_flat_keys_are_what_an_entry_leaves_out() {
    let folder = Folder::new();
    let settings = "sources:\n  - {name: bus, kind: kafka, topics: [a]}\n  - {name: apps, kind: tcp, listen: \":1\"}\n\
                    kafka: {brokers: [\"b:1\"], group: everybody}\nsocket: {framing: octets}\n";
    let file = folder.write("errtally.yaml", settings);
    let shown = run(["config", "show", "--config", &file]).ok();
    let line = shown.lines().find(|line| line.starts_with("sources: ")).expect("it is shown");
    assert!(line.contains("[{name: \"bus\", kind: kafka, topics: [\"a\"]}, {name: \"apps\""), "{line}");
    assert!(line.contains(&format!("# {file}:1")), "{line}");
    // What is shown can be given as a flag.
    let value = line.trim_start_matches("sources: ").split(" # ").next().expect("a value").trim();
    run(["config", "check", "--sources", value]).ok();
}
