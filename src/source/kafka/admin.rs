//! Questions to brokers that are answered later: where partitions begin and
//! end, and which topics there are.
//!
//! rdkafka's calls for this block the caller, one partition after the other;
//! a member of a group has a group to serve. Each question has a queue of its
//! own that its answer comes to.
//!
//! # Safety
//!
//! - *Lifetime of the client*: a [`Question`] is polled and dropped by the
//!   thread that owns the client, before the client is dropped; destroying a
//!   queue whose answer is still under way is what librdkafka allows.
//! - *Lifetime of answers*: everything that an event holds is copied before
//!   the event is destroyed.

use std::ffi::{CStr, CString, c_char};
use std::ptr::{self, NonNull};
use std::time::Duration;

use rdkafka::bindings as native;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset, TopicPartitionList};

use super::client::Client;

/// Which of a partition's offsets is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    /// Of the oldest record kept.
    First,
    /// Behind the newest record.
    End,
    /// Behind the newest record that a reader of committed records may have.
    CommittedEnd,
}

/// What tells a topic from another of the same name.
pub(super) type TopicId = (i64, i64);

/// A topic and the number of a partition.
pub(super) type Place = (String, i32);

/// A question that is under way.
pub(super) struct Question {
    queue: NonNull<native::rd_kafka_queue_t>,
}

/// What the brokers said.
#[derive(Debug)]
pub(super) enum Answer {
    /// An offset of each partition.
    Offsets(Vec<(Place, Result<i64, RDKafkaErrorCode>)>),
    /// The identity of each topic.
    Topics(Vec<(String, Result<TopicId, RDKafkaErrorCode>)>),
    /// Nothing: why.
    None(RDKafkaErrorCode),
}

impl Question {
    /// Asks for an offset of each of `places`.
    pub(super) fn offsets(client: &Client, places: &[Place], edge: Edge, time: Duration) -> Option<Question> {
        let mut list = TopicPartitionList::with_capacity(places.len());
        let spec = if edge == Edge::First { Offset::Beginning } else { Offset::End };
        for (topic, partition) in places {
            list.add_partition_offset(topic, *partition, spec).ok()?;
        }
        let question = Question::new(client)?;
        let options = Options::new(client, native::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_LISTOFFSETS, time)?;
        if edge == Edge::CommittedEnd {
            let level = native::rd_kafka_IsolationLevel_t::RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED;
            // SAFETY: the options live; an error would be ours to destroy.
            unsafe {
                let error = native::rd_kafka_AdminOptions_set_isolation_level(options.0.as_ptr(), level);
                if !error.is_null() {
                    native::rd_kafka_error_destroy(error);
                }
            }
        }
        // SAFETY: all live; librdkafka copies the list and the options.
        unsafe {
            native::rd_kafka_ListOffsets(
                rdkafka::consumer::Consumer::client(client).native_ptr().cast(),
                list.ptr().cast(),
                options.0.as_ptr(),
                question.queue.as_ptr(),
            );
        }
        Some(question)
    }

    /// Asks which of `topics` there are.
    pub(super) fn topics(client: &Client, topics: &[String], time: Duration) -> Option<Question> {
        let names: Vec<CString> = topics.iter().filter_map(|t| CString::new(t.as_str()).ok()).collect();
        let mut names: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect::<Vec<_>>();
        let question = Question::new(client)?;
        let options =
            Options::new(client, native::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS, time)?;
        // SAFETY: the names live until the collection, which copies them, is
        // made; the collection is destroyed once, after librdkafka copied it.
        unsafe {
            let all = native::rd_kafka_TopicCollection_of_topic_names(names.as_mut_ptr(), names.len());
            native::rd_kafka_DescribeTopics(
                rdkafka::consumer::Consumer::client(client).native_ptr().cast(),
                all,
                options.0.as_ptr(),
                question.queue.as_ptr(),
            );
            native::rd_kafka_TopicCollection_destroy(all);
        }
        Some(question)
    }

    fn new(client: &Client) -> Option<Question> {
        // SAFETY: the client lives.
        let queue = unsafe {
            native::rd_kafka_queue_new(rdkafka::consumer::Consumer::client(client).native_ptr().cast())
        };
        NonNull::new(queue).map(|queue| Question { queue })
    }

