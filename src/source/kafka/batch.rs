//! Messages in batches from a queue of our own.
//!
//! librdkafka hands out one message for each call that rdkafka makes, with an
//! event and a reference count around it; that alone costs more than counting
//! the message. librdkafka's own call for batches has no binding, so it is
//! made here, on a queue that the fetch queues of our partitions are forwarded
//! to. As one queue it also has one limit, `queued.max.messages.kbytes`,
//! however many partitions there are.
//!
//! # Safety
//!
//! - *Lifetime of the queue*: [`Queue`] borrows the client by pointer. The
//!   client outlives it because [`super::member::Member`] owns both and drops
//!   the queue first, whichever way it ends; the [`Slot`] through which the
//!   rebalance callback finds the queue is cleared as it is dropped.
//! - *Threads*: the callback runs inside `poll`, on the thread that owns the
//!   queue. The slot's pointer is behind a mutex all the same.
//! - *Lifetime of messages*: each is destroyed after the closure has had it,
//!   or with the queue, and [`Message`] cannot leave the closure, by its
//!   lifetime. Those that are held keep their topic alive.
//! - *Payloads*: librdkafka gives pointer and length; a null pointer is a
//!   tombstone and read as empty.

use std::borrow::Cow;
use std::ffi::{CStr, CString};
use std::io;
use std::marker::PhantomData;
use std::ops::Range;
use std::ptr::{self, NonNull};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::bindings::{
    rd_kafka_consume_batch_queue, rd_kafka_header_get_last, rd_kafka_message_destroy,
    rd_kafka_message_headers, rd_kafka_message_t, rd_kafka_message_timestamp, rd_kafka_queue_destroy,
    rd_kafka_queue_forward, rd_kafka_queue_get_partition, rd_kafka_queue_new, rd_kafka_queue_t, rd_kafka_t,
    rd_kafka_topic_name,
};
use rdkafka::client::{Client, ClientContext};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::types::RDKafkaRespErr;

use errtally_core::fields::Envelope;

/// A queue that partitions are forwarded to.
pub(super) struct Queue {
    queue: NonNull<rd_kafka_queue_t>,
    slot: Slot,
    batch: Vec<*mut rd_kafka_message_t>,
    /// Which of the batch were not handed out yet.
    held: Range<usize>,
}

impl Queue {
    /// A queue of `client` with batches of at most `most` messages, which
    /// `slot` leads to as long as it lives.
    pub(super) fn new<C: ClientContext>(client: &Client<C>, slot: Slot, most: usize) -> io::Result<Queue> {
        let client = client.native_ptr().cast::<rd_kafka_t>();
        // SAFETY: the pointer is that of a living client.
        let queue = unsafe { rd_kafka_queue_new(client) };
        let queue = NonNull::new(queue).ok_or_else(|| io::Error::other("librdkafka gave no queue"))?;
        slot.put(Some(Place { client, queue }));
        Ok(Queue { queue, slot, batch: vec![ptr::null_mut(); most], held: 0..0 })
    }

