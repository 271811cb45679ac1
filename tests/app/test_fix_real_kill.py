"""A process that is really killed in the middle of a fix, and a second one that finds its journal."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from servers.fake_ollama import FakeModel, FakeOllama, fake_ollama
from support.fix_world import NEW_NAME, OLD_NAME, World, world
from truelimit.adapters.store.ollama_definitions import OllamaDefinitions
from truelimit.app.fix import apply, open_receipts, recover
from truelimit.app.fix_ports import FixPorts
from truelimit.app.undo import LAST, undo

CHILD = """
import sys
from pathlib import Path
from app.test_fix_real_kill import ports_of
from support.fix_world import world
from truelimit.app.fix import apply
one = world(Path(sys.argv[1]))
def wait(step):
    print(step, flush=True)
    sys.stdin.readline()
apply(one.plan, ports_of(one, sys.argv[2]), wait)
"""


def ports_of(one: World, url: str) -> FixPorts:
    """Return the world's ports with a server that outlives the process."""
    return replace(one.ports, servers=lambda _: OllamaDefinitions(url, 5))


def _models() -> dict[str, FakeModel]:
    return {OLD_NAME: FakeModel(131072, native=262144)}


def _kill_at(folder: Path, url: str, number: int) -> str:
    """Run a fix in a child and kill it while it stands at a step; return the step."""
    tests = str(Path(__file__).parents[1])
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder), url],
        env={**os.environ, "PYTHONPATH": tests},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdin is not None
        assert child.stdout is not None
        step = child.stdout.readline()
        for _ in range(number):
            child.stdin.write("\n")
            child.stdin.flush()
            step = child.stdout.readline()
        child.kill()
    assert child.returncode != 0
    return step.strip()


def _state(one: World, fake: FakeOllama) -> tuple[object, ...]:
    return (
        one.config.read_bytes(),
        one.config.stat().st_mode,
        {name: repr(held) for name, held in fake.models.items()},
    )


@pytest.mark.parametrize("seed", range(3))
def test_a_killed_fix_is_found_and_taken_back(tmp_path: Path, seed: int) -> None:
    steps: list[str] = []
    with fake_ollama(models=_models()) as fake:
        counted = world(tmp_path / "count")
        apply(counted.plan, ports_of(counted, fake.url), steps.append)
        new = _state(counted, fake)
    number = random.Random(seed).randrange(len(steps))
    with fake_ollama(models=_models()) as fake:
        one = world(tmp_path / "killed")
        old, ports = _state(one, fake), ports_of(one, fake.url)
        assert _kill_at(tmp_path / "killed", fake.url, number) == steps[number].replace(
            str(counted.config), str(one.config)
        )
        interrupted = bool(open_receipts(ports))
        assert all(not problems for _, problems in recover(ports))
        state = _state(one, fake)
        assert state == (old if interrupted else new)
        if not interrupted:
            undo(LAST, ports)
        assert NEW_NAME not in fake.models
        assert [item.name for item in one.config.parent.iterdir()] == ["openclaw.json"]
        receipt = apply(one.plan, ports)
        assert undo(receipt.id, ports).id == receipt.id
        assert _state(one, fake) == old
