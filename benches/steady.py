"""What errtally takes of a core when little comes, and what scraping it costs.

A part of `compare`.
"""

import gzip
import os
import re
import signal
import socket
import statistics
import threading
import time

from footprint import fail, get, serve, until_ready


def cpu_seconds(pid):
    """CPU time of a process so far, all threads, in full resolution: /proc has hundredths of a second."""
    return time.clock_gettime((~pid << 3) | 2)


def lines_of(log):
    return log.read_bytes().splitlines(keepends=True)


def end(process, what):
    process.stdin.close()
    process.send_signal(signal.SIGTERM)
    if process.wait(timeout=30) != 0:
        fail(f"`errtally run` ended with status {process.returncode} after {what}")


def until_counted(address, records):
    wanted = f'errtally_records_total{{source="stdin"}} {records}\n'
    deadline = time.perf_counter() + 30
    while wanted not in (body := get(address, "/metrics")[1]):
        if time.perf_counter() > deadline:
            fail(f"`errtally run` counts wrong: {wanted.strip()} is not in\n{body}")
        time.sleep(0.01)


def steady(cores, errtally, log, seconds, a_second, a_write):
    """The share of a core that `run` takes for so many lines a second, in writes of so many."""
    process, address, _ = serve(cores, errtally, "--linger", "60s")
    until_ready(process, address)
    lines = lines_of(log)
    lines = [b"".join(lines[at:at + a_write]) for at in range(0, len(lines) - a_write + 1, a_write)]
    pipe, sent, due = process.stdin.fileno(), 0, 0
    os.sched_setaffinity(0, {cores.other})
    before, started = cpu_seconds(process.pid), time.perf_counter()
    while (elapsed := time.perf_counter() - started) < seconds:
        due = int(elapsed * a_second / a_write)
        while sent < due:
            os.write(pipe, lines[sent % len(lines)])
            sent += 1
        # To the next write, or as short as the kernel sleeps.
        time.sleep(max(0.00002, (due + 1) * a_write / a_second - (time.perf_counter() - started)))
    taken, wall = cpu_seconds(process.pid) - before, time.perf_counter() - started
    os.sched_setaffinity(0, set(cores.all))
    # On a busy machine the last writes may be due: what was taken is held against what was sent.
    sent *= a_write
    if sent < 0.9 * a_second * wall:
        fail(f"the feed managed {sent / wall:.0f} lines a second of {a_second}; the machine is too busy")
    until_counted(address, sent)
    end(process, "a steady stream")
    return taken / (sent / a_second)


class Scraper:
    """Scrapes over a connection that is kept, as Prometheus does, with little of its own in the time."""

    def __init__(self, address, *headers):
        host, port = address.split(":")
        self.socket = socket.create_connection((host, int(port)), timeout=10)
        self.request = "\r\n".join(["GET /metrics HTTP/1.1", f"Host: {address}", *headers, "", ""]).encode()

    def scrape(self):
        """Seconds from the request to the end of the answer, and its body."""
        started = time.perf_counter()
        self.socket.sendall(self.request)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self.more()
        head, _, body = answer.partition(b"\r\n\r\n")
        length = re.search(rb"^content-length: (\d+)", head, re.M | re.I)
        if not head.startswith(b"HTTP/1.1 200") or not length:
            fail(f"a scrape was answered by {head.decode(errors='replace')}")
        parts, missing = [body], int(length[1]) - len(body)
        while missing > 0:
            parts.append(self.more())
            missing -= len(parts[-1])
        return time.perf_counter() - started, b"".join(parts)

    def more(self):
        received = self.socket.recv(1 << 20)
        if not received:
            fail("a scrape's connection was closed")
        return received


# What is asked for, by what a row calls it; the last as Prometheus asks.
SCRAPES = {
    "text": [],
    "text, gzip": ["Accept-Encoding: gzip"],
    "OpenMetrics, gzip": ["Accept: application/openmetrics-text;version=1.0.0", "Accept-Encoding: gzip"],
}


def all_codes_live(cores, errtally, codes):
    """`run` that has counted each code once."""
    process, address, _ = serve(cores, errtally, "--linger", "60s")
    until_ready(process, address)
    lines = codes.read_bytes()
    os.write(process.stdin.fileno(), lines)
    until_counted(address, lines.count(b"\n"))
    series = re.findall(r'^errtally_errors_total\{code="([^"]+)".*\} 1$', get(address, "/metrics")[1], re.M)
    if sorted(series) != sorted(lines.decode().split()):
        fail(f"{len(series)} codes are live of {lines.count(10)}")
    return process, address


def scrapes(cores, errtally, codes, times):
    """By what is asked for: median and 99th percentile in seconds, bytes of the answer."""
    process, address = all_codes_live(cores, errtally, codes)
    scrapers = {name: Scraper(address, *headers) for name, headers in SCRAPES.items()}
    taken, bodies, seconds = {name: [] for name in scrapers}, {}, 1
    os.sched_setaffinity(0, {cores.other})
    for _ in range(times):
        for name, scraper in scrapers.items():
            # After a rendering the next one waits nineteen times its length, at
            # most a second: on a busy machine that may be more than 50 ms, and
            # is no time of a scrape.
            time.sleep(min(1, max(0.05, 20 * seconds)))
            seconds, bodies[name] = scraper.scrape()
            taken[name].append(seconds)
    os.sched_setaffinity(0, set(cores.all))
    if gzip.decompress(bodies["text, gzip"]).count(b"\n") != bodies["text"].count(b"\n"):
        fail("a scrape by gzip has other lines")
    end(process, "scrapes")
    return {name: (statistics.median(all_of), sorted(all_of)[len(all_of) * 99 // 100], len(bodies[name]))
            for name, all_of in taken.items()}


def fed(log, pipe, seconds):
    """Bytes a second that go into the pipe, by reference: no bytes are copied here."""
    size, moved, started = log.stat().st_size, 0, time.perf_counter()
    with open(log, "rb") as file:
        # A pass of the file is not cut: what comes next begins with a line.
        while (elapsed := time.perf_counter() - started) < seconds or moved % size:
            moved += os.splice(file.fileno(), pipe, size - moved % size, offset_src=moved % size)
    return moved / elapsed, moved // size


def scraped(cores, errtally, codes, log, expected, rounds, seconds):
    """Speed of `run` from a pipe in bytes a second: alone, scraped each second, and their ratio in each round."""
    process, address = all_codes_live(cores, errtally, codes)
    pipe, alone, beside = process.stdin.fileno(), [], []
    scraper = Scraper(address, *SCRAPES["OpenMetrics, gzip"])
    os.sched_setaffinity(0, {cores.other})
    _, passes = fed(log, pipe, 0.5)
    for round_ in range(rounds):
        # In turn, and the other one first each time.
        for is_scraped in (False, True) if round_ % 2 else (True, False):
            ended = threading.Event()

            def scrape():
                while not ended.wait(1):
                    scraper.scrape()

            thread = threading.Thread(target=scrape)
            if is_scraped:
                thread.start()
            speed, whole = fed(log, pipe, seconds)
            ended.set()
            if is_scraped:
                thread.join()
            passes += whole
            (beside if is_scraped else alone).append(speed)
    os.sched_setaffinity(0, set(cores.all))
    until_counted(address, codes.read_bytes().count(b"\n") + passes * expected["records"])
    end(process, "being scraped")
    ratios = [with_it / without for with_it, without in zip(beside, alone)]
    return statistics.median(alone), statistics.median(beside), statistics.median(ratios)
