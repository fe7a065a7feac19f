//! A broker of the tests' own: `scripts/kafka` with a port and a folder for them alone.

pub mod blocked;
pub mod content;
pub mod events;
pub mod exact;
pub mod faults;
pub mod group;
pub mod memory;
pub mod offsets;
pub mod runner;
pub mod secure;

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use rustix::process::{Pid, Signal, kill_process};

use crate::support::root;

/// Below the ports that the system gives to connections: it must be free again after a stop.
const PORT: u16 = 29_092;

/// How long most things may take here.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The broker; stopped, and its data gone, when dropped.
pub struct Broker {
    port: u16,
    name: &'static str,
}

impl Broker {
    /// One without data. Nothing runs yet.
    pub fn new() -> Broker {
        Broker::of(PORT, "kafka")
    }

    /// One with a port and a folder of its own.
    pub fn of(port: u16, name: &'static str) -> Broker {
        let broker = Broker { port, name };
        // What a run that was killed has left.
        broker.script(&["stop", "--kill"]);
        broker.script(&["clean"]);
        broker
    }

    fn dir(&self) -> PathBuf {
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(self.name)
    }

    #[allow(dead_code)] // Not by `trouble`.
    /// Where it keeps topics, a folder for each partition.
    fn data(&self) -> PathBuf {
        self.dir().join("data")
    }

    #[track_caller]
    fn script(&self, args: &[&str]) {
        let mut command = Command::new(root().join("scripts/kafka"));
        command.env("LOCAL_KAFKA_PORT", self.port.to_string()).env("LOCAL_KAFKA_DIR", self.dir());
        // Its words, should it fail, are the runner's.
        let status = command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).status();
        assert!(status.expect("scripts/kafka can be run").success(), "scripts/kafka {args:?} failed");
    }

    /// Starts it, unless it runs, and waits until it answers.
    #[track_caller]
    pub fn start(&self) {
        self.script(&["start", "--secure"]);
    }

    /// Stops it; the data stays.
    #[track_caller]
    pub fn stop(&self) {
        self.script(&["stop"]);
    }

    /// Kills it as a crash would; the data stays.
    #[track_caller]
    pub fn kill(&self) {
        self.script(&["stop", "--kill"]);
    }

    /// Sends it a signal that it survives.
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        let pid = std::fs::read_to_string(self.dir().join("pid")).expect("it was started");
        let pid = pid.trim().parse().ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(pid, signal).expect("it runs");
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Where it speaks TLS, to clients with a certificate.
    pub fn tls_address(&self) -> String {
        format!("127.0.0.1:{}", self.port + 2)
    }

    /// Where it speaks SASL over TLS.
    pub fn sasl_address(&self) -> String {
        format!("127.0.0.1:{}", self.port + 3)
    }

    /// A file of its certificates.
    pub fn tls_file(&self, name: &str) -> String {
        self.dir().join("tls").join(name).display().to_string()
    }

    fn admin<T>(
        &self,
        ask: impl AsyncFnOnce(&AdminClient<DefaultClientContext>, &AdminOptions) -> rdkafka::error::KafkaResult<T>,
    ) -> T {
        let admin =
            ClientConfig::new().set("bootstrap.servers", self.address()).create().expect("an admin client");
        let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(30)));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(ask(&admin, &options)).expect("the broker does it")
    }

    /// Creates a topic.
    #[track_caller]
    pub fn create(&self, topic: &str, partitions: i32) {
        let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
        let done = self.admin(async |admin, options| admin.create_topics([&new], options).await);
        done.into_iter().for_each(|r| assert!(r.is_ok(), "{r:?}"));
    }

    #[allow(dead_code)] // Not by `trouble`.
    /// Creates a topic of one partition with settings of its own.
    #[track_caller]
    pub fn create_with(&self, topic: &str, settings: &[(&str, &str)]) {
        let mut new = NewTopic::new(topic, 1, TopicReplication::Fixed(1));
        for (name, value) in settings {
            new = new.set(name, value);
        }
        let done = self.admin(async |admin, options| admin.create_topics([&new], options).await);
        done.into_iter().for_each(|r| assert!(r.is_ok(), "{r:?}"));
    }

    #[allow(dead_code)] // By `trouble` only.
    /// Creates a topic, if the broker is there. Whether it is there now.
    pub fn try_create(&self, topic: &str, partitions: i32) -> bool {
        let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
        let done = self.try_admin(async |admin, options| admin.create_topics([&new], options).await);
        done.is_some_and(|done| {
            done.iter().all(|r| matches!(r, Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists))))
        })
    }

    #[allow(dead_code)]
    /// Deletes a topic, if the broker is there. Whether it is gone now.
    pub fn try_delete(&self, topic: &str) -> bool {
        let done = self.try_admin(async |admin, options| admin.delete_topics(&[topic], options).await);
        done.is_some_and(|done| {
            done.iter().all(|r| matches!(r, Ok(_) | Err((_, RDKafkaErrorCode::UnknownTopicOrPartition))))
        })
    }

    #[allow(dead_code)]
    /// Deletes this share of the records of a partition, in percent, the oldest first, as their expiry would, if the
    /// broker is there. `tell` hears the offset of the first that is kept before it happens.
    pub fn try_expire(&self, topic: &str, partition: i32, share: u64, tell: impl FnOnce(u64)) {
        let time = Duration::from_secs(5);
        let asked: Result<BaseConsumer, _> = ClientConfig::new()
            .set("bootstrap.servers", self.address())
            .set_log_level(rdkafka::config::RDKafkaLogLevel::Emerg)
            .create();
        let Ok((low, high)) = asked.and_then(|asked| asked.fetch_watermarks(topic, partition, time)) else {
            return;
        };
        let before = low + (high - low) * share as i64 / 100;
        let mut offsets = TopicPartitionList::new();
        if before > low && offsets.add_partition_offset(topic, partition, Offset::Offset(before)).is_ok() {
            tell(before as u64);
            let _ = self.try_admin(async |admin, options| admin.delete_records(&offsets, options).await);
        }
    }

    #[allow(dead_code)]
    fn try_admin<T>(
        &self,
        ask: impl AsyncFnOnce(&AdminClient<DefaultClientContext>, &AdminOptions) -> rdkafka::error::KafkaResult<T>,
    ) -> Option<T> {
        let admin = ClientConfig::new()
            .set("bootstrap.servers", self.address())
            .set_log_level(rdkafka::config::RDKafkaLogLevel::Emerg)
            .create()
            .expect("an admin client");
        let time = Some(Duration::from_secs(10));
        let options = AdminOptions::new().operation_timeout(time).request_timeout(time);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(ask(&admin, &options)).ok()
    }

    /// Gives a topic more partitions: `partitions` in all.
    #[track_caller]
    pub fn grow(&self, topic: &str, partitions: usize) {
        let new = NewPartitions::new(topic, partitions);
        let done = self.admin(async |admin, options| admin.create_partitions([&new], options).await);
        done.into_iter().for_each(|r| assert!(r.is_ok(), "{r:?}"));
    }

    /// Deletes a topic, for the disk's sake.
    #[track_caller]
    pub fn delete(&self, topic: &str) {
        let done = self.admin(async |admin, options| admin.delete_topics(&[topic], options).await);
        done.into_iter().for_each(|r| assert!(r.is_ok(), "{r:?}"));
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.script(&["stop", "--kill"]);
        self.script(&["clean"]);
    }
}
