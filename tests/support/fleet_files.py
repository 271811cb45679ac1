"""Records of made-up people, and the Parquet files that each would write."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

from truelimit.adapters.fleet.export import export, person_of
from truelimit.adapters.work.hashing import Hasher
from truelimit.domain.workload import Ending, WorkClass, WorkRequest
from truelimit.units import Seconds, Tokens

BEGAN = datetime(2026, 2, 1, tzinfo=UTC)
ENDINGS = (Ending.DONE, Ending.DONE, Ending.DONE, Ending.OVERFLOW, Ending.TIMED_OUT, Ending.TRUNCATED, Ending.CANCELLED)
STACKS = """
[[stack]]
id = "small"
served_context = 32768
cuts_silently = true
prefill_a = 3e-4
prefill_b = 5e-8
decode_c = 0.01
decode_d = 3e-7
prefill_spread = 0.25
decode_spread = 0.1
first_wall = 60.0
attempts = 3
resumes = true
load = 6.0
keep_alive = 300.0

[[stack]]
id = "large"
served_context = 262144
prefill_a = 1e-4
prefill_b = 2e-8
decode_c = 0.005
decode_d = 2e-7
slots = 2
usd_per_new = 1e-6
"""


def records(person: str, count: int, seed: int = 1) -> list[WorkRequest]:
    """Return requests of one person: conversations that interleave and grow, retries, what is not told now and then."""
    chance, hasher = random.Random(f"{person}{seed}"), Hasher(person.encode())
    sizes: dict[str, int] = {}
    found: list[WorkRequest] = []
    at = BEGAN + timedelta(seconds=chance.randrange(1000))
    for number in range(count):
        at += timedelta(seconds=round(chance.expovariate(1 / 50), 3))
        session = hasher("session", str(number // 40 * 2 + chance.randrange(3)))
        size = sizes[session] = int(sizes.get(session, 8_000) * chance.uniform(0.9, 1.3)) % 200_000
        last = found[-1] if found else None
        is_retry = last is not None and last.ending is Ending.TIMED_OUT and chance.random() < 0.7
        item = WorkRequest(
            hasher("id", str(number)), "claude-code", chance.choice(("claude-code", "codex", "unknown")),
            last.session if is_retry and last else session, chance.choice(("qwen3-coder:30b", "gpt-oss-20b")),
            at if chance.random() > 0.01 else None,
            Tokens(size) if chance.random() > 0.05 else None,
            Tokens(size // 2) if chance.random() < 0.3 else None, None,
            Tokens(chance.randrange(20, 2_000)) if chance.random() > 0.1 else None, None,
            Seconds(round(chance.expovariate(1 / 20), 3)) if chance.random() > 0.1 else None,
            chance.choice(ENDINGS),
            (last.retry_of or last.id) if is_retry and last else None,
            hasher("turn", str(number // 6)) if chance.random() > 0.05 else None,
            chance.randrange(4), chance.choice((0, 0, 1, 3, 7, 25)),
            WorkClass.SIDE_CALL if chance.random() < 0.05 else WorkClass.UNKNOWN,
            None, chance.choice((True, False, None)),
        )  # fmt: skip
        found.append(item)
    return found


def written(folder: Path, people: dict[str, int]) -> list[Path]:
    """Write a file for each person with so many requests; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, count in people.items():
        path = folder / f"{name}.parquet"
        export(records(name, count), path, person_of(Hasher(name.encode())), 1_000_000.0)
        paths.append(path)
    return paths
