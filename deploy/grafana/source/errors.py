"""The dashboard for operators: which errors come, what they mean, what to do."""

from grafana_foundation_sdk.builders import dashboard as builders

from panels import Column, Query, Rows, Scale, lines, number, rows, sheet, variable
from promql import CODES, JOB, hits, rate, with_meaning

ERRORS = "errtally_errors_total"
SERVICES = "errtally_api_service_errors_total"
UNKNOWN = "errtally_unknown_codes_total"
LATE = "errtally_late_errors_total"

CODE = Column("code", "Code", 130)
SERVICE = Column("api_service", "Service", 90)
CATEGORY = Column("category", "Category", 130)
STATUS = Column("http_status", "Status", 70)
RETRYABLE = Column("retryable", "Retry helps", 100)
MEANING = Column("message", "What it says", wrap=True)
ACTION = Column("action", "What to do", wrap=True)


def top(matchers: str) -> str:
    """The most frequent known codes, with what the catalog says."""
    counted = hits(ERRORS, matchers, "code", "api_service", "category", "http_status")
    return with_meaning(f"topk(25, {counted})")


def dashboard() -> builders.Dashboard:
    """The whole of it."""
    quota = f'{CODES}, category="quota"'
    throttling = f'{CODES}, category="throttling"'
    both = f'{CODES}, category=~"quota|throttling"'
    counts = [CODE, SERVICE, CATEGORY, STATUS, Column("Value", "Hits", 70), RETRYABLE, MEANING, ACTION]
    firing = (
        "max by (alertname, severity, job, api_service, category, code, topic, instance)"
        # One of them has no job: that there is no errtally at all.
        ' (ALERTS{alertname=~"Errtally.+", alertstate="firing", job=~"$job|"})'
    )
    new_codes = f"job_code:errtally_first_seen:timestamp_seconds{{{JOB}}}"
    # Of codes that are shown only: what is forgotten has no first time.
    last_seen = f"job_code:errtally_last_seen:timestamp_seconds{{{JOB}}}"
    is_new = f"{new_codes} > time() - $__range_s"
    return (
        sheet(
            "errtally-errors",
            "errtally: errors of cloud APIs",
            "Which error codes cloud services answer with, how often, what they mean, and what to do.",
        )
        .with_variable(
            variable(
                "api_service",
                "Service",
                f"label_values({SERVICES}{{{JOB}}}, api_service)",
                "Services of the catalog; All also shows those that no catalog has.",
                ".*",
            )
        )
        .with_variable(
            variable(
                "category",
                "Category",
                f"label_values({SERVICES}{{{JOB}}}, category)",
                "Why calls fail; All also shows codes without a known reason.",
                ".*",
            )
        )
        .with_row(builders.Row("At a glance"))
        .with_panel(
            number(
                "Hits",
                "Records with a known code, within the time shown.",
                "short",
                Query(f'sum({hits(ERRORS, CODES, "code")})'),
            )
        )
        .with_panel(
            number(
                "Quota",
                "Calls that a quota refused, within the time shown.",
                "short",
                Query(f'sum({hits(ERRORS, quota, "code")})'),
                scale=Scale(critical=1),
            )
        )
        .with_panel(
            number(
                "Throttling",
                "Calls refused because there were too many, within the time shown.",
                "short",
                Query(f'sum({hits(ERRORS, throttling, "code")})'),
                scale=Scale(warning=1),
            )
        )
        .with_panel(
            number(
                "New codes",
                "Codes first seen within the time shown, restarts of errtally included. Needs the recording rules.",
                "short",
                Query(f"count(count by (code) ({is_new}))"),
                scale=Scale(warning=1),
            )
        )
        .with_panel(
            number(
                "Unknown codes",
                "Different codes that came within the time shown and that no catalog has.",
                "short",
                Query(f'count({hits(UNKNOWN, CODES, "code")})'),
                scale=Scale(warning=1),
            )
        )
        .with_panel(
            number(
                "Alerts",
                "Alerts of errtally that fire now.",
                "short",
                Query(f"count({firing})"),
                scale=Scale(critical=1),
            )
        )
        .with_row(builders.Row("Rates"))
        .with_panel(
            lines(
                "Errors a second by service",
                "Hits of known codes.",
                "cps",
                Query(rate(SERVICES, CODES, "api_service"), "{{api_service}}"),
                stack=True,
            )
        )
        .with_panel(
            lines(
                "Errors a second by category",
                "Hits of known codes, by why the call failed.",
                "cps",
                Query(rate(SERVICES, CODES, "category"), "{{category}}"),
                stack=True,
            )
        )
        .with_panel(
            lines(
                "Errors a second by code",
                "The ten most frequent at each moment. Dots are exemplars: records that were counted. They need"
                " Prometheus with exemplar-storage.",
                "cps",
                Query(f'topk(10, {rate(ERRORS, CODES, "code")} > 0)', "{{code}}", exemplars=True),
                width=24,
                height=9,
            )
        )
        .with_row(builders.Row("Codes"))
        .with_panel(
            rows(
                "Most frequent codes",
                "Hits within the time shown, what the code says, and what to do about it.",
                Rows([Query(top(CODES))], counts, "Hits"),
                height=12,
            )
        )
        .with_panel(
            rows(
                "First seen",
                "Codes that came for the first time within the time shown, restarts of errtally included. Needs the"
                " recording rules.",
                Rows(
                    [Query(f"({is_new}) * 1000"), Query(f"({last_seen} and on (job, code) {is_new}) * 1000")],
                    [
                        CODE,
                        Column("job", "Job"),
                        Column("Value #A", "First seen", 170, "dateTimeAsIso"),
                        Column("Value #B", "Last seen", 170, "dateTimeAsIso"),
                    ],
                    "First seen",
                ),
                width=12,
            )
        )
        .with_panel(
            rows(
                "Firing alerts",
                "Alerts of errtally that fire now; docs/alerts.md says what to do.",
                Rows(
                    [Query(firing)],
                    [
                        Column("alertname", "Alert", 230),
                        Column("severity", "Severity", 80),
                        SERVICE,
                        CATEGORY,
                        CODE,
                        Column("job", "Job"),
                        Column("topic", "Topic"),
                        Column("instance", "Instance"),
                    ],
                    "Severity",
                ),
                width=12,
            )
        )
        .with_row(builders.Row("Quota and throttling"))
        .with_panel(
            lines(
                "Quota: refused calls a second",
                "By code. Each code is one quota.",
                "cps",
                Query(f'{rate(ERRORS, quota, "code")} > 0', "{{code}}"),
            )
        )
        .with_panel(
            lines(
                "Throttling: refused calls a second",
                "By code. Clients that back off make short bursts.",
                "cps",
                Query(f'{rate(ERRORS, throttling, "code")} > 0', "{{code}}"),
            )
        )
        .with_panel(
            rows(
                "Quota and throttling: what to do",
                "Hits within the time shown.",
                Rows([Query(top(both))], counts, "Hits"),
                height=7,
            )
        )
        .with_row(builders.Row("Unknown codes"))
        .with_panel(
            lines(
                "Unknown codes a second by service",
                "Hits of codes that no catalog has.",
                "cps",
                Query(rate(UNKNOWN, CODES, "api_service"), "{{api_service}}"),
            )
        )
        .with_panel(
            rows(
                "Most frequent unknown codes",
                "Hits within the time shown. Write them into a catalog of your own. The code `other` stands for all"
                " past max_unknown_codes.",
                Rows(
                    [Query(f'topk(25, {hits(UNKNOWN, CODES, "code", "api_service", "category")})')],
                    [CODE, SERVICE, CATEGORY, Column("Value", "Hits", 70)],
                    "Hits",
                ),
                width=12,
                height=8,
            )
        )
        .with_row(builders.Row("Late records"))
        .with_panel(
            lines(
                "Late errors a second by service",
                "Hits of records that were older than late_after when they were read.",
                "cps",
                Query(rate(LATE, CODES, "api_service"), "{{api_service}}"),
            )
        )
    )
