"""The dashboard for whoever runs errtally: does it read all, fast enough, and where does it fail?"""

from grafana_foundation_sdk.builders import dashboard as builders

from panels import Column, Query, Rows, Scale, lines, number, rows, sheet, variable
from promql import INSTANCE, JOB, rate


def of(metric: str) -> str:
    """All series of a metric that are chosen."""
    return f"{metric}{{{INSTANCE}}}"


def share(part: str, whole: str) -> str:
    """A part of a whole over time; nothing where the whole is nothing."""
    return f'{rate(part, INSTANCE, "job")} / ({rate(whole, INSTANCE, "job")} > 0)'


def ours(metric: str) -> str:
    """A metric of any program, where the program is an errtally, also one that is down."""
    return f"{of(metric)} and on (job, instance) last_over_time({of('errtally_build_info')}[$__range])"


def dashboard() -> builders.Dashboard:
    """The whole of it."""
    records = "errtally_records_total"
    matched = "errtally_matched_records_total"
    good = {"1": ("yes", "green"), "0": ("no", "red")}
    return (
        sheet(
            "errtally-health",
            "errtally: its own health",
            "Whether errtally runs, reads everything, keeps up, and what it uses.",
        )
        .with_variable(
            variable(
                "instance",
                "Instance",
                f"label_values(errtally_build_info{{{JOB}}}, instance)",
                "Targets of Prometheus.",
                ".*",
            )
        )
        .with_row(builders.Row("State"))
        .with_panel(
            number("Up", "Instances that answer Prometheus.", "short", Query(f"sum({ours('up')})"), width=3)
        )
        .with_panel(
            number(
                "Down",
                "Instances that do not answer.",
                "short",
                Query(f"count(({ours('up')}) == 0)"),
                width=3,
                scale=Scale(critical=1),
            )
        )
        .with_panel(
            number(
                "All ready",
                "Whether all instances read, as /readyz says.",
                "short",
                Query(f"min({of('errtally_ready')})"),
                width=3,
                words=good,
                none="?",
            )
        )
        .with_panel(
            number(
                "Last reload",
                "Whether all instances could load their configuration, catalog and web configuration.",
                "short",
                Query(f"min({of('errtally_config_last_reload_successful')})"),
                width=3,
                words=good,
                none="?",
            )
        )
        .with_panel(
            number(
                "Records a second",
                "All instances together.",
                "cps",
                Query(f"sum(rate({of(records)}[5m]))"),
                width=4,
            )
        )
        .with_panel(
            number(
                "Messages behind",
                "With Kafka: messages that are not yet counted.",
                "short",
                Query(f"sum({of('errtally_kafka_consumer_lag')})"),
                width=4,
                none="no Kafka",
            )
        )
        .with_panel(
            number(
                "Seconds behind",
                "With Kafka: age of the oldest message that is not yet counted.",
                "s",
                Query(f"max({of('errtally_kafka_consumer_lag_seconds')})"),
                width=4,
                scale=Scale(warning=60, critical=300),
                none="no Kafka",
            )
        )
        .with_panel(
            rows(
                "Instances",
                "Versions, when they started, and when they last loaded configuration and catalog.",
                Rows(
                    [
                        Query(f"max by (job, instance, version) ({of('errtally_build_info')})"),
                        Query(f"max by (job, instance) ({ours('process_start_time_seconds')}) * 1000"),
                        Query(
                            "max by (job, instance)"
                            f" ({of('errtally_config_last_reload_success_timestamp_seconds')}) * 1000"
                        ),
                    ],
                    [
                        Column("job", "Job"),
                        Column("instance", "Instance"),
                        Column("version", "Version"),
                        Column("Value #B", "Started", None, "dateTimeAsIso"),
                        Column("Value #C", "Loaded", None, "dateTimeAsIso"),
                    ],
                    "Started",
                ),
                height=6,
            )
        )
        .with_row(builders.Row("Input"))
        .with_panel(
            lines(
                "Records a second",
                "Records read, by instance and source.",
                "cps",
                Query(rate(records, INSTANCE, "instance", "source"), "{{instance}} {{source}}"),
            )
        )
        .with_panel(
            lines(
                "Bytes a second",
                "Bytes of the records, newlines included.",
                "Bps",
                Query(rate("errtally_record_bytes_total", INSTANCE, "instance", "source"), "{{instance}} {{source}}"),
            )
        )
        .with_panel(
            lines(
                "Shares",
                "Records with a code among all; damaged JSON among those with a code; records longer than"
                " max_record_bytes among all.",
                "percentunit",
                Query(share(matched, records), "{{job}}: with a code"),
                Query(share("errtally_malformed_json_records_total", matched), "{{job}}: damaged JSON"),
                Query(share("errtally_oversized_records_total", records), "{{job}}: too long"),
            )
        )
        .with_panel(
            lines(
                "Limits that are reached",
                "Hits of unknown codes past max_unknown_codes, and hits whose label became `other` past max_label_sets.",
                "cps",
                Query(
                    rate("errtally_unknown_codes_total", f'{INSTANCE}, code="other"', "job"),
                    "{{job}}: unknown codes",
                ),
                Query(rate("errtally_label_overflows_total", INSTANCE, "job", "label"), "{{job}}: label {{label}}"),
            )
        )
        .with_row(builders.Row("Kafka"))
        .with_panel(
            lines(
                "Messages behind",
                "Messages that are not yet counted, by topic.",
                "short",
                Query(f"sum by (job, topic) ({of('errtally_kafka_consumer_lag')})", "{{job}} {{topic}}"),
            )
        )
        .with_panel(
            lines(
                "Seconds behind",
                "Age of the last counted message while others wait behind it: the worst partition of each topic.",
                "s",
                Query(f"max by (job, topic) ({of('errtally_kafka_consumer_lag_seconds')})", "{{job}} {{topic}}"),
            )
        )
        .with_panel(
            lines(
                "Partitions",
                "Partitions that each instance owns, and whether it is connected to a broker: 1 or 0.",
                "short",
                Query(of("errtally_kafka_assigned_partitions"), "{{instance}}: partitions"),
                Query(of("errtally_kafka_connected"), "{{instance}}: connected"),
                width=8,
            )
        )
        .with_panel(
            lines(
                "Rebalances and commits a second",
                "errtally retries failed commits. A rebalance moves partitions.",
                "cps",
                Query(rate("errtally_kafka_commits_total", INSTANCE, "job"), "{{job}}: commits"),
                Query(rate("errtally_kafka_commit_failures_total", INSTANCE, "job"), "{{job}}: failed commits"),
                Query(rate("errtally_kafka_rebalances_total", INSTANCE, "job"), "{{job}}: rebalances"),
                width=8,
            )
        )
        .with_panel(
            lines(
                "Errors of the client",
                "Errors since each instance started, by librdkafka's name. A total: a rate would miss the first error of a kind.",
                "short",
                Query(f"sum by (instance, kind) ({of('errtally_kafka_errors_total')})", "{{instance}}: {{kind}}"),
                width=8,
            )
        )
        .with_panel(
            lines(
                "Partitions without an answer",
                "Owned partitions for which no broker has answered for ten seconds.",
                "short",
                Query(f"sum by (job, instance) (1 - {of('errtally_kafka_partition_healthy')})", "{{instance}}"),
            )
        )
        .with_panel(
            lines(
                "Records that were missed",
                "Since each instance started: records that were gone before they were counted, as far as offsets tell,"
                " and partitions that went on elsewhere than where they were counted to. The log says where.",
                "short",
                Query(f"sum by (instance, topic) ({of('errtally_kafka_skipped_records_total')})", "{{topic}}: records"),
                Query(f"sum by (instance, topic) ({of('errtally_kafka_offset_resets_total')})", "{{topic}}: partitions"),
            )
        )
        .with_row(builders.Row("Sockets"))
        .with_panel(
            lines(
                "Senders",
                "Connections that are open to each source that others send to.",
                "short",
                Query(f"sum by (job, source) ({of('errtally_source_connections')})", "{{job}}: {{source}}"),
                width=8,
            )
        )
        .with_panel(
            lines(
                "Received a second",
                "Bytes that such sources receive, and connections that they take.",
                "short",
                Query(rate("errtally_source_received_bytes_total", INSTANCE, "job", "source"), "{{source}}: bytes"),
                Query(
                    rate("errtally_source_accepted_connections_total", INSTANCE, "job", "source"),
                    "{{source}}: connections",
                ),
                width=8,
            )
        )
        .with_panel(
            lines(
                "Refused or dropped",
                "Since each instance started: connections and records that were refused, by why, and datagrams that the"
                " kernel has dropped because they were not taken in time.",
                "short",
                Query(
                    f"sum by (instance, source, kind) ({of('errtally_source_refusals_total')}) > 0", "{{source}}: {{kind}}"
                ),
                Query(of("errtally_source_dropped_datagrams_total"), "{{source}}: dropped"),
                width=8,
            )
        )
        .with_row(builders.Row("Files"))
        .with_panel(
            lines(
                "Bytes behind",
                "Bytes of followed files that are not yet counted.",
                "bytes",
                Query(f"sum by (job) ({of('errtally_files_unread_bytes')})", "{{job}}"),
            )
        )
        .with_panel(
            lines(
                "Files",
                "Files that each instance follows, and those among them that are open.",
                "short",
                Query(of("errtally_files_followed"), "{{instance}}: followed"),
                Query(of("errtally_files_open"), "{{instance}}: open"),
            )
        )
        .with_panel(
            lines(
                "Rotations a second",
                "Files that were renamed, replaced or deleted, and files that were truncated or rewritten.",
                "cps",
                Query(rate("errtally_file_rotations_total", INSTANCE, "job"), "{{job}}: rotated"),
                Query(rate("errtally_file_truncations_total", INSTANCE, "job"), "{{job}}: cut"),
                width=8,
            )
        )
        .with_panel(
            lines(
                "Files that were missed",
                "Since each instance started: files that were gone before they were read to their end, and attempts to"
                " read that failed and are made again.",
                "short",
                Query(of("errtally_files_vanished_total"), "{{instance}}: vanished"),
                Query(of("errtally_file_read_errors_total"), "{{instance}}: failed reads"),
                width=8,
            )
        )
        .with_panel(
            lines(
                "Age of positions",
                "Time since errtally last wrote positions to state_dir. It writes them when it has read something."
                " Writes that fail are counted, and made again.",
                "s",
                Query(f"time() - {of('errtally_positions_written_timestamp_seconds')}", "{{instance}}"),
                Query(of("errtally_position_write_failures_total"), "{{instance}}: failed writes"),
                width=8,
            )
        )
        .with_row(builders.Row("Events"))
        .with_panel(
            lines(
                "Events a second",
                "Events delivered, by sink.",
                "cps",
                Query(rate("errtally_events_total", INSTANCE, "job", "to"), "{{job}}: {{to}}"),
            )
        )
        .with_panel(
            lines(
                "Events that do not arrive",
                "Events a second that were dropped for want of room or can never be delivered, and attempts to write"
                " that failed and are made again.",
                "cps",
                Query(rate("errtally_events_dropped_total", INSTANCE, "job", "to"), "{{job}}: {{to}}, dropped"),
                Query(
                    rate("errtally_event_write_failures_total", INSTANCE, "job", "to"),
                    "{{job}}: {{to}}, failed writes",
                ),
                Query(
                    rate("errtally_events_undeliverable_total", INSTANCE, "job", "to"),
                    "{{job}}: {{to}}, undeliverable",
                ),
            )
        )
        .with_panel(
            lines(
                "Waiting for events",
                "Share of the time that events waited for the sink.",
                "percentunit",
                Query(
                    rate("errtally_events_waiting_seconds_total", INSTANCE, "instance", "to"),
                    "{{instance}}: {{to}}",
                ),
            )
        )
        .with_panel(
            lines(
                "Log lines left out",
                "Log lines per second that errtally could not write, or that repeat others.",
                "cps",
                Query(rate("errtally_log_lines_dropped_total", INSTANCE, "job"), "{{job}}: dropped"),
                Query(rate("errtally_log_lines_suppressed_total", INSTANCE, "job"), "{{job}}: repeated"),
            )
        )
        .with_panel(
            lines(
                "Time to the end of certificates",
                "Certificates of the HTTP server's chain, and of the authorities that verify clients.",
                "s",
                Query(
                    f"min by (job, certificate) ({of('errtally_certificate_expiry_timestamp_seconds')}) - time()",
                    "{{job}}: {{certificate}}",
                ),
            )
        )
        .with_panel(
            lines(
                "Inputs that are no text",
                "Inputs that begin like compressed data or UTF-16: errtally finds no code in them.",
                "short",
                Query(f"sum by (job) ({of('errtally_undecoded_inputs_total')})", "{{job}}"),
            )
        )
        .with_row(builders.Row("What it costs"))
        .with_panel(
            lines(
                "CPU",
                "CPU cores in use.",
                "short",
                Query(
                    f"rate({of('process_cpu_seconds_total')}[$__rate_interval])"
                    f" and on (job, instance) {of('errtally_build_info')}",
                    "{{instance}}",
                ),
                width=8,
            )
        )
        .with_panel(
            lines(
                "Memory",
                "Resident memory.",
                "bytes",
                Query(ours("process_resident_memory_bytes"), "{{instance}}"),
                width=8,
            )
        )
        .with_panel(
            lines(
                "File descriptors",
                "Share of the file descriptors that errtally may open.",
                "percentunit",
                Query(
                    f"({ours('process_open_fds')}) / on (job, instance) {of('process_max_fds')}",
                    "{{instance}}",
                ),
                width=8,
            )
        )
        .with_panel(
            lines(
                "Series",
                "Series in a scrape of each instance, and combinations of configured labels.",
                "short",
                Query(ours("scrape_samples_scraped"), "{{instance}}"),
                Query(of("errtally_label_sets"), "{{instance}}: labels"),
                width=12,
            )
        )
        .with_panel(
            lines(
                "Connections",
                "Connections to the HTTP server, including that of Prometheus. The limit is http.max_connections.",
                "short",
                Query(of("errtally_http_connections"), "{{instance}}"),
            )
        )
    )
