//! What the panels are to show: one errtally on standard input, one on Kafka, one that is gone, and a Prometheus with
//! the shipped rules that scrapes all three.
//!
//! Both logs are replayed twice. A series that begins with the first replay shows only the second to rate(), so the
//! two are told apart.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

use crate::feed::{self, Feeder, within};
use crate::support::daemon::Daemon;
use crate::support::prometheus::Prometheus;
use crate::support::{Folder, root};

pub const JOBS: [&str; 2] = ["kafka", "stdin"];
/// `$__range` and `$__rate_interval`, in seconds: longer than the test, so that all of it is seen.
pub const RANGE: u64 = 900;
pub const RATE: u64 = 180;

/// A code of standard input and how often it comes in each replay. `other` is what comes past `max_unknown_codes`.
pub const STDIN: [(&str, u64); 8] = [
    ("CCE.01400007", 2),
    ("CCE.02429001", 12),
    ("Ecs.0114", 4),
    ("Ecs.1000", 1),
    ("CSS.0015", 1),
    ("DLI.0003", 4),
    ("OBS.0001", 2),
    ("other", 1),
];
/// Teams of the records with `Ecs.0114`; the last is past `max_label_sets`, the fourth record has none.
pub const TEAMS: [&str; 3] = ["web", "shop", "search"];
/// Hits in each replay that are late: of CSS.0015, too old.
pub const LATE: u64 = 3;
/// The trace of the last throttled call of each replay.
pub const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
/// The same of Kafka, for [`MESSAGES`].
pub const KAFKA_CODES: [(&str, u64); 5] =
    [("CCE.01400007", 4), ("Ecs.0114", 10), ("Ecs.0005", 2), ("CSS.0015", 2), ("DLI.0003", 2)];
/// Messages of each replay.
pub const MESSAGES: u64 = 200;

const PATIENCE: Duration = Duration::from_secs(60);

/// One replay for standard input.
pub fn log() -> String {
    let mut lines = String::new();
    for (code, times) in STDIN {
        for i in 0..times {
            lines.push_str(&match (code, i) {
                ("Ecs.1000", _) => "{\"code\":\"Ecs.1000\",}\n".to_owned(),
                ("CSS.0015", _) => format!("{} CSS.0015\n", "x".repeat(2000)),
                ("DLI.0003" | "OBS.0001", _) => format!("attempt {i}: error_code={code}\n"),
                ("other", _) => String::new(),
                ("Ecs.0114", 0..3) => {
                    format!("{{\"team\":\"{}\",\"msg\":\"{code}\"}}\n", TEAMS[i as usize])
                }
                ("CCE.02429001", 11) => format!("{{\"trace_id\":\"{TRACE}\",\"msg\":\"{code}\"}}\n"),
                (known, _) => format!("attempt {i}: {known}\n"),
            });
        }
    }
    lines += &"{\"time\":\"2020-01-01T00:00:00Z\",\"msg\":\"CSS.0015\"}\n".repeat(LATE as usize);
    lines += &"nothing of interest\n".repeat(5);
    // Last: the unknown codes before it have their series when it comes.
    lines + LAST
}

const LAST: &str = "error_code=Zzz.0001\n";

/// The scene when all is counted and scraped.
pub struct Scene {
    pub prometheus: Prometheus,
    /// Addresses by job; `gone` is of the job `stdin`.
    pub instances: BTreeMap<&'static str, String>,
    /// When it began, and the time at which queries are asked.
    pub start: f64,
    pub now: f64,
    /// Records and bytes of one replay, by job.
    pub records: BTreeMap<&'static str, u64>,
    pub bytes: BTreeMap<&'static str, [u64; 2]>,
    _stdin: Daemon,
    _kafka: Daemon,
    cluster: MockCluster<'static, DefaultProducerContext>,
    _folder: Folder,
}

fn clock() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs_f64()
}

