//! The end: what was counted is committed and the partitions are given up,
//! both within a deadline.
//!
//! A broker that dies, or hangs, at this very moment must not keep the process
//! from ending. librdkafka's commit waits for its answer as long as requests
//! may take, so it waits on a thread of its own; and a client that cannot leave
//! its group is left to the end of the process. The group finds out by its
//! session timeout.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use tracing::warn;

use super::batch::Queue;
use super::client::Client;
use super::member::serve;
use super::status::Status;

/// How long events are waited for before the time is looked at.
const POLL: Duration = Duration::from_millis(20);

/// How long the news of a commit may take that was under way already.
const NEWS: Duration = Duration::from_secs(1);

/// Commits and leaves the group by `until`, or tells what that means.
pub(super) fn leave(consumer: Arc<Client>, queue: Option<Queue>, status: &Status, until: Instant) {
    // The answers of the HTTP server that are under way want some time too.
    let now = Instant::now();
    let until = now + until.saturating_duration_since(now).mul_f32(0.75);
    status.leave(until);
    let connected = status.counters().connected;
    let committed = if connected {
        commit(&consumer, status, until)
    } else if status.uncommitted().is_empty() {
        Ok(())
    } else {
        Err("no broker is connected".to_owned())
    };
    if let Err(why) = &committed {
        warn!("the last offsets are not committed: {why}; records since the last commit are counted again");
    }
    // Only now: what is assigned in a rebalance must not come by the queue of the events.
    drop(queue);
    let left = if connected { close(&consumer, until) } else { Err("no broker is connected".to_owned()) };
    match left {
        Ok(()) => drop(consumer),
        Err(why) => {
            warn!(
                "the group was not left in order: {why}; others get its partitions after session.timeout.ms"
            );
            // Dropping it would wait without end.
            std::mem::forget(consumer);
        }
    }
}

/// Commits what was counted, so that nobody counts it again. In the middle of
/// a rebalance the broker refuses; then the rebalance is gone along with, and
/// the commit tried again.
fn commit(consumer: &Arc<Client>, status: &Status, until: Instant) -> Result<(), String> {
    use RDKafkaErrorCode::{IllegalGeneration, NoOffset, RebalanceInProgress, UnknownMemberId};
    let mut wanted = status.uncommitted();
    while !wanted.is_empty() {
        if Instant::now() >= until {
            return Err("the group is being rebalanced".to_owned());
        }
        match commit_once(consumer, status, until)? {
            Ok(()) => return Ok(()),
            Err(KafkaError::ConsumerCommit(NoOffset)) => {
                // Somebody was faster: librdkafka, whose news is on its way, or who took the partitions.
                let soon = until.min(Instant::now() + NEWS);
                while !wanted.is_empty() && Instant::now() < soon {
                    let _ = consumer.poll(POLL);
                    wanted.retain(|offset| !status.has_committed(offset));
                }
                return if wanted.is_empty() {
                    Ok(())
                } else {
                    Err("partitions were lost before".to_owned())
                };
            }
            Err(KafkaError::ConsumerCommit(IllegalGeneration | RebalanceInProgress | UnknownMemberId)) => {
                let _ = consumer.poll(POLL);
                wanted.retain(|offset| !status.has_committed(offset));
            }
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(())
}

/// The broker's answer to a commit, if there is one by `until`.
fn commit_once(consumer: &Arc<Client>, status: &Status, until: Instant) -> Result<KafkaResult<()>, String> {
    let (answer, answered) = mpsc::channel();
    let committing = consumer.clone();
    thread::Builder::new()
        .name("commit".to_owned())
        .spawn(move || {
            let result = committing.commit_consumer_state(CommitMode::Sync);
            // Whoever hears the answer has the client alone.
            drop(committing);
            let _ = answer.send(result);
        })
        .map_err(|error| error.to_string())?;
    loop {
        match answered.recv_timeout(POLL) {
            Ok(result) => return Ok(result),
            Err(RecvTimeoutError::Disconnected) => return Err("the commit failed".to_owned()),
            Err(RecvTimeoutError::Timeout) if Instant::now() >= until => {
                return Err("the broker does not answer".to_owned());
            }
            Err(RecvTimeoutError::Timeout) => serve(consumer, status).map_err(|error| error.to_string())?,
        }
    }
}

/// Gives the partitions up and leaves the group.
fn close(consumer: &Client, until: Instant) -> Result<(), String> {
    // Closing alone leaves no group in which this instance has no partition.
    consumer.unsubscribe();
    consumer.close_queue().map_err(|error| error.to_string())?;
    while !consumer.closed() {
        if Instant::now() >= until {
            return Err("the broker does not answer".to_owned());
        }
        let _ = consumer.poll(POLL);
    }
    Ok(())
}
