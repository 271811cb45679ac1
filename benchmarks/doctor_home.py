"""The doctor on a generated home beside a literal search over the same bytes.

``python -m benchmarks.doctor_home [--full] [--models N] [--logs-mb N] [--transcripts-mb N] [--profile]``

A home of 12 models (headers alone), Ollama logs and OpenClaw transcripts: with ``--full`` 200 MB and 1 GB of them, else
a tenth. CPU seconds of whole processes: cold (nothing kept from an earlier run) and again, nothing changed, beside
ripgrep (or ``grep -c`` where it is not installed) for a literal in the same files. Goal: at most 3 times the search.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.generated_home import generate
from benchmarks.processes import cost

GOAL = 3.0
_LITERAL = "a literal that is nowhere in these files"
RUNS = 3


def main(arguments: Sequence[str] = ()) -> int:
    """Print the comparison; return 1 when the goal is missed."""
    args = _parser().parse_args(list(arguments))
    scale = 10 if args.full else 1
    with tempfile.TemporaryDirectory(prefix="truelimit-bench-") as folder:
        home, state = Path(folder) / "home", Path(folder) / "state"
        sizes = generate(home, args.models, args.logs_mb or 20 * scale, args.transcripts_mb or 100 * scale)
        total = sum(sizes.values())
        for name, size in sizes.items():
            print(f"{name:12} {size / 1e6:8.1f} MB")
        if args.profile:
            return _profile(home)
        return _compare(home, state, total)


def _compare(home: Path, state: Path, total: int) -> int:
    search, name = _search(home)
    search_cpu, _ = min(cost(search) for _ in range(RUNS))
    print(f"{name:24} {search_cpu:7.3f} s CPU ({total / 1e6 / search_cpu:,.0f} MB/s)")
    command = [sys.executable, "-m", "truelimit", "doctor", "--home", str(home), "--json"]
    environment = {"TRUELIMIT_DATA_DIR": str(state)}
    ratios = {}
    for title in ("doctor, cold", "doctor, nothing changed"):
        if title.endswith("cold"):
            runs = []
            for _ in range(RUNS):
                shutil.rmtree(state, ignore_errors=True)
                runs.append(cost(command, environment))
        else:
            runs = [cost(command, environment) for _ in range(RUNS)]
        cpu, memory = min(runs)
        ratios[title] = cpu / search_cpu
        print(f"{title:24} {cpu:7.3f} s CPU ({cpu / search_cpu:5.2f} x {name.split()[0]}), {memory:6.1f} MiB at most")
    met = ratios["doctor, cold"] <= GOAL
    print(f"goal: at most {GOAL:.0f} x the search, cold: {'met' if met else 'missed'} (least of {RUNS} runs)")
    return int(not met)


def _search(home: Path) -> tuple[list[str], str]:
    """Return a command that searches all files of the home for a literal, and its name."""
    if ripgrep := shutil.which("rg"):
        options = ["--count", "--fixed-strings", "--hidden", "--no-ignore", "--text", "--threads", "1"]
        return [ripgrep, *options, _LITERAL, str(home)], "ripgrep (one thread)"
    if grep := shutil.which("grep"):
        return [grep, "-r", "-c", "-a", "-F", _LITERAL, str(home)], "grep -c (no ripgrep)"
    code = (
        "import sys, pathlib\nfor p in pathlib.Path(sys.argv[1]).rglob('*'):\n p.is_file() and b'zq' in p.read_bytes()"
    )
    return [sys.executable, "-c", code, str(home)], "Python's search"


def _profile(home: Path) -> int:
    """Print where the time of one run goes."""
    import contextlib
    import cProfile
    import io
    import pstats

    from truelimit.cli import doctor

    profile = cProfile.Profile()
    with contextlib.redirect_stdout(io.StringIO()):
        profile.runcall(doctor.run, ["--home", str(home), "--json"])
    pstats.Stats(profile).sort_stats("tottime").print_stats(25)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("benchmarks.doctor_home", description=__doc__)
    parser.add_argument("--full", action="store_true", help="200 MB of logs and 1 GB of transcripts")
    parser.add_argument("--models", type=int, default=12)
    parser.add_argument("--logs-mb", type=int, default=0)
    parser.add_argument("--transcripts-mb", type=int, default=0)
    parser.add_argument("--profile", action="store_true", help="print where the time goes instead")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