    /// The answer, if it comes within `wait`.
    pub(super) fn poll(&self, wait: Duration) -> Option<Answer> {
        let wait = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: the queue lives; the event is ours, and destroyed once.
        unsafe {
            let event = NonNull::new(native::rd_kafka_queue_poll(self.queue.as_ptr(), wait))?;
            let answer = read(event.as_ptr());
            native::rd_kafka_event_destroy(event.as_ptr());
            Some(answer)
        }
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        // SAFETY: made by `new`, destroyed once.
        unsafe { native::rd_kafka_queue_destroy(self.queue.as_ptr()) };
    }
}

struct Options(NonNull<native::rd_kafka_AdminOptions_t>);

impl Options {
    fn new(client: &Client, of: native::rd_kafka_admin_op_t, time: Duration) -> Option<Options> {
        let time = i32::try_from(time.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: the client lives; no text of an error is wanted.
        unsafe {
            let client = rdkafka::consumer::Consumer::client(client).native_ptr().cast();
            let options = NonNull::new(native::rd_kafka_AdminOptions_new(client, of))?;
            native::rd_kafka_AdminOptions_set_request_timeout(options.as_ptr(), time, ptr::null_mut(), 0);
            Some(Options(options))
        }
    }
}

impl Drop for Options {
    fn drop(&mut self) {
        // SAFETY: made by `new`, destroyed once.
        unsafe { native::rd_kafka_AdminOptions_destroy(self.0.as_ptr()) };
    }
}

/// # Safety
/// `event` lives.
unsafe fn read(event: *mut native::rd_kafka_event_t) -> Answer {
    // SAFETY: each result is read as what the type of its event says it is.
    unsafe {
        let error = native::rd_kafka_event_error(event);
        if error != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Answer::None(error.into());
        }
        match native::rd_kafka_event_type(event) {
            native::RD_KAFKA_EVENT_LISTOFFSETS_RESULT => Answer::Offsets(offsets(event)),
            native::RD_KAFKA_EVENT_DESCRIBETOPICS_RESULT => Answer::Topics(topics(event)),
            _ => Answer::None(RDKafkaErrorCode::Fail),
        }
    }
}

/// # Safety
/// `event` lives and answers a question for offsets.
unsafe fn offsets(event: *mut native::rd_kafka_event_t) -> Vec<(Place, Result<i64, RDKafkaErrorCode>)> {
    // SAFETY: the array has as many results as it says, and each a partition
    // with the name of its topic; all live with the event.
    unsafe {
        let mut count = 0;
        let result = native::rd_kafka_event_ListOffsets_result(event);
        let results = native::rd_kafka_ListOffsets_result_infos(result, &mut count);
        let all =
            (0..count).map(|i| &*native::rd_kafka_ListOffsetsResultInfo_topic_partition(*results.add(i)));
        // Where a broker has not answered in time, librdkafka gives the question back as a result without an
        // error: -1 for the end, -2 for the beginning.
        let read =
            all.filter(|p| p.offset >= 0 || p.err != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR).map(|p| {
                let topic = CStr::from_ptr(p.topic).to_string_lossy().into_owned();
                let is_right = p.err == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR;
                ((topic, p.partition), if is_right { Ok(p.offset) } else { Err(p.err.into()) })
            });
        read.collect()
    }
}

/// # Safety
/// `event` lives and answers a question for topics.
unsafe fn topics(event: *mut native::rd_kafka_event_t) -> Vec<(String, Result<TopicId, RDKafkaErrorCode>)> {
    // SAFETY: the array has as many topics as it says, each with a name and
    // either an error or an identity; all live with the event.
    unsafe {
        let mut count = 0;
        let result = native::rd_kafka_event_DescribeTopics_result(event);
        let results = native::rd_kafka_DescribeTopics_result_topics(result, &mut count);
        let read = (0..count).map(|i| {
            let topic = *results.add(i);
            let name = CStr::from_ptr(native::rd_kafka_TopicDescription_name(topic)).to_string_lossy();
            let error = native::rd_kafka_TopicDescription_error(topic);
            let error = if error.is_null() {
                RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR
            } else {
                native::rd_kafka_error_code(error)
            };
            let id = native::rd_kafka_TopicDescription_topic_id(topic);
            let answer = if error != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
                Err(error.into())
            } else if id.is_null() {
                Ok((0, 0))
            } else {
                Ok((
                    native::rd_kafka_Uuid_most_significant_bits(id),
                    native::rd_kafka_Uuid_least_significant_bits(id),
                ))
            };
            (name.into_owned(), answer)
        });
        read.collect()
    }
}
