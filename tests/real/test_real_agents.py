"""Real agents over a scripted model server: what ``truelimit workload`` reads in their homes is what the server did.

Each agent is asked for an edit of one file, of three, of six, is told once that its prompt is too long, and once has
an answer cut off. The server counts tokens as its script says, so each count must come back from the transcripts.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from scripted_agents import AGENTS, Agent, Home, end_all, settled
from scripted_script import MODEL, SIDE, Script, Served
from scripted_server import scripted
from scripted_turns import EDITED, NEW, message, turns

from support.real_truelimit import TrueLimit

_KILLED_AFTER = 45.0  # seconds; each turn takes 1 to 6
_EARLY, _LATE = 0.4, 1.5  # seconds by which a record may begin before the server's, and end before or after it


def _param(agent: Agent) -> Any:
    missing = pytest.mark.skipif(not agent.path.exists(), reason=f"{agent.name} NOT HAD: {agent.path} is not there")
    return pytest.param(agent, id=agent.name, marks=missing)


pytestmark = pytest.mark.real


@dataclass
class Story:
    """An agent that did its turns: what the server served, what was read of it at once and bit by bit."""

    agent: Agent
    home: Home
    served: list[Served]
    summary: dict[str, Any]
    records: list[dict[str, Any]]
    bit_by_bit: list[dict[str, Any]]

    @property
    def main(self) -> list[Served]:
        """Return the requests of the turns, but for those that the agent writes nowhere."""
        return [item for item in self.served if not item.side and item.reply.prompt not in self.agent.unwritten]

    @property
    def calls(self) -> list[dict[str, Any]]:
        """Return the records of the turns in order of time; what it goes on with of its own is none of them."""
        own = (SIDE.prompt, SIDE.output)
        turns = [item for item in self.records if item["work_class"] != "side-call"]
        return [item for item in turns if (item["prompt_tokens"], item["output_tokens"]) != own]


@pytest.fixture(scope="module", params=[_param(agent) for agent in AGENTS])
def story(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Let an agent do all turns in a home of its own, and read its records."""
    agent: Agent = request.param
    folder = tmp_path_factory.mktemp(agent.name)
    script = Script(turns(str(folder / "work")))
    truelimit = TrueLimit(folder / "data")
    with scripted(script, agent.words) as url, ended(folder / "home"):
        home = settled(agent, folder / "home", folder / "work", url)
        for name, new in NEW.items():
            status, said = home.ask(message(name), goes_on=not new and agent.resumes, seconds=_KILLED_AFTER)
            assert status is not None, f"{name}: killed after {_KILLED_AFTER} s: {said[-2000:]}"
            assert any(item.turn == name and not item.side for item in script.served), f"{name}: {said[-2000:]}"
            if name == "one":
                read(truelimit, home, folder / "bits.jsonl", "bits.duckdb")
    _, bits = read(truelimit, home, folder / "bits.jsonl", "bits.duckdb")
    summary, records = read(truelimit, home, folder / "once.jsonl", "once.duckdb")
    return Story(agent, home, script.served, summary, records, bits)


@contextmanager
def ended(home: Path) -> Iterator[None]:
    """Leave nothing running of what was started in a home."""
    try:
        yield
    finally:
        end_all(home)


def read(truelimit: TrueLimit, home: Home, target: Path, store: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    where = ("--home", home.home, "--store", truelimit.data / store)
    run = truelimit("workload", *where, "--export", target, "--json")
    assert run.status == 0, run.errors[-2000:]
    lines = target.read_text(encoding="utf-8").splitlines()
    return run.json, sorted(map(json.loads, lines), key=lambda item: item["time"] or 0.0)


def test_it_did_what_the_server_asked_for(story: Story) -> None:
    """Without this the counts of edited files would be of calls that never were."""
    for name, letters in EDITED.items():
        for letter in letters:
            text = (story.home.work / f"{letter}.py").read_text(encoding="utf-8")
            assert text.startswith(("after", "written")), (name, letter, text)


def test_each_request_is_read_as_the_server_knows_it(story: Story) -> None:
    assert [counted(story.agent, item) for item in story.calls] == list(expected(story.agent, story.main))


def counted(agent: Agent, call: dict[str, Any]) -> tuple[object, ...]:
    """Return what was read of a request, without the length of a prompt that the agent tells at times alone."""
    keys = ("cached_tokens", "output_tokens", "ending", "files_read", "files_edited", "model")
    is_vague = call["ending"] == "overflow" and not agent.tells_overflow
    return (None if is_vague else call["prompt_tokens"], *(call[key] for key in keys))


def expected(agent: Agent, served: list[Served]) -> Iterator[tuple[object, ...]]:
    """Yield what must be read of each request. A 0 that was cached is none until a cache was told of."""
    told: dict[bool, bool] = {}
    touched: dict[str, tuple[set[str], set[str]]] = {}
    session = 0
    for item in served:
        reply = item.reply
        if begins(agent, item.turn) and item.turn not in touched:
            session += 1
            told = {}
        was_read, edited = touched.setdefault(item.turn, (set(), set()))
        for touch in reply.touches:
            (was_read if touch.what == "read" else edited).add(touch.path)
        told[True] = told.get(True, False) or reply.cached > 0
        files = (len(was_read), len(edited), MODEL)
        if reply.overflow:
            yield (reply.prompt if agent.tells_overflow else None, None, None, "overflow", *files)
        else:
            yield (reply.prompt, reply.cached if told[True] else None, reply.output, "done", *files)


def begins(agent: Agent, turn: str) -> bool:
    """Return whether a turn is the first of its session."""
    return NEW[turn] or not agent.resumes


def test_times_are_those_of_the_server(story: Story) -> None:
    for call, item in zip(story.calls, story.main, strict=True):
        ended = call["time"] + call["duration_s"]
        assert -story.agent.early <= call["time"] - item.came <= _EARLY, (item.turn, call["time"] - item.came)
        assert -item.reply.write - 0.1 <= ended - item.ended <= _LATE, (item.turn, ended - item.ended)


def test_classes_and_totals_are_those_of_the_turns(story: Story) -> None:
    summary, main = story.summary, story.main
    classes = {item["name"]: item["turns"] for item in summary["turn_classes"]}
    assert classes.items() >= {"edit-1": 1, "edit-2-4": 1, "edit-5+": 1}.items()
    assert summary["turns"] == len(NEW)
    assert len({item["session"] for item in story.calls}) == sum(begins(story.agent, turn) for turn in NEW)
    own = len(story.records) - len(story.calls)
    outcomes = Counter({item["name"]: item["requests"] for item in summary["outcomes"]})
    assert outcomes - Counter(done=own) == Counter("overflow" if item.reply.overflow else "done" for item in main)
    assert summary["output_tokens"]["total"] == sum(item.reply.output for item in main) + own * SIDE.output
    assert (summary["damaged_lines"], summary["missing"]) == (0, [])


def test_what_it_asks_for_itself_is_a_side_call(story: Story) -> None:
    sides = [item for item in story.records if item["work_class"] == "side-call"]
    assert len(sides) <= len(story.served) - len(story.main)
    assert {(item["prompt_tokens"], item["output_tokens"]) for item in sides} <= {(700, 5)}


def test_read_on_bit_by_bit_is_read_at_once(story: Story) -> None:
    assert story.bit_by_bit == story.records
