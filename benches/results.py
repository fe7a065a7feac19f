"""How results are written: tables, the facts of the machine beside them, and dated files in `record/`.

A part of `compare` and of `kafka`.
"""

import datetime
import os
import pathlib
import platform
import re
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent


def table(head, rows):
    widths = [max(len(str(row[i])) for row in [head, *rows]) for i in range(len(head))]
    lines = [head, ["-" * width for width in widths], *rows]
    return "\n".join("| " + " | ".join(str(c).ljust(w) for c, w in zip(line, widths)) + " |" for line in lines)


def first_line(*argv):
    if not shutil.which(argv[0]):
        return "missing"
    told = subprocess.run(argv, capture_output=True, text=True, cwd=ROOT)
    return (told.stdout or told.stderr).strip().split("\n")[0]


def facts(errtally, load, others):
    """The processor's name, and a table of the machine, of what is measured, and of `others`."""
    info = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*:\s*(.+)$", info, re.M)
    model = model[1].strip() if model else platform.machine()
    flags = re.search(r"^flags\s*:\s*(.+)$", info, re.M)
    flags = set(flags[1].split()) if flags else set()
    changed = " with changes" if first_line("git", "status", "--porcelain", "src", "Cargo.lock", "catalog") else ""
    rows = [
        ("date", datetime.date.today().isoformat()),
        ("processor", f"{model}, {os.cpu_count()} cores, AVX2 {'yes' if 'avx2' in flags else 'no'}"),
        ("kernel", f"{platform.system()} {platform.release()} {platform.machine()}"),
        ("memory", f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') >> 20} MiB"),
        ("load average at start, at end", f"{load:.2f}, {os.getloadavg()[0]:.2f}"),
        ("commit", first_line("git", "rev-parse", "--short", "HEAD") + changed),
        ("errtally", first_line(errtally, "--version")),
        ("rustc", first_line("rustc", "--version")),
        *others,
    ]
    return model, table(["machine and programs", ""], rows)


def record(model, text, kind=""):
    """Writes record/<date>-<processor>[-<kind>].md and gives its path."""
    slug = re.sub(r"[^a-z0-9]+", "-", re.sub(r"\((r|tm)\)", "", model.lower())).strip("-")
    date = datetime.date.today().isoformat()
    path = HERE / "record" / f"{date}-{slug}{kind and '-'}{kind}.md"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"# {date}, {model}{kind and ', '}{kind}\n\n{text}")
    return path
