//! Whether brokers answer, let us in and have what is asked for: what
//! `config check --connect` asks, and `run` would find out later.
//!
//! Nothing is consumed, written, created or committed, and no group is joined.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::client::{Client, ClientContext};
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::metadata::MetadataTopic;
use rdkafka::producer::{BaseProducer, Producer, ProducerContext};
use rdkafka::{Offset, TopicPartitionList};

use errtally_core::problem::counted;

/// How long all questions together may take.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// How long one call may block, so that what a client says meanwhile is heard.
const CALL_WAIT: Duration = Duration::from_secs(1);

/// More events than a client has in the time of a call; it hands over one at a time.
const EVENTS: usize = 100;

/// Which setting an answer is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The addresses, or the properties with which they are spoken to.
    Brokers,
    /// The topics.
    Topics,
    /// The consumer group.
    Group,
}

/// What is wrong with a part, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The part.
    pub part: Part,
    /// What the brokers, or the client, said.
    pub what: String,
    /// What to look at.
    pub remedy: String,
}

/// Asks as a consumer of `topics` in `group` would; patterns are left to the
/// group. Gives what was found, in words.
///
/// # Errors
/// With everything that would keep it from reading.
pub fn consumer(config: &ClientConfig, topics: &[String], group: &str) -> Result<Vec<String>, Vec<Refusal>> {
    let heard = Heard::default();
    let client: BaseConsumer<Heard> =
        config.create_with_context(heard.clone()).map_err(|error| vec![unreachable(&error.to_string())])?;
    let listen = || (0..EVENTS).for_each(|_| drop(client.poll(Duration::ZERO)));
    let asking = Asking { client: client.client(), listen: &listen, heard, until: Instant::now() + PATIENCE };
    let (mut found, mut refused) = (vec![asking.brokers().map_err(|one| vec![one])?], Vec::new());
    let mut all = TopicPartitionList::new();
    for topic in topics {
        if topic.starts_with('^') {
            found.push(format!("topic pattern {topic}: matched by the group, while it runs"));
            continue;
        }
        match asking.topic(topic) {
            Ok(partitions) => {
                for partition in 0..partitions {
                    all.add_partition(topic, partition);
                }
                found.push(match partitions {
                    1 => format!("topic {topic}: partition 0"),
                    n => format!("topic {topic}: partitions 0 to {}", n - 1),
                });
            }
            Err(refusal) => refused.push(refusal),
        }
    }
    match asking.ask(|wait| client.committed_offsets(all.clone(), wait)) {
        _ if all.count() == 0 => {}
        Ok(committed) => {
            let known =
                committed.elements().iter().filter(|e| matches!(e.offset(), Offset::Offset(_))).count();
            let all = counted(all.count() as u64, "partition");
            found.push(format!("group {group}: offsets of {known} of {all}"));
        }
        Err(what) => refused.push(Refusal {
            part: Part::Group,
            what: format!("group {group}: {what}"),
            remedy: "let this user read the group, or name another".to_owned(),
        }),
    }
    if refused.is_empty() { Ok(found) } else { Err(refused) }
}

/// Asks as a producer to `topic` would.
///
/// # Errors
/// As [`consumer`].
pub fn producer(config: &ClientConfig, topic: &str) -> Result<Vec<String>, Vec<Refusal>> {
    let heard = Heard::default();
    let client: BaseProducer<Heard> =
        config.create_with_context(heard.clone()).map_err(|error| vec![unreachable(&error.to_string())])?;
    let listen = || client.poll(Duration::ZERO);
    let asking = Asking { client: client.client(), listen: &listen, heard, until: Instant::now() + PATIENCE };
    let brokers = asking.brokers().map_err(|one| vec![one])?;
    let partitions = asking.topic(topic).map_err(|one| vec![one])?;
    Ok(vec![brokers, format!("topic {topic}: partitions 0 to {}", partitions - 1)])
}

/// Questions of one client.
struct Asking<'a, C: ClientContext> {
    client: &'a Client<C>,
    /// Lets the client say what it has to.
    listen: &'a dyn Fn(),
    heard: Heard,
    until: Instant,
}

