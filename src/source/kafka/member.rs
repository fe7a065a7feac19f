//! A member of the group: the client, and the queue that its messages come by.
//!
//! Whichever way a member ends, it leaves the group within a deadline (see
//! [`leave`]), and the queue is gone before the client.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rdkafka::consumer::Consumer;

use super::batch::{Queue, Slot};
use super::client::{self, Client};
use super::context::Group;
use super::leave;
use super::status::Status;
use crate::kafka::KafkaSettings;

/// Most messages of a batch: enough to make the lock of a commit and the call
/// for the batch cheap, few enough to stay in the cache.
const BATCH_MESSAGES: usize = 1_000;

/// Most events that are served before messages are looked at again.
const EVENTS: usize = 1_000;

/// How long leaving may take where no stop was asked for.
const LEAVE_WAIT: Duration = Duration::from_secs(5);

/// The client and its queue. Leaves the group when dropped.
pub(super) struct Member {
    consumer: Arc<Client>,
    queue: Option<Queue>,
    status: Arc<Status>,
    left: bool,
}

impl Member {
    /// A member that has not subscribed yet, with a queue that `slot` leads to.
    pub(super) fn new(
        settings: &KafkaSettings,
        group: Group,
        slot: Slot,
        status: Arc<Status>,
    ) -> anyhow::Result<Member> {
        let consumer = Arc::new(client::create(settings, group)?);
        let mut member = Member { consumer, queue: None, status, left: false };
        let queue = Queue::new(member.consumer.client(), slot, BATCH_MESSAGES);
        member.queue = Some(queue.context("cannot make a queue for messages")?);
        Ok(member)
    }

    /// The client.
    pub(super) fn consumer(&self) -> &Arc<Client> {
        &self.consumer
    }

    /// The client, and the queue until the group is left.
    pub(super) fn parts(&mut self) -> (&Client, Option<&mut Queue>) {
        (&self.consumer, self.queue.as_mut())
    }

    /// Serves rebalances, statistics, errors and log lines.
    pub(super) fn serve(&self) -> anyhow::Result<()> {
        serve(&self.consumer, &self.status)
    }

    /// Commits and leaves the group by `until`.
    pub(super) fn leave(mut self, until: Instant) {
        self.leave_by(until);
    }

    fn leave_by(&mut self, until: Instant) {
        if !std::mem::replace(&mut self.left, true) {
            leave::leave(self.consumer.clone(), self.queue.take(), &self.status, until);
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.leave_by(Instant::now() + LEAVE_WAIT);
    }
}

/// Serves what waits, one by one, until there is nothing; messages come by the
/// queue.
pub(super) fn serve(consumer: &Client, status: &Status) -> anyhow::Result<()> {
    for _ in 0..EVENTS {
        let before = status.events();
        match consumer.poll(Duration::ZERO) {
            None => {}
            Some(Ok(_)) => {
                return Err(anyhow::anyhow!("a message came by the wrong queue; please report this"));
            }
            // The error callback has told it already.
            Some(Err(error)) => tracing::debug!(%error, "poll"),
        }
        if status.events() == before {
            break;
        }
    }
    Ok(())
}
