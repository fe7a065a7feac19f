//! TLS and SASL: every way in counts exactly, and a way that is closed is told by its cause.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::runner::measured;
use super::{Broker, PATIENCE};
use crate::feed::{Counts, Feeder, consumer, terminate, wait_for_counts, wait_for_ready};
use crate::support::{Folder, root, run};

const MESSAGES: u64 = 200_000;
const PARTITIONS: i32 = 4;

/// Flags that set these properties.
fn flags(properties: &[String]) -> Vec<&str> {
    properties.iter().flat_map(|p| ["--kafka-properties", p.as_str()]).collect()
}

fn with_ca(broker: &Broker, protocol: &str) -> Vec<String> {
    vec![format!("security.protocol={protocol}"), format!("ssl.ca.location={}", broker.tls_file("ca.pem"))]
}

fn sasl(broker: &Broker, mechanism: &str, password: &str) -> Vec<String> {
    let mut properties = with_ca(broker, "SASL_SSL");
    properties.push(format!("sasl.mechanism={mechanism}"));
    properties.extend(["sasl.username=alice".to_owned(), format!("sasl.password={password}")]);
    properties
}

fn fill(broker: &Broker, topic: &str) {
    broker.create(topic, PARTITIONS);
    let feeder = Feeder::new(&broker.address(), "lz4");
    feeder.send_numbers(topic, PARTITIONS as u64, 0..MESSAGES);
    feeder.flush();
}

pub fn every_mechanism(broker: &Broker) {
    fill(broker, "sasl");
    for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
        let properties = sasl(broker, mechanism, "alice-secret");
        let check = ["config", "check", "--connect", "--source", "kafka", "--kafka-topics", "sasl"];
        let brokers = broker.sasl_address();
        let found =
            run(check.into_iter().chain(["--kafka-brokers", &brokers]).chain(flags(&properties))).ok();
        assert!(found.contains("topic sasl: partitions 0 to 3"), "{mechanism}: {found}");
        let daemon = consumer(&broker.sasl_address(), "sasl", mechanism, &flags(&properties));
        let counts = wait_for_counts(&[&daemon], MESSAGES, PATIENCE);
        assert_eq!(counts, Counts::expected(0..MESSAGES), "{mechanism}");
        wait_for_ready(&daemon, 200, "");
        assert_eq!(terminate(daemon), MESSAGES, "{mechanism}");
    }
    let mut properties = with_ca(broker, "SASL_SSL");
    for token in ["sasl.mechanism=OAUTHBEARER", "enable.sasl.oauthbearer.unsecure.jwt=true"] {
        properties.push(token.to_owned());
    }
    properties.push("sasl.oauthbearer.config=principal=alice".to_owned());
    let daemon = consumer(&broker.sasl_address(), "sasl", "oauthbearer", &flags(&properties));
    assert_eq!(wait_for_counts(&[&daemon], MESSAGES, PATIENCE), Counts::expected(0..MESSAGES));
    broker.delete("sasl");
}

/// The example of the page, with the files of this broker: what is shown there must be right.
fn the_documented_example(broker: &Broker, folder: &Folder) {
    let page = std::fs::read_to_string(root().join("docs/kafka.md")).expect("docs/kafka.md");
    let (_, rest) = page.split_once("## TLS and SASL\n\n```yaml\n").expect("the section begins with it");
    let (example, _) = rest.split_once("```").expect("its end");
    let here = example.replace("/etc/errtally/", &broker.tls_file(""));
    for content in [here.clone(), here.replace("# ssl.", "ssl.")] {
        assert_eq!(content.matches("tls/").count(), 3, "{content}");
        let file = folder.write("example.yaml", content);
        run(["config", "check", "--config", &file]).ok();
    }
}

/// By a configuration file, as it is documented.
pub fn a_certificate_of_the_client(broker: &Broker) {
    fill(broker, "tls");
    let folder = Folder::new();
    the_documented_example(broker, &folder);
    let pem = format!(
        "ssl.certificate.location: {}\n    ssl.key.location: {}",
        broker.tls_file("client.pem"),
        broker.tls_file("client.key")
    );
    let keystore = format!(
        "ssl.keystore.location: {}\n    ssl.keystore.password: alice-secret",
        broker.tls_file("client.p12")
    );
    for (group, certificate) in [("pem", pem), ("keystore", keystore)] {
        let content = format!(
            "kafka:\n  properties:\n    security.protocol: SSL\n    ssl.ca.location: {}\n    {certificate}\n",
            broker.tls_file("ca.pem")
        );
        let file = folder.write("errtally.yaml", content);
        run(["config", "check", "--config", &file]).ok();
        let daemon = consumer(&broker.tls_address(), "tls", group, &["--config", &file]);
        let counts = wait_for_counts(&[&daemon], MESSAGES, PATIENCE);
        assert_eq!(counts, Counts::expected(0..MESSAGES), "{group}");
        assert_eq!(terminate(daemon), MESSAGES, "{group}");
    }
    // What does not open the key is found before anything is connected.
    let keystore = format!("ssl.keystore.location={}", broker.tls_file("client.p12"));
    let wrong = ["security.protocol=SSL", &keystore, "ssl.keystore.password=wrong"].map(str::to_owned);
    let said = run(["config", "check"].iter().chain(&flags(&wrong))).failed(2);
    assert!(said.contains("client.p12") && !said.contains("wrong"), "{said}");
    let key = format!("ssl.key.location={}", broker.tls_file("ca.pem"));
    let said =
        run(["config", "check", "--kafka-properties", &key, "--kafka-properties", "security.protocol=ssl"]);
    assert!(said.failed(2).contains("ssl.key.location failed"));
    broker.delete("tls");
}

