//! The Kafka source against a real broker, which these tests start themselves: `cargo test --release --test
//! kafka`. It takes Java 17, openssl and, once, Maven. Without them it fails: what is not tried is not shown.
//!
//! One after the other, with a runner of their own: there is one broker, some stop it, and it must be gone at the end.
//! An argument chooses the tests that have it in their name.

mod broker;
mod feed;
mod support;

use std::process::ExitCode;

use broker::runner::{Test, run};
use broker::{blocked, content, events, exact, faults, group, memory, offsets, secure};

const TESTS: &[Test] = &[
    ("exact::one_instance_and_no_codec", exact::one_instance_and_no_codec),
    ("exact::two_instances_and_three", exact::two_instances_and_three),
    ("exact::gzip", exact::gzip),
    ("exact::snappy", exact::snappy),
    ("exact::lz4", exact::lz4),
    ("exact::zstd", exact::zstd),
    ("content::empty_large_and_garbage", content::empty_large_and_garbage),
    ("content::tombstones_keys_and_headers", content::tombstones_keys_and_headers),
    ("content::lines", content::lines),
    ("group::latest_and_earliest", group::latest_and_earliest),
    ("group::patterns", group::patterns),
    ("group::lag_comes_falls_and_goes", group::lag_comes_falls_and_goes),
    ("group::static_membership", group::static_membership),
    ("group::more_instances_than_partitions", group::more_instances_than_partitions),
    ("group::a_topic_that_grows", group::a_topic_that_grows),
    ("group::a_storm_of_rebalances", group::a_storm_of_rebalances),
    ("offsets::an_offset_that_has_expired", offsets::an_offset_that_has_expired),
    ("offsets::records_that_expire_before_they_are_read", offsets::records_that_expire_before_they_are_read),
    ("offsets::records_that_expire_before_a_stop", offsets::records_that_expire_before_a_stop),
    (
        "offsets::records_that_expire_while_no_instance_runs",
        offsets::records_that_expire_while_no_instance_runs,
    ),
    ("offsets::transactions", offsets::transactions),
    ("offsets::a_compacted_topic", offsets::a_compacted_topic),
    ("offsets::topics_of_a_pattern", offsets::topics_of_a_pattern),
    ("offsets::a_topic_that_is_made_again", offsets::a_topic_that_is_made_again),
    ("offsets::a_broker_that_hangs", offsets::a_broker_that_hangs),
    ("faults::sigterm_in_the_middle", faults::sigterm_in_the_middle),
    ("faults::sigkill_in_the_middle", faults::sigkill_in_the_middle),
    ("faults::a_topic_that_is_missing_at_the_start", faults::a_topic_that_is_missing_at_the_start),
    ("faults::a_broker_that_is_missing_at_the_start", faults::a_broker_that_is_missing_at_the_start),
    ("faults::sigterm_without_a_broker", faults::sigterm_without_a_broker),
    ("faults::sigterm_while_the_broker_hangs", faults::sigterm_while_the_broker_hangs),
    ("faults::sigterm_as_the_broker_dies", faults::sigterm_as_the_broker_dies),
    ("faults::a_broker_that_is_gone_for_20_seconds", faults::a_broker_that_is_gone_for_20_seconds),
    ("events::every_hit_arrives_once", events::every_hit_arrives_once),
    ("events::nothing_is_lost_when_it_crashes", events::nothing_is_lost_when_it_crashes),
    ("blocked::a_sink_longer_than_the_poll_interval", blocked::a_sink_longer_than_the_poll_interval),
    ("secure::every_mechanism", secure::every_mechanism),
    ("secure::a_certificate_of_the_client", secure::a_certificate_of_the_client),
    ("secure::ways_that_are_closed", secure::ways_that_are_closed),
    ("secure::sigterm_while_the_broker_hangs", secure::sigterm_while_the_broker_hangs),
    ("memory::a_backlog_of_2_gb", memory::a_backlog_of_2_gb),
    ("memory::a_backlog_of_2_gb_that_is_well_compressed", memory::a_backlog_of_2_gb_that_is_well_compressed),
    ("memory::a_backlog_of_one_message_again_and_again", memory::a_backlog_of_one_message_again_and_again),
    ("memory::large_messages", memory::large_messages),
    ("memory::a_matrix_of_sizes_and_codecs", memory::a_matrix_of_sizes_and_codecs),
];

fn main() -> ExitCode {
    run(TESTS)
}