impl<C: ClientContext> Asking<'_, C> {
    /// The answer to a call, which is made until it has one, or there is no hope.
    fn ask<T>(&self, call: impl Fn(Duration) -> Result<T, KafkaError>) -> Result<T, String> {
        loop {
            let left = self.until.saturating_duration_since(Instant::now());
            let result = call(left.min(CALL_WAIT).max(Duration::from_millis(1)));
            (self.listen)();
            let Err(error) = result else { return result.map_err(|error| error.to_string()) };
            let silent = matches!(
                error.rdkafka_error_code(),
                Some(
                    RDKafkaErrorCode::OperationTimedOut
                        | RDKafkaErrorCode::BrokerTransportFailure
                        | RDKafkaErrorCode::RequestTimedOut
                        | RDKafkaErrorCode::AllBrokersDown
                        | RDKafkaErrorCode::WaitingForCoordinator
                        | RDKafkaErrorCode::CoordinatorLoadInProgress
                        | RDKafkaErrorCode::CoordinatorNotAvailable
                        | RDKafkaErrorCode::LeaderNotAvailable
                )
            );
            let said = self.heard.take();
            if !silent {
                return Err(said.words.unwrap_or_else(|| error.to_string()));
            }
            if said.hopeless || left.is_zero() {
                return Err(said.words.unwrap_or_else(|| silence(&error)));
            }
            self.heard.put_back(said);
        }
    }

    /// Whether anybody answers.
    fn brokers(&self) -> Result<String, Refusal> {
        // A topic that cannot be: only the brokers are wanted.
        let metadata = self.ask(|wait| self.client.fetch_metadata(Some("errtally.connect"), wait));
        let metadata = metadata.map_err(|what| unreachable(&what))?;
        let brokers = metadata.brokers().iter();
        let names: Vec<_> = brokers.map(|broker| format!("{}:{}", broker.host(), broker.port())).collect();
        Ok(format!("brokers {}", names.join(", ")))
    }

    /// The partitions of a topic, once the leader of each was spoken to.
    fn topic(&self, topic: &str) -> Result<i32, Refusal> {
        let refusal = |what: String, remedy: &str| Refusal {
            part: Part::Topics,
            what: format!("topic {topic}: {what}"),
            remedy: remedy.to_owned(),
        };
        let remedy = "create it, name another, or let this user see it: what a user may not see is not there";
        let metadata = self.ask(|wait| self.client.fetch_metadata(Some(topic), wait));
        let metadata = metadata.map_err(|what| refusal(what, remedy))?;
        let found = metadata.topics().iter().find(|t| t.name() == topic);
        let found = found.ok_or_else(|| refusal("the brokers do not know it".to_owned(), remedy))?;
        if let Some(error) = found.error() {
            return Err(refusal(RDKafkaErrorCode::from(error).to_string(), remedy));
        }
        for partition in one_of_each_leader(found) {
            self.ask(|wait| self.client.fetch_watermarks(topic, partition, wait)).map_err(|what| {
                refusal(
                    format!("the leader of partition {partition} does not answer: {what}"),
                    "see that the address that brokers give out (advertised.listeners) can be reached from here",
                )
            })?;
        }
        Ok(found.partitions().len() as i32)
    }
}

/// Nothing was said: nobody is there, or who is there speaks otherwise and closes each connection.
fn silence(error: &KafkaError) -> String {
    format!(
        "no answer within {} s ({error}); it may be that they close connections at once, as a listener with TLS or \
         SASL does where security.protocol is another",
        PATIENCE.as_secs()
    )
}

fn one_of_each_leader(topic: &MetadataTopic) -> Vec<i32> {
    let mut leaders = BTreeSet::new();
    topic.partitions().iter().filter(|p| leaders.insert(p.leader())).map(|p| p.id()).collect()
}

fn unreachable(what: &str) -> Refusal {
    Refusal {
        part: Part::Brokers,
        what: what.to_owned(),
        remedy:
            "see that the address is right and can be reached from here, and that the properties are those \
                 that the brokers want"
                .to_owned(),
    }
}

/// What a client has said.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Said>>);

#[derive(Default)]
struct Said {
    /// The cause of the last failure.
    words: Option<String>,
    /// Asking again gives nothing else.
    hopeless: bool,
}

impl Heard {
    fn take(&self) -> Said {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What was heard meanwhile is newer.
    fn put_back(&self, said: Said) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now.words.is_none() {
            *now = said;
        }
    }

    fn hear(&self, code: Option<RDKafkaErrorCode>, words: &str) {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match code {
            // It only says that there were other errors before it.
            Some(RDKafkaErrorCode::AllBrokersDown) => said.hopeless = true,
            Some(code) => {
                said.hopeless |= matches!(code, RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SSL);
                said.words = Some(words.to_owned());
            }
            None => said.words = Some(words.to_owned()),
        }
    }
}

impl ClientContext for Heard {
    fn log(&self, _: RDKafkaLogLevel, _: &str, _: &str) {}

    fn error(&self, error: KafkaError, reason: &str) {
        self.hear(error.rdkafka_error_code(), reason);
    }
}

impl ConsumerContext for Heard {}

impl ProducerContext for Heard {
    type DeliveryOpaque = ();

    fn delivery(&self, _: &DeliveryResult<'_>, (): ()) {}
}