/// It stays up, is not ready, and says why.
pub fn ways_that_are_closed(broker: &Broker) {
    broker.create("closed", 1);
    let folder = Folder::new();
    let other = another_authority(&folder);
    let mut unknown = sasl(broker, "PLAIN", "alice-secret");
    unknown[1] = format!("ssl.ca.location={other}");
    let cases = [
        (
            "a wrong password, PLAIN",
            broker.sasl_address(),
            sasl(broker, "PLAIN", "wrong"),
            "Invalid username or password",
        ),
        (
            "a wrong password, SCRAM",
            broker.sasl_address(),
            sasl(broker, "SCRAM-SHA-512", "wrong"),
            "invalid credentials with SASL mechanism SCRAM-SHA-512",
        ),
        ("an unknown authority", broker.sasl_address(), unknown, "certificate verify failed"),
        ("no certificate", broker.tls_address(), with_ca(broker, "SSL"), "bad certificate"),
        ("no TLS to a port for TLS", broker.tls_address(), Vec::new(), "security.protocol"),
        ("TLS to a port without", broker.address(), with_ca(broker, "SSL"), "PLAINTEXT broker listener?"),
    ];
    // Before a daemon is started, by who is asked whether it could be.
    for (what, address, properties, cause) in &cases {
        let mut args = vec!["config", "check", "--connect", "--source", "kafka", "--kafka-topics", "closed"];
        args.extend(["--kafka-brokers", address]);
        args.extend(flags(properties));
        let output = run(args);
        assert_eq!(output.status, Some(1), "{what}: {output:?}");
        assert!(output.stderr.contains(cause) && output.stderr.contains("; see that"), "{what}: {output:?}");
    }
    // All at once: each takes some attempts.
    let daemons: Vec<_> =
        cases.iter().map(|(_, address, p, _)| consumer(address, "closed", "closed", &flags(p))).collect();
    for (daemon, (what, address, _, cause)) in daemons.iter().zip(&cases) {
        let words = wait_for_ready(daemon, 503, cause);
        assert!(words.contains(address), "it names the broker: {words}");
        measured(&format!("/readyz with {what}"), words.trim());
    }
    // The cause outlasts the attempts, and the log is not flooded.
    std::thread::sleep(Duration::from_secs(3));
    for (daemon, (what, _, _, cause)) in daemons.into_iter().zip(&cases) {
        wait_for_ready(&daemon, 503, cause);
        assert_eq!(daemon.get("/healthz").status, 200, "{what}");
        assert_eq!(daemon.scrape().value("errtally_kafka_connected", &[]), Some(0.0), "{what}");
        assert!(daemon.log().lines().count() <= 10, "{what}:\n{}", daemon.log());
        assert!(!daemon.log().contains("wrong"), "{what}: a secret in\n{}", daemon.log());
        assert_eq!(terminate(daemon), 0, "{what}");
    }
}

/// A broker that hangs, with TLS: what is left of the client must not break the end of the process.
pub fn sigterm_while_the_broker_hangs(broker: &Broker) {
    broker.create("sasl-hangs", PARTITIONS);
    let feeder = Feeder::new(&broker.address(), "none");
    feeder.send_numbers("sasl-hangs", PARTITIONS as u64, 0..1000);
    feeder.flush();
    let properties = sasl(broker, "SCRAM-SHA-256", "alice-secret");
    let mut args = flags(&properties);
    args.extend(["--shutdown-timeout", "2s", "--kafka-commit-interval", "1h"]);
    let daemons: Vec<_> = (0..4)
        .map(|i| consumer(&broker.sasl_address(), "sasl-hangs", &format!("hangs-{i}"), &args))
        .collect();
    for daemon in &daemons {
        wait_for_counts(&[daemon], 1000, PATIENCE);
    }
    broker.signal(Signal::STOP);
    let since = Instant::now();
    daemons.iter().for_each(|daemon| daemon.signal(Signal::TERM));
    let ended: Vec<_> = daemons.into_iter().map(|daemon| (daemon.wait(), since.elapsed())).collect();
    broker.signal(Signal::CONT);
    for ((status, log), took) in ended {
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(took < Duration::from_secs(2), "shutdown_timeout: {took:?}");
        assert!(log.contains("records since the last commit are counted again"), "{log}");
    }
}

/// The certificate of an authority that has signed nothing here.
fn another_authority(folder: &Folder) -> String {
    let file = folder.path().join("other.pem").display().to_string();
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]);
    command.args(["-subj", "/CN=other", "-keyout", "/dev/null", "-out", &file]);
    let made = command.stdin(Stdio::null()).stderr(Stdio::null()).status().expect("openssl can be run");
    assert!(made.success(), "openssl made no certificate");
    file
}
