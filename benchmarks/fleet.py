"""What a fleet costs: ``python -m benchmarks.fleet [REQUESTS [PEOPLE [STACKS]]] [USD_PER_CORE_HOUR]``.

Writes the Parquet files of made-up people, counts and replays them with DuckDB, and says on paper what 10**9 requests
come to: bytes, hours, USD. The price of a core is an assumption that can be given: 62.05 USD for 730 hours of two
virtual cores (c6i.large on demand, as Infracost lists it), that is 0.0425 USD an hour and core.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.replay import peak_bytes, stacks
from truelimit.adapters.fleet.columns import FLEET_COLUMNS
from truelimit.units import GB, GIB, HOUR

REQUESTS, PEOPLE, STACKS = 400_000, 20, 5
USD_PER_CORE_HOUR = 0.0425
USD_PER_GB_MONTH = 0.023  # object storage, assumed
PAPER = 1_000_000_000


def main(arguments: Sequence[str] = ()) -> int:
    """Print the figures; return 0, for there is no goal but to know them."""
    if importlib.util.find_spec("ibis") is None:
        print("ibis is not installed: no figures of a fleet")
        return 0
    given = [float(text) for text in arguments]
    requests, people, each, usd = (*given, *(REQUESTS, PEOPLE, STACKS, USD_PER_CORE_HOUR)[len(given) :])
    with tempfile.TemporaryDirectory() as folder:
        size = generate(Path(folder), int(requests), int(people))
        counting, replaying = measured(Path(folder), int(each))
    rows = int(requests) // int(people) * int(people)
    print(f"{rows:,} requests of {int(people)} people: {size / rows:.1f} bytes a request in Parquet (zstd)")
    print(f"counted in {counting:.1f} s: {rows / counting:,.0f} requests/s on {os.cpu_count()} cores")
    print(f"replayed on {int(each)} stacks in {replaying:.1f} s: {rows / replaying:,.0f} requests/s on one core")
    on_paper(size / rows, counting / rows * (os.cpu_count() or 1), replaying / rows, int(each), usd)
    return 0


def on_paper(size: float, counting: float, replaying: float, each: int, usd: float) -> None:
    """Print what 10**9 requests come to, linear in requests: bytes, core-hours, USD. Rates in core-seconds each."""
    whole = (counting + replaying) * PAPER / HOUR
    print(f"on paper, {PAPER:,} requests on {each} stacks:")
    print(f"  {size * PAPER / GB:,.0f} GB of Parquet, {size * PAPER / GB * USD_PER_GB_MONTH:,.2f} USD a month to keep")
    print(f"  counting {counting * PAPER / HOUR:,.2f} + replaying {replaying * PAPER / HOUR:,.2f} core-hours")
    print(f"  {whole * usd:,.2f} USD at {usd} USD a core-hour (assumed); {whole / 64:,.2f} h on 64 cores")


def generate(folder: Path, requests: int, people: int) -> int:
    """Write the files of so many people and return their bytes."""
    import duckdb

    written = 0
    with duckdb.connect() as connection:
        for person in range(people):
            columns = made(requests // people, person)
            connection.register("made", columns)
            chosen = ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind, _ in FLEET_COLUMNS)
            target = folder / f"{person}.parquet"
            connection.execute(f"COPY (SELECT {chosen} FROM made ORDER BY \"time\") TO '{target}' (COMPRESSION zstd)")
            written += target.stat().st_size
    return written


def made(count: int, person: int) -> dict[str, Any]:
    """Return the columns of one person's records: hashes as they are (random), sizes and times as an agent's."""
    random = np.random.default_rng(person)
    names = np.array([value.hex() for value in (random.bytes(12) for _ in range(count))], object)
    session = names[np.arange(count) // 80 * 2 + random.integers(0, 2, count).clip(max=count - 1)]
    turn = names[np.arange(count) // 8 * 8]
    prompt = np.minimum(random.lognormal(9.8, 1.1, count), 400_000).astype(np.int64)
    cached = (prompt * random.random(count)).astype(np.int64)
    retry = np.where(random.random(count) < 0.03, np.roll(names, 1), None)
    retry[0] = None
    same = np.full(count, None, object)
    return {
        "id": names,
        "source": np.full(count, "claude-code", object),
        "agent": np.full(count, "claude-code", object),
        "session": session,
        "model": random.choice(np.array(["qwen3-coder:30b", "gpt-oss-20b", "glm-4.5-air"], object), count),
        "time": 1.77e9 + np.round(np.cumsum(random.exponential(60, count)), 3),
        "prompt_tokens": prompt,
        "cached_tokens": cached,
        "new_tokens": prompt - cached,
        "output_tokens": random.lognormal(5.5, 0.8, count).astype(np.int64),
        "first_token_s": np.round(random.exponential(5, count), 3),
        "duration_s": np.round(random.exponential(20, count), 3),
        "ending": random.choice(np.array(["done"] * 8 + ["timed-out", "overflow"], object), count),
        "retry_of": retry,
        "turn": turn,
        "files_read": random.integers(0, 9, count),
        "files_edited": random.integers(0, 4, count),
        "work_class": random.choice(np.array(["edit-1", "edit-2-4", "chat", "edit-5+"], object), count),
        "workspace": same,
        "private": random.random(count) < 0.5,
        "person": np.full(count, f"{person:024x}", object),
        "collected": np.full(count, 1.78e9),
    }


def measured(folder: Path, each: int) -> tuple[float, float]:
    """Return the seconds of counting all files with DuckDB, and of replaying them after that."""
    from truelimit.adapters.fleet import count, files, questions

    found = files.find([str(folder)], folder)
    with count.engine("duckdb", found.paths, None, folder) as engine:
        begun = time.perf_counter()
        held = count.counted(engine, apart=found.apart, stacks=None, progress=_nobody)
        counting = time.perf_counter() - begun
        begun = time.perf_counter()
        rows = questions.to_replay(questions.cleaned(questions.complete(questions.typed(engine.table()))))
        people = {item.person: item.calls for item in held.people}
        replayed = sum(1 for _ in engine.replay(rows, stacks(1, each), people, _nobody))
        replaying = time.perf_counter() - begun
    assert replayed == len(people) * (1 + each), "a person's replay is missing"
    print(f"peak memory {peak_bytes() / GIB:.2f} GiB")
    return counting, replaying


def _nobody(_doing: str, _share: float) -> None:
    """Nobody is told."""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
