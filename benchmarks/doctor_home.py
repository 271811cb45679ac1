"""The doctor on a generated home beside a literal search over the same bytes.

``python -m benchmarks.doctor_home [--full] [--models N] [--logs-mb N] [--transcripts-mb N] [--profile]``

A home of 12 models (headers alone), Ollama logs and OpenClaw transcripts: with ``--full`` 200 MB and 1 GB of them, else
a tenth. CPU seconds of whole processes, beside ripgrep (or ``grep -c`` where it is not installed) for a literal in the
same files: the first run, a second one (nothing changed), a third one (one log grew by 1 %), and one that keeps
nothing. Goal: at most 3 times the search. Python's bytecode is there, as in an installed package.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
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
    print(f"{name:28} {search_cpu:7.3f} s CPU ({total / 1e6 / search_cpu:,.0f} MB/s)")
    environment = {
        "TRUELIMIT_DATA_DIR": str(state / "data"),
        "PYTHONPYCACHEPREFIX": str(state / "bytecode"),
        "PYTHONDONTWRITEBYTECODE": "",
    }
    empty = state / "empty"
    empty.mkdir(parents=True)
    start_up = _least([], empty, environment)
    print(f"{'doctor, empty home':28} {start_up[0]:7.3f} s CPU, {start_up[1]:6.1f} MiB at most")
    ratios = {}
    for title, options, before in _cases(home, state):
        cpu, memory = _least(options, home, environment, before)
        ratios[title] = cpu / search_cpu
        print(f"{title:28} {cpu:7.3f} s CPU ({ratios[title]:5.2f} x {name.split()[0]}), {memory:6.1f} MiB at most")
    missed = [title for title, ratio in ratios.items() if ratio > GOAL]
    told = f"missed by {'; '.join(missed)}" if missed else "met"
    print(f"goal: at most {GOAL:.0f} x the search: {told} (least of {RUNS} runs)")
    return int(bool(missed))


def _cases(home: Path, state: Path) -> Iterator[tuple[str, list[str], Callable[[], object]]]:
    """Yield what is timed: its name, options of the doctor, and what is done before each run."""
    yield "doctor, first run", [], lambda: shutil.rmtree(state / "data", ignore_errors=True)
    yield "doctor, nothing changed", [], lambda: None
    yield "doctor, a log grew by 1 %", [], lambda: _grow(home / ".ollama" / "logs" / "server.log")
    yield "doctor, --no-cache", ["--no-cache"], lambda: None


def _least(
    options: list[str], home: Path, environment: dict[str, str], before: Callable[[], object] = lambda: None
) -> tuple[float, float]:
    """Return CPU seconds and peak memory (MiB) of the run that took least."""
    command = [sys.executable, "-m", "truelimit", "doctor", "--home", str(home), "--json", *options]
    runs = []
    for _ in range(RUNS):
        before()
        runs.append(cost(command, environment))
    return min(runs)


def _grow(log: Path) -> None:
    """Write 1 % more lines to a log."""
    with log.open("r+b") as file:
        size = file.seek(0, 2)
        file.seek(0)
        more = file.read(size // 100)
        file.seek(0, 2)
        file.write(more[: more.rfind(b"\n") + 1])


def _search(home: Path) -> tuple[list[str], str]:
    """Return a command that searches all files of the home for a literal, and its name."""
    if ripgrep := shutil.which("rg") or shutil.which("rg", path=str(Path(sys.executable).parent)):
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
        profile.runcall(doctor.run, ["--home", str(home), "--json", "--no-cache"])
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
