"""What every benchmark script needs: a header that names the machine, whole-process figures, Markdown tables.

Times are CPU seconds (user + system, child programs included) and peaks are resident memory, both from `os.wait4`,
so a busy machine moves them less than a clock would. Ratios are taken within a round, then the median over rounds.
"""

import os
import platform
import re
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
OURS = [sys.executable, "-m", "nlp_zero"]


class Cost(NamedTuple):
    """What one process took: CPU seconds, peak resident megabytes (2**20 bytes), and its exit status."""

    seconds: float
    megabytes: float
    status: int


def environment(**extra: str) -> dict[str, str]:
    """The environment of a child: this checkout importable, one thread in every library."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "RAYON")}
    return {**os.environ, "PYTHONPATH": path, "TOKENIZERS_PARALLELISM": "false", **threads, **extra}


# A child inherits the peak of the process that started it, so a small process stands between: its own peak, some
# 10 MB, is the least that can be read. Without it every program seemed as large as the benchmark script itself.
LAUNCHER = """
import os, sys
quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=quiet)
_, status, usage = os.wait4(child, 0)
print(usage.ru_utime + usage.ru_stime, usage.ru_maxrss, os.waitstatus_to_exitcode(status))
"""


def spend(command: Sequence[str], **extra: str) -> Cost:
    """Run one program to its end and say what it took; its output is dropped, its errors pass through."""
    launcher = [sys.executable, "-I", "-S", "-c", LAUNCHER, *command]
    printed = subprocess.run(launcher, stdout=subprocess.PIPE, text=True, env=environment(**extra), check=True).stdout
    seconds, peak, status = printed.split()
    return Cost(float(seconds), int(peak) / (2**20 if sys.platform == "darwin" else 2**10), int(status))


def output(command: Sequence[str], **extra: str) -> str:
    """Standard output of a program, stripped; empty when it is missing or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=environment(**extra), cwd=ROOT)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def installed(module: str) -> bool:
    """Whether a peer can be imported, tried in a child so that this process stays small."""
    return subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True).returncode == 0


def backend(pure: bool = False) -> str:
    """The engine that nlp_zero chooses here: "c", "python", or "not importable"."""
    extra = {"NLP_ZERO_PURE": "1"} if pure else {}
    return output([sys.executable, "-c", "import nlp_zero; print(nlp_zero.backend)"], **extra) or "not importable"


def _field(path: str, pattern: str) -> str:
    """The first match in a file of the system, or "unknown" where the system has no such file."""
    try:
        found = re.search(pattern, Path(path).read_text(encoding="utf-8"))
    except OSError:
        found = None
    return found[1].strip() if found else "unknown"


def header(title: str, data: Iterable[Path] = ()) -> str:
    """The lines above every table: what was run, on what, with which commit, and how busy the machine was."""
    processor = _field("/proc/cpuinfo", r"model name\s*:\s*(.+)")
    kilobytes = _field("/proc/meminfo", r"MemTotal:\s*(\d+)")
    memory = f"{int(kilobytes) / 2**20:.0f} GB" if kilobytes.isdigit() else "memory unknown"
    commit = output(["git", "rev-parse", "--short", "HEAD"]) or "none"
    if output(["git", "status", "--porcelain", "--", "nlp_zero", "setup.py"]):
        commit += " with local changes"
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    lines = [
        f"# {title}",
        "",
        f"- Python: {platform.python_implementation()} {platform.python_version()}, {platform.system()}",
        f"- machine: {processor}, {os.cpu_count()} cores, {memory}; load average at the start {load:.1f}",
        f"- compiler: {(output(['cc', '--version']) or 'none').splitlines()[0]}",
        f"- backend: {backend()}; commit: {commit}",
    ]
    for path in data:
        lines.append(f"- text: `{path.name}`, {path.stat().st_size:,} bytes")
    return "\n".join(lines) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """One Markdown table.

    >>> print(table(["peer", "s"], [["jieba", 0.5]]))
    | peer | s |
    | --- | --- |
    | jieba | 0.5 |
    """
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def ratio(ours: Mapping[int, float], theirs: Mapping[int, float]) -> float | None:
    """Median over the common rounds of ours / theirs; None when no round has both.

    >>> ratio({0: 2.0, 1: 3.0}, {0: 1.0, 1: 1.0, 2: 9.0})
    2.5
    """
    common = sorted(ours.keys() & theirs.keys())
    return median(ours[turn] / theirs[turn] for turn in common) if common else None


def skip(name: str, reason: str) -> None:
    """One line on standard error for a peer that is not here."""
    print(f"skipped: {name} ({reason})", file=sys.stderr, flush=True)


def publish(text: str, out: Path | None) -> None:
    """Print the result, and write it when a file was asked for."""
    print(text, flush=True)
    if out is not None:
        out.write_text(text.rstrip("\n") + "\n", encoding="utf-8")


def options(description: str) -> ArgumentParser:
    """The options that all scripts share."""
    parser = ArgumentParser(description=description)
    parser.add_argument("--work", type=Path, default=ROOT / "benchmarks" / "work", help="folder that data.py filled")
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared", help="folder with bench/ and data/")
    parser.add_argument("--out", type=Path, help="write the Markdown here as well")
    parser.add_argument("--core", type=int, help="pin everything to this core")
    return parser


def begin(parser: ArgumentParser) -> Namespace:
    """Read the options and pin the process, and so its children, when a core was named."""
    options = parser.parse_args()
    if options.core is not None:
        os.sched_setaffinity(0, {options.core})
    return options


def needed(work: Path, *names: str) -> list[Path]:
    """The named texts of the work folder; a clear exit when they are not there yet."""
    paths = [work / name for name in names]
    for path in paths:
        if not path.is_file():
            sys.exit(f"{path.name} is missing; build it with: python -m benchmarks.data")
    return paths
