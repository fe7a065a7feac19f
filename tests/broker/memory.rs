//! Memory while a backlog drains: below what the documentation says, whatever the messages are.

use std::time::{Duration, Instant};

use super::Broker;
use super::runner::measured;
use crate::feed::{Counts, Feeder, codes_of, consumer, wait_for_counts, write_text};

/// `kafka.memory` by default.
const BOUND: u64 = 256 << 20;

const PATIENCE: Duration = Duration::from_secs(180);

pub fn a_backlog_of_2_gb(broker: &Broker) {
    backlog(broker, "none");
}

/// What a fetch holds is ten times what its bytes are.
pub fn a_backlog_of_2_gb_that_is_well_compressed(broker: &Broker) {
    backlog(broker, "zstd");
}

/// Hundreds of times: with the smaller fetches that docs/kafka.md advises then.
pub fn a_backlog_of_one_message_again_and_again(broker: &Broker) {
    const MESSAGES: u64 = 1_200_000;
    broker.create("again", 8);
    let feeder = Feeder::new(&broker.address(), "zstd");
    let mut text = String::new();
    write_text(0, &mut text);
    (0..MESSAGES).for_each(|i| feeder.send("again", (i % 8) as i32, Some(text.as_bytes())));
    feeder.flush();
    let small = ["--kafka-properties", "fetch.max.bytes=65536"];
    let daemon = consumer(&broker.address(), "again", "again", &small);
    let counts = wait_for_counts(&[&daemon], MESSAGES, PATIENCE);
    assert_eq!(counts.bytes, MESSAGES * text.len() as u64);
    assert_eq!(counts.codes, [(codes_of(0)[0].to_owned(), MESSAGES)].into());
    hold(&daemon, "one message again and again, fetches of 64 KiB");
    broker.delete("again");
}

fn backlog(broker: &Broker, codec: &str) {
    const MESSAGES: u64 = 7_200_000;
    let topic = format!("backlog-{codec}");
    broker.create(&topic, 8);
    let feeder = Feeder::new(&broker.address(), codec);
    feeder.send_numbers(&topic, 8, 0..MESSAGES);
    feeder.flush();
    let daemon = consumer(&broker.address(), &topic, &topic, &[]);
    let since = Instant::now();
    let counts = wait_for_counts(&[&daemon], MESSAGES, PATIENCE);
    let seconds = since.elapsed().as_secs_f64();
    assert_eq!(counts, Counts::expected(0..MESSAGES));
    assert!(counts.bytes >= 2_000_000_000, "{} bytes", counts.bytes);
    measured(
        &format!("draining, {codec}"),
        format!("{seconds:.1} s, {:.0} messages/s", MESSAGES as f64 / seconds),
    );
    hold(&daemon, codec);
    broker.delete(&topic);
}

/// Each is as large as a record may be, a fetch holds few.
pub fn large_messages(broker: &Broker) {
    const MESSAGES: u64 = 600;
    broker.create("large", 8);
    let feeder = Feeder::new(&broker.address(), "none");
    let payload = vec![b'x'; 1_000_000];
    for i in 0..MESSAGES {
        feeder.send("large", (i % 8) as i32, Some(&payload));
    }
    feeder.flush();
    let daemon = consumer(&broker.address(), "large", "large", &[]);
    let counts = wait_for_counts(&[&daemon], MESSAGES, PATIENCE);
    assert_eq!(counts.bytes, MESSAGES * 1_000_000);
    hold(&daemon, "messages of 1 MB");
    broker.delete("large");
}

#[track_caller]
fn hold(daemon: &crate::support::daemon::Daemon, what: &str) {
    let peak = daemon.peak_memory();
    measured(
        &format!("peak of resident memory, {what}"),
        format!("{:.1} MiB", peak as f64 / f64::from(1 << 20)),
    );
    assert!(peak <= BOUND, "{peak} bytes of resident memory, where {BOUND} are documented");
}
