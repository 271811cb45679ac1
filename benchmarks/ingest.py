"""Reading the user's transcripts: MB/s of one core, memory, and what a second run costs.

``python -m benchmarks.ingest [--full] [--megabytes N]``

A generated home of Claude Code and Codex sessions (40 MB; with ``--full`` 1 GB): CPU seconds of the whole program's
reading (into the store), of a run with nothing new (its difference to an empty home is the summary), and of one after
a session grew by 1 %. Beside it DuckDB's own JSON reader and, where it is installed, ``jq``, over the same files. The
memory of reading is compared with that over a tenth of the bytes. Goal: 100 MB/s a core, memory flat (at most 1.5
times).
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.generated_work import claude_code, codex
from benchmarks.processes import cost

GOAL = 100.0
FLAT = 1.5
_SESSION = 20.0  # MB a file
_RUN = "import sys; from truelimit.cli.workload import run; sys.exit(run(sys.argv[1:]))"
_READ = """
import pathlib, sys
from truelimit.adapters.work import ingest, places
from truelimit.adapters.work.context import Context
from truelimit.adapters.work.hashing import hasher
from truelimit.adapters.work.store import WorkStore
from truelimit.app.ports import Places
with WorkStore() as store:
    ingest.ingest(store, places.found(Places(pathlib.Path(sys.argv[1]), isolated=True)), Context(hasher()))
"""
_COUNT = """
import duckdb, sys
duckdb.sql("SET threads = 1")
files = f"read_json_objects('{sys.argv[1]}/**/*.jsonl', maximum_object_size = 100000000) t(j)"
duckdb.sql(f"SELECT count(*), max(len(j ->> '$.timestamp')) FROM {files}").fetchall()
"""


def main(arguments: Sequence[str] = ()) -> int:
    """Print the figures; return 1 when a goal is missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--megabytes", type=float)
    args = parser.parse_args(list(arguments))
    size = args.megabytes or (1000.0 if args.full else 40.0)
    with tempfile.TemporaryDirectory(prefix="truelimit-bench-") as folder:
        return _compare(Path(folder), size)


def _compare(folder: Path, size: float) -> int:
    small, home = folder / "small", folder / "home"
    _generate(small, size / 10)
    _generate(home, size)
    total = sum(path.stat().st_size for path in home.rglob("*.jsonl")) / 1e6
    empty = folder / "empty"
    empty.mkdir()
    idle, _ = _read(empty, folder / "data-empty")
    _, little = _read(small, folder / "data-small")
    first, most = _read(home, folder / "data")
    rate = total / (first - idle)
    print(f"{total:,.0f} MB read in {first - idle:.2f} s CPU beside {idle:.2f} s to start: {rate:,.0f} MB/s")
    print(f"peak memory {most:,.0f} MiB; over a tenth of the bytes {little:,.0f} MiB")
    base, _ = _workload(empty, folder / "data-empty")
    again, held = _workload(home, folder / "data")
    print(f"truelimit workload, nothing new: {again:.2f} s CPU (an empty home: {base:.2f} s), {held:,.0f} MiB")
    _grow(home)
    grown, _ = _workload(home, folder / "data")
    print(f"one session grew by 1 %: {grown:.2f} s CPU")
    _others(home, total)
    met = rate >= GOAL and most <= FLAT * little
    print(f"goal: {GOAL:.0f} MB/s, memory at most {FLAT} times: {'met' if met else 'missed'}")
    return int(not met)


def _generate(home: Path, size: float) -> None:
    for name, write in ((".claude/projects/p", claude_code), (".codex/sessions/2026/02/01", codex)):
        folder = home / name
        folder.mkdir(parents=True)
        count = max(1, round(size / 2 / _SESSION))
        for number in range(count):
            stem = f"rollout-{number}" if write is codex else f"session-{number}"
            write(folder / f"{stem}.jsonl", size / 2 / count, seed=number)


def _read(home: Path, data: Path) -> tuple[float, float]:
    return cost([sys.executable, "-c", _READ, str(home)], {"TRUELIMIT_DATA_DIR": str(data)})


def _workload(home: Path, data: Path) -> tuple[float, float]:
    command = [sys.executable, "-c", _RUN, "--home", str(home), "--json"]
    return cost(command, {"TRUELIMIT_DATA_DIR": str(data)})


def _grow(home: Path) -> None:
    path = next((home / ".claude").rglob("*.jsonl"))
    lines = path.read_bytes().splitlines(keepends=True)
    with path.open("ab") as stream:
        stream.writelines(lines[: len(lines) // 100])


def _others(home: Path, total: float) -> None:
    seconds, _ = cost([sys.executable, "-c", _COUNT, str(home)])
    print(f"DuckDB's JSON reader, one thread, one key of each line: {seconds:.2f} s CPU ({total / seconds:,.0f} MB/s)")
    if shutil.which("jq"):
        files = [str(path) for path in home.rglob("*.jsonl")]
        seconds, _ = cost(["jq", "-c", ".message.usage // .payload.info // empty", *files])
        print(f"jq: {seconds:.2f} s CPU ({total / seconds:,.0f} MB/s)")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
