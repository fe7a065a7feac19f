//! Memory while a backlog drains: below what the documentation says, whatever the messages are.

use std::time::{Duration, Instant};

use super::Broker;
use super::runner::measured;
use crate::feed::{Counts, Feeder, codes_of, consumer, wait_for_counts, write_text};
use crate::support::daemon::Daemon;

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

/// What messages are filled with, beside a code.
#[derive(Clone, Copy, Debug)]
enum Filling {
    /// What no codec makes smaller.
    Noise,
    /// The words of logs.
    Text,
    /// One letter again and again.
    Same,
}

/// Sizes of messages, and the partitions they are spread over.
const SIZES: [usize; 6] = [10, 100, 1_000, 10_000, 100_000, 1_000_000];
const PARTITIONS: u64 = 4;

/// The formula of the documents, for messages of one size: 24 MiB, 3.6 queues of a 32nd part of `kafka.memory`, and a
/// fetch as it is when it is unpacked, with 400 bytes for each message. A batch that is larger than a fetch comes whole.
fn formula(size: usize, ratio: f64, batch: f64) -> f64 {
    let (queue, fetch) = (BOUND as f64 / 32.0, BOUND as f64 / 4096.0);
    let unpacked = fetch.max(batch) * ratio * (1.0 + 400.0 / (size as f64 + 8.0));
    f64::from(24 << 20) + 3.6 * queue + unpacked
}

/// Each size with each codec and filling, while nobody takes the events, so that all that can be fetched is, and then
/// while they are taken: below the formula, and below `kafka.memory` up to a hundredfold compression.
pub fn a_matrix_of_sizes_and_codecs(broker: &Broker) {
    let mut wrong = Vec::new();
    for size in SIZES {
        for (codec, filling) in [
            ("none", Filling::Noise),
            ("lz4", Filling::Text),
            ("lz4", Filling::Same),
            ("zstd", Filling::Text),
            ("zstd", Filling::Same),
        ] {
            let usual = matches!(
                (size, codec, filling),
                (10 | 1_000_000, "none", _) | (10 | 100 | 10_000, "zstd", _)
            );
            if !usual && std::env::var_os("MATRIX").is_none() {
                continue;
            }
            let (peak, ratio, batch) = cell(broker, size, codec, filling);
            let bound = formula(size, ratio, batch);
            let mib = |bytes: f64| bytes / f64::from(1 << 20);
            measured(
                &format!("{size} B, {codec}, {filling:?}"),
                format!(
                    "peak {:.0} MiB, formula {:.0} MiB, ratio {ratio:.1}, batches of {:.0} KiB",
                    mib(peak),
                    mib(bound),
                    batch / 1024.0
                ),
            );
            if peak > bound || (ratio <= 100.0 && peak > BOUND as f64) {
                wrong.push(format!("{size} B, {codec}, {filling:?}: {:.1} MiB", mib(peak)));
            }
        }
    }
    assert!(wrong.is_empty(), "above what is documented: {wrong:?}");
}

/// One cell of the matrix: the peak of resident memory, how many times smaller the codec has made the messages, and the
/// mean size of a batch on its way.
fn cell(broker: &Broker, size: usize, codec: &str, filling: Filling) -> (f64, f64, f64) {
    let topic = format!("matrix-{size}-{codec}-{filling:?}");
    let messages = (64_000_000 / size as u64).min(1_500_000);
    broker.create(&topic, PARTITIONS as i32);
    let feeder = Feeder::new(&broker.address(), codec);
    let (mut payload, mut noise) = (Vec::new(), 0x9e37_79b9_7f4a_7c15_u64);
    for i in 0..messages {
        // The events of large messages are large: one in ten will do.
        let code: &[u8] = if size < 1000 || i % 10 == 0 { b"Ecs.0114 " } else { b"nothing: " };
        payload.clear();
        payload.extend_from_slice(code);
        let mut text = String::new();
        while payload.len() < size {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            match filling {
                Filling::Noise => payload.extend(noise.to_le_bytes()[3..].iter().map(|b| b | 0x80)),
                Filling::Text => {
                    write_text(noise >> 33, &mut text);
                    payload.extend_from_slice(text.replace(['C', 'D', 'E'], "").as_bytes());
                }
                Filling::Same => payload.resize(size, b'x'),
            }
        }
        payload.truncate(size);
        feeder.send(&topic, (i % PARTITIONS) as i32, Some(&payload));
    }
    feeder.flush();
    let (stored, batches) = broker.stored(&topic, PARTITIONS);
    let ratio = (messages * (size as u64 + 8)) as f64 / stored as f64;
    let args = ["--events", "stdout", "--events-include-record", "false"];
    let mut daemon = consumer_with_stdout(&broker.address(), &topic, &args);
    // Whatever can be fetched is by then.
    std::thread::sleep(Duration::from_secs(6));
    let stdout = daemon.stdout();
    let reader = std::thread::spawn(move || {
        let mut stdout = stdout;
        std::io::copy(&mut stdout, &mut std::io::sink()).expect("events");
    });
    wait_for_counts(&[&daemon], messages, PATIENCE);
    let peak = daemon.peak_memory() as f64;
    drop(daemon);
    reader.join().expect("the reader");
    broker.delete(&topic);
    (peak, ratio.max(1.0), stored as f64 / batches as f64)
}

fn consumer_with_stdout(brokers: &str, topic: &str, more: &[&str]) -> Daemon {
    let mut args = vec!["--source", "kafka", "--kafka-brokers", brokers, "--kafka-topics", topic];
    args.extend(["--kafka-group", topic, "--kafka-start", "earliest"]);
    args.extend(more);
    Daemon::spawn_to(&args, std::process::Stdio::null(), std::process::Stdio::piped())
}

impl Broker {
    /// The bytes that a topic takes in the broker's files, and the number of its batches.
    fn stored(&self, topic: &str, partitions: u64) -> (u64, u64) {
        let (mut bytes, mut batches) = (0, 0);
        for partition in 0..partitions {
            let folder = self.data().join(format!("{topic}-{partition}"));
            for file in std::fs::read_dir(&folder).expect("the broker's folder") {
                let path = file.expect("a file").path();
                if path.extension().is_some_and(|e| e == "log") {
                    let log = std::fs::read(&path).expect("a log");
                    // Each batch begins with its offset and the length of what follows.
                    let mut at = 0;
                    while let Some(length) = log.get(at + 8..at + 12) {
                        let length = u32::from_be_bytes(length.try_into().expect("four bytes")) as usize;
                        if length == 0 {
                            break;
                        }
                        (at, batches) = (at + 12 + length, batches + 1);
                    }
                    bytes += at as u64;
                }
            }
        }
        (bytes, batches)
    }
}

#[track_caller]
fn hold(daemon: &Daemon, what: &str) {
    let peak = daemon.peak_memory();
    measured(
        &format!("peak of resident memory, {what}"),
        format!("{:.1} MiB", peak as f64 / f64::from(1 << 20)),
    );
    assert!(peak <= BOUND, "{peak} bytes of resident memory, where {BOUND} are documented");
}
