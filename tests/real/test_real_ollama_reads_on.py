"""Ollama's own runner reads a prompt to its end for a client that has hung up: measured, and replayed."""

from __future__ import annotations

import json
import math
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.real_ollama import BINARY, MODEL, RealOllama, real_ollama
from truelimit.domain.workload import WorkRequest
from truelimit.units import Tokens
from truelimit.workload.columns import columns
from truelimit.workload.replay import replay
from truelimit.workload.stack import Outcome, ReplayStack

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not (BINARY and MODEL), reason="TRUELIMIT_REAL_OLLAMA and TRUELIMIT_REAL_MODEL are not set"),
]
LONG = 900  # words of the long prompt, about three tokens each
START = datetime(2026, 2, 18, tzinfo=UTC)


def asked(server: RealOllama, prompt: str, wall: float = 500.0) -> tuple[float, int]:
    """Return the seconds until the answer of one token, and the tokens of the prompt. Raises OSError at the wall."""
    body = {"model": "m", "prompt": prompt, "stream": False, "raw": True, "options": {"num_predict": 1}}
    request = urllib.request.Request(f"{server.url}/api/generate", json.dumps(body).encode(), method="POST")
    begun = time.monotonic()
    with urllib.request.urlopen(request, timeout=wall) as reply:
        told = json.loads(reply.read())
    return time.monotonic() - begun, int(told["prompt_eval_count"])


def prompt(first: str) -> str:
    """A long prompt with a beginning of its own."""
    return " ".join([first, *(f"word{number % 97}" for number in range(LONG))])


def replayed(rate: float, tokens: int, wall: float, reads_on: float) -> tuple[Outcome, float]:
    """What becomes of the long prompt, and the seconds of a short one that comes when its client hangs up."""
    stack = ReplayStack("ollama", prefill_a=rate, first_wall=wall, reads_on=reads_on)
    rows = (("long", 0.0, tokens), ("short", wall, 3))
    found = replay(
        columns(
            [
                WorkRequest(
                    name, "t", "a", name, "m", START + timedelta(seconds=at), Tokens(size), output_tokens=Tokens(0)
                )
                for name, at, size in rows
            ]
        ),
        stack,
    )
    return Outcome(int(found.outcome[0])), float(found.seconds[1])


def test_whoever_comes_next_waits_for_it(tmp_path: Path) -> None:
    with real_ollama(tmp_path, environment={"OLLAMA_NUM_PARALLEL": "1", "OLLAMA_CONTEXT_LENGTH": "8192"}) as server:
        server.import_model("m", Path(MODEL or ""))
        asked(server, "warm up")
        short, _ = asked(server, "one two three")
        whole, tokens = min(asked(server, prompt(name)) for name in ("first", "second"))
        wall = 0.55 * whole  # what is left is less than the wall, so that the next one is answered
        with pytest.raises(OSError, match="timed out"):
            asked(server, prompt("third"), wall)
        after, _ = asked(server, "four five six")
    print(f"{tokens:,} tokens in {whole:.2f} s, wall {wall:.2f} s; alone {short:.2f} s, after it {after:.2f} s")
    outcome, waits = replayed(whole / tokens, tokens, wall, math.inf)
    assert outcome is Outcome.TIMED_OUT
    assert after > 5 * short, "it was held up"
    assert wall + after == pytest.approx(wall + waits, rel=0.35), "until the reading of the whole prompt has ended"
    assert replayed(whole / tokens, tokens, wall, 0.0)[1] < after / 5, "as if the slot had been free at once"
