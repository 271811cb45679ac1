"""What the replay costs: ``python -m benchmarks.replay [REQUESTS [MACHINES [STACKS]]]``.

A million requests on 60 machines, five stacks each, on two threads: goals are 20 s and 2 GiB, and 20 million
evaluations a second on a core. Then each factor is halved in turn: a time that halves as well is linear in it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from truelimit.app.replay_many import replay_many
from truelimit.units import GIB
from truelimit.workload.columns import Columns, from_arrays
from truelimit.workload.stack import ReplayStack

REQUESTS, MACHINES, STACKS, WORKERS = 1_000_000, 60, 5, 2
SECONDS_GOAL, BYTES_GOAL, RATE_GOAL = 20.0, 2 * GIB, 20e6


def main(arguments: Sequence[str] = ()) -> int:
    """Print the figures; return 1 when a goal is missed."""
    given = [int(text) for text in arguments]
    requests, machines, each = (*given, *(REQUESTS, MACHINES, STACKS)[len(given) :])
    begun = time.perf_counter()
    work = generated(requests)
    print(f"{requests:,} requests as columns in {time.perf_counter() - begun:.1f} s")
    whole = measured(work, machines, each)
    few = max(1, machines // 15)
    rate = requests * few * each / measured(work, few, each, workers=1)
    peak = peak_bytes()
    every = requests * machines * each
    print(f"{machines} machines x {each} stacks, {WORKERS} threads: {whole:.1f} s, {every / whole / 1e6:,.0f} M/s")
    print(f"one thread: {rate / 1e6:,.1f} M evaluations/s; peak memory {peak / GIB:.2f} GiB")
    for name, share in shares(work, machines, each, whole).items():
        print(f"{name}: {share:.2f} of the time")
    missed = whole > SECONDS_GOAL or peak > BYTES_GOAL or rate < RATE_GOAL
    goals = f"{SECONDS_GOAL:.0f} s, {BYTES_GOAL / GIB:.0f} GiB, {RATE_GOAL / 1e6:.0f} M/s a core"
    print(f"goals ({goals}): {'missed' if missed else 'met'}")
    return int(missed)


def peak_bytes() -> int:
    """Return the most memory that this process has had."""
    try:
        import resource
    except ImportError:
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(most if sys.platform == "darwin" else most * 1024)


def generated(count: int, seed: int = 1) -> Columns:
    """Return requests of an agent: conversations that grow by turns, some of them beyond any window."""
    random = np.random.default_rng(seed)
    session = (random.integers(0, 4, count) + np.arange(count) // 40 * 2).astype(np.int32)
    time_of = np.cumsum(random.exponential(60, count))
    prompt = np.minimum(random.lognormal(9.8, 1.1, count), 400_000).astype(np.float32)
    output = random.lognormal(5.5, 0.8, count).astype(np.float32)
    nothing = np.full(count, np.nan, np.float32)
    return from_arrays(time_of, session, prompt, output, nothing, random.random(count) < 0.5)


def stacks(machines: int, each: int) -> list[ReplayStack]:
    """Return stacks that use every part of the model: walls, retries, loading, queues, caches, prices."""
    walled: dict[str, Any] = {"first_wall": 300.0, "attempts": 3, "resumes": True, "keep_alive": 300.0}
    kinds = [
        ReplayStack("", served_context=131_072, cuts_silently=True, **walled),
        ReplayStack("", served_context=262_144, run_wall=1800.0, **walled),
        ReplayStack("", served_context=262_144, total_wall=600.0, attempts=2, cache_tokens=90_000, keep_alive=300.0),
        ReplayStack("", served_context=65_536, slots=2),
        ReplayStack("", served_context=200_000, slots=8, usd_per_new=1e-6, usd_per_output=5e-6, takes_private=False),
    ]
    return [
        replace(kinds[kind % len(kinds)], id=f"{machine}-{kind}", **_rates(1 + machine / 20))
        for machine in range(machines)
        for kind in range(each)
    ]


def _rates(times: float) -> dict[str, Any]:
    return {"prefill_a": 3e-4 / times, "prefill_b": 5e-8 / times, "decode_c": 0.01, "decode_d": 3e-7, "load": 6.0}


def measured(work: Columns, machines: int, each: int, workers: int = WORKERS) -> float:
    """Return the seconds of a replay of the work on so many stacks."""
    begun = time.perf_counter()
    replay_many(work, stacks(machines, each), workers)
    return time.perf_counter() - begun


def shares(work: Columns, machines: int, each: int, whole: float) -> dict[str, float]:
    """Return what share of the time it takes with half of one factor, and with another split of the same product."""
    half = generated(len(work) // 2)
    return {
        "half the requests": measured(half, machines, each) / whole,
        "half the machines": measured(work, machines // 2, each) / whole,
        "half the machines, twice the stacks": measured(work, machines // 2, 2 * each) / whole,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
