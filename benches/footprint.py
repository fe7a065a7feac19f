"""What errtally takes beside time: memory, and the moment until it is ready.

A part of `compare`; also where processes are pinned to cores.
"""

import http.client
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading
import time


def fail(what):
    sys.exit(f"compare: {what}")


class Cores:
    """Pins what is started next, as taskset does, without a process more."""

    def __init__(self, core):
        self.all = sorted(os.sched_getaffinity(0))
        self.core = self.all[-1] if core is None else core
        if self.core not in self.all:
            fail(f"core {self.core} is not among {self.all}")
        # What feeds a pipe gets a core of its own where there is one.
        self.other = next((c for c in self.all if c != self.core), self.core)

    def start(self, core, argv, **streams):
        """On this core, or on all for None."""
        os.sched_setaffinity(0, set(self.all) if core is None else {core})
        try:
            return subprocess.Popen(argv, **streams)
        finally:
            os.sched_setaffinity(0, set(self.all))


def peak_kib(pid):
    """The most memory the process ever had, or None once it has ended."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.M)
    return int(found[1]) if found else None


def scan_peak(cores, errtally, log):
    process = cores.start(cores.core, [errtally, "scan", "--format", "json", str(log)], stdout=subprocess.DEVNULL)
    peak = None
    while process.poll() is None:
        peak = peak_kib(process.pid) or peak
        time.sleep(0.0005)
    if process.returncode != 0 or peak is None:
        fail("`errtally scan` failed or ended before its memory was looked at; take a larger --mib")
    return peak


def free_address():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def get(address, path):
    """Status and body, or 0 while nobody listens."""
    connection = http.client.HTTPConnection(address, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except OSError:
        return 0, ""
    finally:
        connection.close()


def serve(cores, errtally, *flags):
    """`run` on a pipe that stays open: the process, its address, when it was started."""
    address = free_address()
    started = time.perf_counter()
    process = cores.start(cores.core, [errtally, "run", "--listen", address, "--log-level", "error", *flags],
                          stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, bufsize=0)
    return process, address, started


def until_ready(process, address):
    deadline = time.perf_counter() + 10
    while get(address, "/readyz")[0] != 200:
        if process.poll() is not None or time.perf_counter() > deadline:
            fail("`errtally run` did not become ready")
        time.sleep(0.0002)


def run_peak(cores, errtally, log, expected, seconds):
    """Peak memory under an endless stream, scraped every second; GB/s beside it."""
    process, address, _ = serve(cores, errtally, "--linger", "60s")
    until_ready(process, address)
    lines, fed = log.read_bytes(), 0
    ended = threading.Event()
    timer = threading.Timer(seconds, ended.set)
    timer.start()

    def scrape():
        while not ended.wait(1):
            get(address, "/metrics")

    scraper = threading.Thread(target=scrape)
    scraper.start()
    os.sched_setaffinity(0, {cores.other})
    started = time.perf_counter()
    while not ended.is_set():
        rest = memoryview(lines)
        while rest:
            rest = rest[os.write(process.stdin.fileno(), rest):]
        fed += 1
    os.sched_setaffinity(0, set(cores.all))
    process.stdin.close()
    scraper.join()
    wanted = f'errtally_records_total{{source="stdin"}} {fed * expected["records"]}\n'
    deadline = time.perf_counter() + 30
    while wanted not in (body := get(address, "/metrics")[1]):
        if time.perf_counter() > deadline:
            fail(f"`errtally run` counts wrong: {wanted.strip()} is not in\n{body}")
        time.sleep(0.01)
    speed = fed * len(lines) / (time.perf_counter() - started)
    peak = peak_kib(process.pid)
    process.send_signal(signal.SIGTERM)
    if process.wait(timeout=30) != 0:
        fail(f"`errtally run` ended with status {process.returncode}")
    return peak, speed


def startup(cores, errtally, rounds):
    """Seconds from the start of the process to the first 200 of /readyz."""
    taken = []
    for _ in range(rounds):
        process, address, started = serve(cores, errtally)
        until_ready(process, address)
        taken.append(time.perf_counter() - started)
        process.stdin.close()
        process.wait(timeout=30)
    return taken


def empty_scan(cores, errtally, rounds):
    """Seconds that a scan takes whatever it reads."""
    taken = []
    for _ in range(rounds):
        started = time.perf_counter()
        process = cores.start(cores.core, [errtally, "scan", "--format", "json", os.devnull], stdout=subprocess.DEVNULL)
        if process.wait(timeout=30) != 0:
            fail("`errtally scan` of nothing failed")
        taken.append(time.perf_counter() - started)
    return taken
