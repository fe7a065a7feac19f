//! The plainest consumer that rdkafka allows: polls a topic from its start
//! until it has taken so many messages, and looks at none. What errtally's
//! Kafka source is measured beside.

use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, brokers, topic, messages] = arguments.as_slice() else {
        eprintln!("usage: plain_consumer BROKERS TOPIC MESSAGES");
        std::process::exit(2);
    };
    let messages: u64 = messages.parse().expect("a number of messages");
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", format!("plain-{}", std::process::id()))
        .set("auto.offset.reset", "earliest")
        .set("fetch.queue.backoff.ms", "10")
        .set("queued.min.messages", "1000000")
        .create()
        .expect("a consumer");
    consumer.subscribe(&[topic]).expect("a subscription");
    let mut taken = 0;
    let started = Instant::now();
    while taken < messages {
        if let Some(message) = consumer.poll(Duration::from_millis(100)) {
            taken += u64::from(message.is_ok());
        }
    }
    eprintln!("{taken} messages in {:.3} s", started.elapsed().as_secs_f64());
    // Leaving the group in order would be measured too.
    std::process::exit(0);
}
