//! Every key of the table, changed under a running process: what the table calls reloadable takes effect at SIGHUP
//! with counters kept, of everything else the log says that it waits for the next start.

#[path = "../support/mod.rs"]
mod support;

mod events;
mod fields;
mod joins;
mod labels;

use std::path::Path;
use std::process::Stdio;

use errtally::config::KEYS;
use rustix::process::Signal;
use serde_json::Value;
use support::daemon::Daemon;
use support::exposition::Scrape;
use support::{Folder, errtally, shop_catalog, wait_for};

const RELOADED: &str = "configuration and catalog reloaded";
const SUCCESS_TIME: &str = "errtally_config_last_reload_success_timestamp_seconds";

/// Where the one listens that takes all from its file.
const HERE: &str = "listen: 127.0.0.1:0\n";

/// Keys that take effect at the next start, each with another value.
const RESTART: &[(&str, &str)] = &[
    ("source", "source: kafka\nkafka: {topics: [a]}\n"),
    ("listen", "listen: 127.0.0.2:0\n"),
    ("web_config_file", "web_config_file: /dev/null\n"),
    ("log_format", "log_format: json\n"),
    ("http.max_connections", "http: {max_connections: 77}\n"),
    ("http.request_timeout", "http: {request_timeout: 7s}\n"),
    ("http.answer_timeout", "http: {answer_timeout: 7s}\n"),
    ("http.idle_timeout", "http: {idle_timeout: 7s}\n"),
    ("sources", "sources: [{name: a, kind: udp, listen: \":514\"}]\n"),
    ("socket.listen", "socket: {listen: \":514\"}\n"),
    ("socket.framing", "socket: {framing: octets}\n"),
    ("socket.max_connections", "socket: {max_connections: 7}\n"),
    ("socket.idle_timeout", "socket: {idle_timeout: 7s}\n"),
    ("socket.tls_config_file", "socket: {tls_config_file: tls.yml}\n"),
    ("socket.web_config_file", "socket: {web_config_file: web.yml}\n"),
    ("socket.shared_key_file", "socket: {shared_key_file: key}\n"),
    ("state_dir", "state_dir: /var/lib/errtally\n"),
    ("file.paths", "file: {paths: [/var/log/app.log]}\n"),
    ("file.exclude", "file: {exclude: [\"*.gz\"]}\n"),
    ("file.start", "file: {start: beginning}\n"),
    ("file.format", "file: {format: cri}\n"),
    ("file.discover_interval", "file: {discover_interval: 7s}\n"),
    ("file.max_open", "file: {max_open: 7}\n"),
    ("kafka.brokers", "kafka: {brokers: [\"k:9092\"]}\n"),
    ("kafka.topics", "kafka: {topics: [b]}\n"),
    ("kafka.group", "kafka: {group: other}\n"),
    ("kafka.instance_id", "kafka: {instance_id: one}\n"),
    ("kafka.start", "kafka: {start: earliest}\n"),
    ("kafka.framing", "kafka: {framing: lines}\n"),
    ("kafka.commit_interval", "kafka: {commit_interval: 7s}\n"),
    ("kafka.resume", "kafka: {resume: latest}\n"),
    ("kafka.memory", "kafka: {memory: 100MiB}\n"),
    ("kafka.queue_bytes", "kafka: {queue_bytes: 7MiB}\n"),
    ("kafka.properties", "kafka: {properties: {client.rack: one}}\n"),
    ("events.to", "events: {to: stdout}\n"),
    ("events.when_full", "events: {when_full: drop}\n"),
    ("events.file.path", "events: {file: {path: /tmp/events.jsonl}}\n"),
    ("events.file.max_bytes", "events: {file: {max_bytes: 7MiB}}\n"),
    ("events.file.keep", "events: {file: {keep: 7}}\n"),
    ("events.kafka.brokers", "events: {kafka: {brokers: [\"k:9092\"]}}\n"),
    ("events.kafka.topic", "events: {kafka: {topic: errors}}\n"),
    ("events.kafka.properties", "events: {kafka: {properties: {compression.codec: zstd}}}\n"),
];

