"""What errtally is asked to reach, line by line, and whether a run reached it.

A part of `compare`. Nothing fails by it: times on a busy machine say little. A line that was not measured, as a
program is missing, says so.
"""

WC, RG_C, RG_O = "wc -l", "rg -c -F -f codes", "rg -o -F -f codes"
SCAN, ALL_CORES = "errtally scan", "errtally scan, all cores"
RUN, PIPED_WC = "piped: errtally run", "piped: wc -l"
RUN_ANYHOW, WC_ANYHOW = "piped anyhow: errtally run", "piped anyhow: wc -l"

# By share of lines with a code: times which program.
FILES = {1000: [(1.0, WC), (1.2, RG_C)], 10: [(1.0, RG_C)], 1: [(1.0, RG_C), (2.0, RG_O)]}
TIMES_PIPED_WC = 1.3
TIMES_ONE_CORE = 1.8
TIMES_FEWER_CODES = 0.8
SHARE_OF_A_CORE = 0.01
SCRAPE_SECONDS = 0.002
SPEED_WHILE_SCRAPED = 0.99
PEAK_KIB = 10 * 1024
READY_SECONDS = 0.020

HEAD = ["work", "asked", "measured", "met"]
LINES = {1000: "one line in 1,000", 10: "one line in 10", 1: "every line"}


def line(work, asked, value, shown, met):
    """A row; `value` is None where it was not measured."""
    if value is None:
        return [work, asked, "not measured", ""]
    return [work, asked, shown(value), "yes" if met(value) else "**no**"]


def at_least(work, what, wanted, value):
    return line(f"{work}: times {what}", f"at least {wanted:.1f}", value, "{:.2f}".format, lambda v: v >= wanted)


def at_most(work, asked, wanted, value, shown):
    return line(work, f"at most {asked}", value, shown, lambda v: v <= wanted)


def milliseconds(seconds):
    return f"{seconds * 1e3:.2f} ms"


def ratio(speeds, ours, its):
    return speeds[ours] / speeds[its] if ours in speeds and its in speeds else None


def with_speeds(row, speeds, ours, its):
    """The row, with what the ratio is of."""
    if ours in speeds and its in speeds:
        row[2] += f" ({speeds[ours] / 1e9:.2f} and {speeds[its] / 1e9:.2f} GB/s)"
    return row


def of_file(work, speeds, wanted, its):
    """One core, which is what the other program has; with all cores where that makes the difference or more."""
    one, every = ratio(speeds, SCAN, its), ratio(speeds, ALL_CORES, its)
    row = at_least(f"{work}, `scan` on one core", f"`{its.split(' -F')[0]}`", wanted, one)
    with_speeds(row, speeds, SCAN, its)
    if one is not None and every is not None:
        row[2] += f"; {every:.2f} with all cores"
        if one < wanted <= every:
            row[3] = "with all cores"
    return row


def of_pipe(work, speeds):
    """On two cores, and where the kernel puts them: it has to be both."""
    pinned, free = ratio(speeds, RUN, PIPED_WC), ratio(speeds, RUN_ANYHOW, WC_ANYHOW)
    row = with_speeds(at_least(work, "`wc -l`", TIMES_PIPED_WC, pinned), speeds, RUN, PIPED_WC)
    if pinned is not None and free is not None:
        row[2] += f"; {free:.2f} unpinned"
        if (pinned >= TIMES_PIPED_WC) != (free >= TIMES_PIPED_WC):
            row[3] = "on two cores" if pinned >= TIMES_PIPED_WC else "unpinned"
    return row


def asked(speeds, two_cores, catalogs, steady, scrapes, scraped, peak, ready):
    """Rows of the table. `speeds` are bytes a second by corpus and program; what is None was not measured."""
    rows = []
    for kind, what in (("json", "JSON"), ("text", "text")):
        for share, wants in FILES.items():
            rows += [of_file(f"{what} file, {LINES[share]}", speeds[kind, share], *want) for want in wants]
    for kind, what in (("json", "JSON"), ("text", "text")):
        for share, lines in LINES.items():
            rows.append(of_pipe(f"pipe, {what}, {lines}: `run`", speeds[kind, share]))
    rows.append(at_least("two cores, every line, two labels", "one core", TIMES_ONE_CORE, two_cores))
    for corpus, value in catalogs.items():
        rows.append(at_least(f"10,000 codes, {corpus}", "488 codes", TIMES_FEWER_CODES, value))
    rows.append(["Kafka, 290-byte messages: times the fastest plain consumer", "at least 1.0",
                 "by `benches/kafka`", ""])
    for what, value in steady.items():
        work = f"10,000 lines a second, {what}: of a core"
        rows.append(at_most(work, "1 %", SHARE_OF_A_CORE, value, "{:.2%}".format))
    for what, value in scrapes.items():
        work = f"scrape with every code live, {what}: median"
        rows.append(at_most(work, "2 ms", SCRAPE_SECONDS, value, milliseconds))
    rows.append(line("speed from a pipe while scraped each second: times alone", "at least 0.99", scraped,
                     "{:.3f}".format, lambda v: v >= SPEED_WHILE_SCRAPED))
    rows.append(at_most("peak memory of `run` on a pipe", "10 MiB", PEAK_KIB, peak, lambda v: f"{v / 1024:.1f} MiB"))
    rows.append(at_most("start of `run` to ready: median", "20 ms", READY_SECONDS, ready, milliseconds))
    return rows
