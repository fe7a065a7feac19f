"""The queries that more than one panel needs.

`$job`, `$instance`, `$api_service` and `$category` are variables of the
dashboards; Grafana itself puts in `$__range` and `$__rate_interval`.
"""

JOB = 'job=~"$job"'
INSTANCE = 'job=~"$job", instance=~"$instance"'
CODES = 'job=~"$job", api_service=~"$api_service", category=~"$category"'


def labels(*names: str) -> str:
    """A list of labels in parentheses."""
    return f"({', '.join(names)})"


def rate(metric: str, matchers: str, *by: str) -> str:
    """How much a counter grows a second, summed up by these labels.

    Extra labels may be configured, so nothing may depend on a series having
    just the labels that it has by default.
    """
    return f"sum by {labels(*by)} (rate({metric}{{{matchers}}}[$__rate_interval]))"


def hits(metric: str, matchers: str, *by: str) -> str:
    """How often something was counted within the time that is shown.

    increase() does not see the hit with which a series begins, and a rare code
    has few others. So the first value of a series that appeared within this time
    counts as well, as the recording rules explain and do: all of it where the
    process started within this time, or where it was scraped before and had not
    seen the code; as one where it had; not at all where nothing was scraped before.
    """
    series = f"{metric}{{{matchers}}}"
    first = f"(min_over_time({series}[$__range]) > 0 unless {series} offset $__range)"
    build = f"errtally_build_info{{{JOB}}}"
    started = f"({build} and on (job, instance) process_start_time_seconds{{{JOB}}} > time() - $__range_s)"
    watched = f"({build} offset $__range unless on (job, instance) {started})"
    seen = f"on (job, instance, code) errtally_code_last_seen_timestamp_seconds{{{JOB}}} offset $__range"
    here = "and on (job, instance)"
    parts = {
        "rise": f"increase({series}[$__range])",
        "process": f"{first} {here} {started}",
        "code": f"({first} {here} {watched}) unless {seen}",
        "more": f"0 * (({first} {here} {watched}) and {seen}) + 1",
    }
    told_apart = [f'label_replace({part}, "part", "{name}", "", "")' for name, part in parts.items()]
    return f"round(sum by {labels(*by)} ({' or '.join(told_apart)})) > 0"


def with_meaning(query: str, extra: str = "") -> str:
    """The series of a query, by `code` and `http_status` among others, with what
    the catalog says of them. While a new catalog is rolled out, instances may
    say different things; one of them is taken."""
    said = labels("code", "http_status", "retryable", "message", "action")
    info = f"max by {said} (last_over_time(errtally_code_info{{{JOB}{extra}}}[$__range]))"
    return (
        f"({query}) * on (code, http_status) group_left (retryable, message, action)"
        f" topk by (code, http_status) (1, {info})"
    )