/// Keys that a reload puts in force, each with what shows it.
const RELOADS: &[(&str, fn())] = &[
    ("watch", watch),
    ("catalog", catalog),
    ("services", services),
    ("discovery", discovery),
    ("discovery_keys", discovery_keys),
    ("max_record_bytes", max_record_bytes),
    ("max_unknown_codes", max_unknown_codes),
    ("zero_init", zero_init),
    ("code_info", code_info),
    ("linger", linger),
    ("shutdown_timeout", shutdown_timeout),
    ("log_level", log_level),
    ("labels", labels::labels),
    ("max_label_sets", labels::max_label_sets),
    ("label_expiry", label_expiry),
    ("time_zone", fields::time_zone),
    ("late_after", fields::late_after),
    ("exemplars", fields::exemplars),
    ("fields.level", fields::fields_level),
    ("fields.time", fields::fields_time),
    ("fields.message", fields::fields_message),
    ("fields.request_id", fields::fields_request_id),
    ("fields.trace_id", fields::fields_trace_id),
    ("events.include_record", events::include_record),
    ("events.max_record_bytes", events::events_max_record_bytes),
    ("events.only.category", events::only_category),
    ("events.only.api_service", events::only_api_service),
    ("events.only.code", events::only_code),
    ("events.only.level", events::only_level),
    ("join.lines", joins::join_lines),
    ("join.start", joins::join_start),
    ("join.continuation", joins::join_continuation),
    ("join.wait", joins::join_wait),
];

/// A daemon and the file that it is configured by.
struct Subject {
    folder: Folder,
    daemon: Daemon,
    records: u64,
}

impl Subject {
    fn new(settings: &str) -> Subject {
        Subject::with(Folder::new(), settings, Stdio::null())
    }

    /// Everything from the file, where it listens too.
    fn by_file_alone() -> Subject {
        let folder = Folder::new();
        let config = folder.write("errtally.yaml", HERE);
        let mut command = errtally();
        command.args(["run", "--config", &config]).stdin(Stdio::piped()).stdout(Stdio::null());
        Subject { folder, daemon: Daemon::spawn_command(&mut command), records: 0 }
    }

    /// With events into a file.
    fn with_events(settings: &str) -> Subject {
        let folder = Folder::new();
        let settings = with_events(folder.path(), settings);
        Subject::with(folder, &settings, Stdio::null())
    }

    fn with(folder: Folder, settings: &str, stdout: Stdio) -> Subject {
        let config = folder.write("errtally.yaml", format!("# settings\n{settings}"));
        let daemon = Daemon::spawn_to(&["--config", &config], Stdio::piped(), stdout);
        wait_for("/readyz says 200", || (daemon.get("/readyz").status == 200).then_some(()));
        Subject { folder, daemon, records: 0 }
    }

    #[track_caller]
    fn feed(&mut self, lines: &str) -> Scrape {
        self.daemon.write(lines);
        self.records += lines.matches('\n').count() as u64;
        self.daemon.wait_for_records(self.records)
    }

    #[track_caller]
    fn reload(&self, settings: &str) -> Scrape {
        self.folder.write("errtally.yaml", format!("# settings\n{settings}"));
        let before = self.daemon.scrape().value(SUCCESS_TIME, &[]);
        self.daemon.signal(Signal::HUP);
        wait_for("a reload", || {
            let scrape = self.daemon.scrape();
            (scrape.value(SUCCESS_TIME, &[]) > before).then_some(scrape)
        })
    }

    /// What the events say that came since `from` of them.
    #[track_caller]
    fn events(&self, from: usize, count: usize) -> Vec<Value> {
        wait_for("events", || {
            let text = std::fs::read_to_string(self.folder.path().join("events.jsonl")).unwrap_or_default();
            let all: Vec<Value> = text.lines().filter_map(|l| serde_json::from_str(l).ok()).collect();
            (all.len() >= from + count).then(|| all[from..].to_vec())
        })
    }

    /// The events of some lines, after the settings changed to `settings`.
    #[track_caller]
    fn events_after(&mut self, settings: &str, lines: &str, from: usize, count: usize) -> Vec<Value> {
        let settings = with_events(self.folder.path(), settings);
        self.reload(&settings);
        self.feed(lines);
        let events = self.events(from, count);
        assert_eq!(events.len(), count, "{events:?}");
        events
    }
}

fn with_events(folder: &Path, settings: &str) -> String {
    let file = folder.join("events.jsonl");
    let events = format!("events:\n  to: file\n  file: {{path: {file:?}}}\n");
    match settings.split_once("events:\n") {
        Some((before, below)) => format!("{before}{events}{below}"),
        None => format!("{settings}{events}"),
    }
}