impl Scene {
    pub fn play() -> Scene {
        let start = clock();
        let folder = Folder::new();
        let events = folder.path().join("events.jsonl").display().to_string();
        let stdin = Daemon::start(&[
            "--max-unknown-codes=2",
            "--max-record-bytes=1KiB",
            "--labels=team=team",
            "--max-label-sets=2",
            "--late-after=1h",
            "--events-to=file",
            &format!("--events-file-path={events}"),
        ]);
        let gone = Daemon::start(&[]);
        // Before there is a connection to the mock of a cluster: Prometheus would inherit it and hold it open.
        let targets = folder.path().join("kafka.json");
        let (first, second) = (stdin.address().to_string(), gone.address().to_string());
        let prometheus = Prometheus::start(&configuration(&first, &second, &targets));
        let cluster = MockCluster::new(1).expect("a mock cluster");
        cluster.create_topic("logs", 2, 1).expect("a topic");
        let brokers = cluster.bootstrap_servers();
        let kafka = feed::consumer(&brokers, "logs", "g", &[]);
        feed::wait_for_ready(&kafka, 200, "");
        let third = kafka.address().to_string();
        std::fs::write(&targets, format!("[{{\"targets\": [{third:?}]}}]")).expect("a file");
        let instances = [("stdin", first), ("gone", second), ("kafka", third)].into();

        // Series that are at 0 must be seen at 0.
        let scrapes = |number: u32, series: &str, wanted: usize| {
            let query = format!("count(count_over_time({series}[10m]) >= {number})");
            within(PATIENCE, &format!("{number} scrapes of {wanted} {series}"), || {
                (prometheus.query(&query, None).into_values().next() == Some(wanted as f64)).then_some(())
            });
        };
        scrapes(2, "errtally_build_info", 3);
        drop(gone);

        let feeder = Feeder::new(&brokers, "none");
        let log = log();
        let lines = log.matches('\n').count() as u64;
        let mut stdin = stdin;
        let mut kafka_bytes = [0; 2];
        for replay in 0..2 {
            let most = log.strip_suffix(LAST).expect("the last");
            stdin.write(most);
            stdin.wait_for_records(replay * lines + most.matches('\n').count() as u64);
            stdin.write(LAST);
            let messages = replay * MESSAGES..(replay + 1) * MESSAGES;
            kafka_bytes[replay as usize] = feed::Counts::expected(messages.clone()).bytes;
            feeder.send_numbers("logs", 2, messages);
            feeder.flush();
            let wanted = (replay + 1) * (lines + MESSAGES);
            within(PATIENCE, "all records, as Prometheus sees them", || {
                let seen = prometheus.query("sum(errtally_records_total)", None).into_values().next();
                (seen == Some(wanted as f64)).then_some(())
            });
            // Enough samples around each step that extrapolation adds little.
            let seen = prometheus.query("max(count_over_time(errtally_records_total[10m]))", None);
            let seen = seen.into_values().next().expect("a number") as u32;
            scrapes(seen + 12, "errtally_records_total", 2);
        }
        // The mean of the lag falls to zero with the next statistics.
        within(PATIENCE, "no lag", || {
            let lag = prometheus.query("errtally_kafka_consumer_lag", None);
            (lag.len() == 2 && lag.values().all(|l| *l == 0.0)).then_some(())
        });
        Scene {
            prometheus,
            instances,
            start,
            now: clock(),
            records: [("stdin", lines), ("kafka", MESSAGES)].into(),
            bytes: [("stdin", [log.len() as u64; 2]), ("kafka", kafka_bytes)].into(),
            _stdin: stdin,
            _kafka: kafka,
            cluster,
            _folder: folder,
        }
    }

    /// The broker goes away, until Prometheus has seen errors of the client.
    pub fn lose_the_broker(&mut self) {
        self.cluster.broker_down(1).expect("it goes down");
        within(PATIENCE, "errors of the client", || {
            let errors = self.prometheus.query("errtally_kafka_errors_total", None);
            let lost = self.prometheus.query("errtally_kafka_connected == 0", None);
            (!errors.is_empty() && lost.len() == 1).then_some(())
        });
        self.now = clock();
    }
}

fn configuration(stdin: &str, gone: &str, kafka: &Path) -> String {
    let rules = root().join("deploy/prometheus/errtally.rules.yml").display().to_string();
    format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\n\
         rule_files: [{rules:?}]\n\
         scrape_configs:\n\
         - {{job_name: stdin, static_configs: [{{targets: [{stdin:?}, {gone:?}]}}]}}\n\
         - {{job_name: kafka, file_sd_configs: [{{files: [{kafka:?}]}}]}}\n"
    )
}