    /// Hands each message of the next batch to `each`, as long as that says to
    /// go on; the rest is held for the next call. Waits at most `wait` for the
    /// first, and for no other. What is taken was in the queue, so that its
    /// limit bounds what is held here too.
    pub(super) fn take(&mut self, wait: Duration, mut each: impl FnMut(&Message<'_>) -> bool) {
        if self.held.is_empty() {
            self.fill(wait, 1);
            if !self.hand_out(&mut each) {
                return;
            }
            if self.held.start == 1 {
                self.fill(Duration::ZERO, self.batch.len());
            }
        }
        self.hand_out(&mut each);
    }

    /// Takes the next batch from librdkafka; nothing is held.
    fn fill(&mut self, wait: Duration, most: usize) {
        let wait = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
        let room = &mut self.batch[..most];
        // SAFETY: the array has room for as many pointers as it is long.
        let taken =
            unsafe { rd_kafka_consume_batch_queue(self.queue.as_ptr(), wait, room.as_mut_ptr(), room.len()) };
        // Negative for an error, which its own event tells about as well.
        self.held = 0..usize::try_from(taken).unwrap_or(0);
    }

    /// Whether to go on.
    fn hand_out(&mut self, each: &mut impl FnMut(&Message<'_>) -> bool) -> bool {
        for at in self.held.by_ref() {
            // SAFETY: librdkafka filled these slots with messages that are
            // ours; each is destroyed once, after its last use.
            let go_on = unsafe {
                let go_on = each(&Message { raw: &*self.batch[at], _batch: PhantomData });
                rd_kafka_message_destroy(self.batch[at]);
                go_on
            };
            if !go_on {
                return false;
            }
        }
        true
    }

    /// How many messages are held.
    pub(super) fn held(&self) -> u64 {
        self.held.len() as u64
    }

    /// Drops the held messages that are not `wanted` any more.
    pub(super) fn retain(&mut self, wanted: impl Fn(&Message<'_>) -> bool) {
        let held = std::mem::take(&mut self.held);
        let mut end = held.start;
        for at in held.clone() {
            // SAFETY: as in `hand_out`; those that stay move to slots before.
            unsafe {
                if wanted(&Message { raw: &*self.batch[at], _batch: PhantomData }) {
                    self.batch[end] = self.batch[at];
                    end += 1;
                } else {
                    rd_kafka_message_destroy(self.batch[at]);
                }
            }
        }
        self.held = held.start..end;
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.retain(|_| false);
        self.slot.put(None);
        // SAFETY: made by `new`, destroyed once; the client still lives, and
        // nobody finds the queue any more.
        unsafe { rd_kafka_queue_destroy(self.queue.as_ptr()) };
    }
}

/// Where the rebalance callback finds the queue, once there is one.
#[derive(Clone, Default)]
pub(super) struct Slot(Arc<Mutex<Option<Place>>>);

#[derive(Clone, Copy)]
struct Place {
    client: *mut rd_kafka_t,
    queue: NonNull<rd_kafka_queue_t>,
}

// SAFETY: librdkafka's objects may be used from any thread; the pointers are
// only followed while the queue lives.
unsafe impl Send for Place {}

impl Slot {
    fn put(&self, place: Option<Place>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }

    /// Forwards a partition to the queue. Before the partition is assigned:
    /// librdkafka then leaves the forwarding as it is, and no message takes
    /// another way.
    pub(super) fn forward(&self, topic: &str, partition: i32) {
        // Held until it is done: the queue is not dropped meanwhile.
        let place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (Some(place), Ok(topic)) = (*place, CString::new(topic)) else { return };
        // SAFETY: client and queue live as long as the slot holds them; the
        // partition's queue is released by the reference that was taken.
        unsafe {
            let source = rd_kafka_queue_get_partition(place.client, topic.as_ptr(), partition);
            if !source.is_null() {
                rd_kafka_queue_forward(source, place.queue.as_ptr());
                rd_kafka_queue_destroy(source);
            }
        }
    }
}

/// A message, for as long as its batch is read.
pub(super) struct Message<'m> {
    raw: &'m rd_kafka_message_t,
    _batch: PhantomData<&'m ()>,
}

impl Message<'_> {
    /// What it holds; empty for a tombstone.
    pub(super) fn payload(&self) -> &[u8] {
        if self.raw.payload.is_null() {
            return &[];
        }
        // SAFETY: librdkafka's payload of this length, alive with the message.
        unsafe { std::slice::from_raw_parts(self.raw.payload.cast(), self.raw.len) }
    }

    /// The error that stands in its place.
    pub(super) fn error(&self) -> Option<RDKafkaErrorCode> {
        (self.raw.err != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR).then(|| self.raw.err.into())
    }

    /// Its partition.
    pub(super) fn partition(&self) -> i32 {
        self.raw.partition
    }

    /// Its offset.
    pub(super) fn offset(&self) -> i64 {
        self.raw.offset
    }

    /// Tells topics apart without reading their names; valid until the next
    /// rebalance.
    pub(super) fn topic_key(&self) -> usize {
        self.raw.rkt as usize
    }

    /// The name of its topic.
    pub(super) fn topic(&self) -> Cow<'_, str> {
        // SAFETY: a message without an error has a topic, whose name is a C
        // string that lives as long as the topic.
        unsafe { CStr::from_ptr(rd_kafka_topic_name(self.raw.rkt)) }.to_string_lossy()
    }

    /// Its key; none where it has none.
    pub(super) fn key(&self) -> Option<&[u8]> {
        if self.raw.key.is_null() {
            return None;
        }
        // SAFETY: librdkafka's key of this length, alive with the message.
        Some(unsafe { std::slice::from_raw_parts(self.raw.key.cast(), self.raw.key_len) })
    }

    /// The value of its last header of this name; none for a null value.
    pub(super) fn header(&self, name: &str) -> Option<&[u8]> {
        let name = CString::new(name).ok()?;
        let mut headers = ptr::null_mut();
        let (mut value, mut size) = (ptr::null(), 0);
        // SAFETY: all pointers are valid; librdkafka parses the headers once
        // and keeps them, and what it points to, with the message.
        unsafe {
            if rd_kafka_message_headers(self.raw, &mut headers) != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR
                || rd_kafka_header_get_last(headers, name.as_ptr(), &mut value, &mut size)
                    != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR
                || value.is_null()
            {
                return None;
            }
            Some(std::slice::from_raw_parts(value.cast(), size))
        }
    }

    /// When it was made, in milliseconds since 1970; none where the topic
    /// keeps no times.
    pub(super) fn timestamp(&self) -> Option<i64> {
        let mut kind = rdkafka::bindings::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: both pointers are valid.
        let millis = unsafe { rd_kafka_message_timestamp(self.raw, &mut kind) };
        (millis >= 0).then_some(millis)
    }
}

impl Envelope for Message<'_> {
    fn key(&self) -> Option<&[u8]> {
        Message::key(self)
    }

    fn header(&self, name: &str) -> Option<&[u8]> {
        Message::header(self, name)
    }

    fn topic(&self) -> Cow<'_, str> {
        Message::topic(self)
    }

    fn partition(&self) -> i32 {
        Message::partition(self)
    }

    fn offset(&self) -> i64 {
        Message::offset(self)
    }

    fn timestamp(&self) -> Option<i64> {
        Message::timestamp(self)
    }
}