fn errors(scrape: &Scrape, labels: &[(&str, &str)]) -> f64 {
    scrape.sum("errtally_errors_total", labels)
}

#[test]
fn the_table_is_whole_and_says_the_truth() {
    for key in KEYS.iter() {
        let restart = RESTART.iter().any(|(name, _)| *name == key.name);
        let reloads = RELOADS.iter().any(|(name, _)| *name == key.name);
        assert_eq!((reloads, restart), (key.reloads, !key.reloads), "{}: add a case", key.name);
    }
    assert_eq!(RESTART.len() + RELOADS.len(), KEYS.len());
}

#[test]
fn what_needs_a_restart_is_told_by_name() {
    let subject = Subject::by_file_alone();
    for (key, settings) in RESTART {
        let before = subject.daemon.log().len();
        let rest = if *key == "listen" { "" } else { HERE };
        subject.reload(&format!("{rest}{settings}"));
        // The log is written by a thread of its own.
        let told = wait_for(&format!("{key} in the log: {}", subject.daemon.log()), || {
            let log = subject.daemon.log()[before..].to_owned();
            let told: Vec<_> = log.lines().filter(|l| l.contains("next start")).map(str::to_owned).collect();
            told.iter().any(|l| l.contains(&format!("{key:?}"))).then_some(told)
        });
        let also_topics = settings.contains("{topics: [a]}");
        assert!(told.len() <= 1 + usize::from(also_topics), "{told:?}");
    }
    // A secret that changed is told of too, and not shown.
    let before = subject.daemon.log().len();
    let secret = "security.protocol: SASL_SSL, sasl.mechanism: PLAIN, sasl.username: u, sasl.password";
    subject.reload(&format!("{HERE}kafka: {{properties: {{{secret}: geheim}}}}\n"));
    wait_for("the key in the log", || {
        subject.daemon.log()[before..].contains("\"kafka.properties\"").then_some(())
    });
    assert!(!subject.daemon.log().contains("geheim"));
    // Nothing of all this is in force, and what is back is not told of.
    let before = subject.daemon.log().matches("next start").count();
    subject.reload(HERE);
    subject.reload(HERE);
    assert_eq!(subject.daemon.log().matches("next start").count(), before);
}

#[test]
fn what_reloads_takes_effect() {
    for (key, holds) in RELOADS {
        println!("{key}");
        holds();
    }
}

fn watch() {
    let mut subject = Subject::new("watch: false\n");
    let shop = subject.folder.write("shop.yaml", shop_catalog(&["001"]));
    let knows = |subject: &Subject, code: &str| subject.daemon.get("/api/v1/catalog").text().contains(code);
    subject.reload(&format!("watch: true\ncatalog: {shop:?}\n"));
    subject.folder.write("shop.yaml", shop_catalog(&["001", "002"]));
    wait_for("a reload by itself", || knows(&subject, "Shop.002").then_some(()));
    subject.feed("Shop.002\n");
    let off = subject.reload(&format!("watch: false\ncatalog: {shop:?}\n"));
    subject.folder.write("shop.yaml", shop_catalog(&["003"]));
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert!(!knows(&subject, "Shop.003"), "nobody looks any more");
    assert_eq!(subject.daemon.scrape().value(SUCCESS_TIME, &[]), off.value(SUCCESS_TIME, &[]));
}

fn catalog() {
    let mut subject = Subject::new("");
    let shop = subject.folder.write("shop.yaml", shop_catalog(&["001"]));
    subject.reload(&format!("catalog: {shop:?}\n"));
    assert_eq!(errors(&subject.feed("Shop.001\n"), &[("code", "Shop.001")]), 1.0);
}

fn services() {
    let mut subject = Subject::new("");
    subject.feed("Ecs.0114\nCCE.01400007\n");
    subject.reload("services: [CCE]\n");
    let scrape = subject.feed("Ecs.0114\nCCE.01400007\n");
    assert_eq!(errors(&scrape, &[("code", "CCE.01400007")]), 2.0);
    assert_eq!(errors(&scrape, &[("code", "Ecs.0114")]), 1.0, "what was counted stays");
    subject.reload("");
    assert_eq!(errors(&subject.feed("Ecs.0114\n"), &[("code", "Ecs.0114")]), 2.0);
}

fn discovery() {
    let mut subject = Subject::new("");
    subject.feed("error_code=Till.0003\n");
    subject.reload("discovery: false\n");
    let scrape = subject.feed("error_code=Till.0003\nerror_code=Desk.0001\n");
    assert_eq!(scrape.sum("errtally_unknown_codes_total", &[]), 1.0);
}

fn discovery_keys() {
    let mut subject = Subject::new("");
    let line = "fault_no=Till.0003\n";
    assert_eq!(subject.feed(line).sum("errtally_unknown_codes_total", &[]), 0.0);
    subject.reload("discovery_keys: [fault_no]\n");
    let scrape = subject.feed(&format!("{line}error_code=Desk.0001\n"));
    assert_eq!(scrape.sum("errtally_unknown_codes_total", &[("code", "TILL.0003")]), 1.0);
    assert_eq!(scrape.sum("errtally_unknown_codes_total", &[]), 1.0);
}

fn max_record_bytes() {
    let mut subject = Subject::new("");
    let long = format!("{}\n", "x".repeat(3000));
    assert_eq!(subject.feed(&long).sum("errtally_oversized_records_total", &[]), 0.0);
    subject.reload("max_record_bytes: 2KiB\n");
    assert_eq!(subject.feed(&long).sum("errtally_oversized_records_total", &[]), 1.0);
}

fn max_unknown_codes() {
    let mut subject = Subject::new("");
    subject.reload("max_unknown_codes: 1\n");
    let scrape = subject.feed("error_code=Till.0003\nerror_code=Till.0004\n");
    assert_eq!(scrape.sum("errtally_unknown_codes_total", &[("code", "other")]), 1.0);
}

fn zero_init() {
    let subject = Subject::new("");
    let scrape = subject.reload("zero_init: [billing]\n");
    assert_eq!(scrape.of("errtally_errors_total", &[("category", "quota")]).count(), 0);
}

fn code_info() {
    let subject = Subject::new("");
    assert!(subject.reload("code_info: all\n").of("errtally_code_info", &[]).count() > 400);
}

fn linger() {
    let mut subject = Subject::new("");
    subject.reload("linger: 5m\n");
    subject.feed("Ecs.0114\n");
    subject.daemon.close();
    let scrape = subject.daemon.wait_for_end_of_input();
    assert_eq!(errors(&scrape, &[]), 1.0);
}

fn shutdown_timeout() {
    let settings = "events: {to: stdout}\n";
    let mut subject =
        Subject::with(Folder::new(), &format!("shutdown_timeout: 1d\n{settings}"), Stdio::piped());
    subject.reload(&format!("shutdown_timeout: 200ms\n{settings}"));
    // Nobody takes the events: a stop must give them up.
    let stdin = subject.daemon.stdin();
    std::thread::spawn(move || {
        let mut stdin = stdin;
        while std::io::Write::write_all(&mut stdin, "Ecs.0114\n".repeat(1000).as_bytes()).is_ok() {}
    });
    subject.daemon.wait_for_log("nobody reads standard output");
    subject.daemon.signal(Signal::TERM);
    let (status, log) = subject.daemon.wait();
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("within shutdown_timeout"), "{log}");
}

fn log_level() {
    let subject = Subject::new("");
    let count = || subject.daemon.log().matches(RELOADED).count();
    subject.reload("");
    wait_for("a line", || (count() == 1).then_some(()));
    subject.reload("log_level: error\n");
    subject.reload("log_level: error\nlinger: 1s\n");
    subject.reload("log_level: info\n");
    subject.reload("log_level: info\nlinger: 1s\n");
    wait_for("two more lines", || (count() >= 2).then_some(()));
    assert!(count() <= 4, "what is less severe is left out: {}", subject.daemon.log());
    subject.folder.write("errtally.yaml", "lingr: 1s\n");
    subject.daemon.signal(Signal::HUP);
    subject.daemon.wait_for_log("unknown key");
}

fn label_expiry() {
    let mut subject = Subject::new("labels: {app: app}\n");
    subject.feed("Ecs.0114 app=a\n");
    subject.reload("labels: {app: app}\nlabel_expiry: 10ms\n");
    wait_for("the series to go", || (errors(&subject.daemon.scrape(), &[("app", "a")]) == 0.0).then_some(()));
}
