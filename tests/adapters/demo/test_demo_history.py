"""The weeks before the incident: in the form that OpenClaw writes, on one server, at rates that the doctor knows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from truelimit.adapters.demo import pace
from truelimit.adapters.demo.stage import stage
from truelimit.app.doctor import views
from truelimit.app.examine import Given
from truelimit.app.ports import Places
from truelimit.cli.wiring import gather
from truelimit.domain.session import Outcome
from truelimit.perf.prefill import prefill_seconds
from truelimit.tables.loader import published_rates

SAMPLE = Path(__file__).parents[2] / "samples" / "openclaw" / "2026.2.17" / "session-tool-calls.jsonl"
INCIDENT = "20260218-refactor"
COMPACTS_AT = 131_072 - 20_000  # the agent's window less its reserve: beyond it OpenClaw compacts
Entry = dict[str, Any]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    stage(folder)
    return folder


def transcripts(home: Path) -> dict[str, list[Entry]]:
    found = {}
    for path in sorted((home / ".openclaw" / "agents").rglob("*.jsonl")):
        if path.stem != INCIDENT:
            found[path.stem] = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return found


def kind(entry: Entry) -> str:
    """What a line is, as far as its form depends on it: its type, its role, the tools that it has to do with."""
    message = entry.get("message", {})
    tools = sorted({part["name"] for part in message.get("content", ()) if part["type"] == "toolCall"})
    return " ".join([entry["type"], message.get("role", ""), message.get("toolName", ""), *tools])


def form(value: object) -> object:
    """Keys in their order, and the types of values; of a list, what its first item is."""
    if isinstance(value, dict):
        return {key: form(item) for key, item in value.items()}, list(value)
    if isinstance(value, list):
        return [form(item) for item in value[:1]]
    return "text or none" if value is None or isinstance(value, str) else type(value).__name__


def when(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def answers(home: Path) -> Iterator[tuple[str, float, float, Entry]]:
    """Every call: its conversation, when it was asked (ms are kept) and answered, its message."""
    for name, entries in transcripts(home).items():
        for entry in entries:
            message = entry.get("message", {})
            if message.get("role") == "assistant":
                yield name, message["timestamp"] / 1000, when(entry["timestamp"]), message


def test_each_line_has_the_form_of_a_recorded_one(home: Path) -> None:
    recorded = {kind(item): form(item) for item in map(json.loads, SAMPLE.read_text(encoding="utf-8").splitlines())}
    seen = set()
    for entries in transcripts(home).values():
        for entry in entries:
            assert form(entry) == recorded[kind(entry)], kind(entry)
            seen.add(kind(entry))
    assert seen >= {"message assistant  edit", "message assistant  read", "message toolResult exec", "message user "}


def test_the_entries_hang_together_and_time_goes_on(home: Path) -> None:
    ids: set[str] = set()
    for name, (header, *entries) in transcripts(home).items():
        assert header["id"] == name
        assert [item["parentId"] for item in entries] == [None, *(item["id"] for item in entries[:-1])]
        stamps = [when(item["timestamp"]) for item in (header, *entries)]
        assert stamps == sorted(stamps)
        assert not ids & {item["id"] for item in entries}
        ids |= {item["id"] for item in entries}


def test_every_tool_call_has_its_result(home: Path) -> None:
    for entries in transcripts(home).values():
        messages = [item["message"] for item in entries if item["type"] == "message"]
        asked = [part["id"] for item in messages for part in item["content"] if part["type"] == "toolCall"]
        assert asked == [item["toolCallId"] for item in messages if item["role"] == "toolResult"]
        assert [item["stopReason"] for item in messages if item["role"] == "assistant"][-1] == "stop"


def test_one_server_answers_one_at_a_time_and_nothing_is_compacted(home: Path) -> None:
    calls = sorted((began, ended, message["usage"]["input"]) for _, began, ended, message in answers(home))
    for (_, ended, _), (began, _, _) in pairwise(calls):
        assert began >= ended - 0.01
    assert max(prompt for _, _, prompt in calls) < COMPACTS_AT
    assert datetime.fromtimestamp(calls[-1][1], UTC).date() < date(2026, 2, 18), "the log of that day has none of them"


def test_seconds_are_those_of_the_rates(home: Path) -> None:
    """Done again from the lines alone: what was cached, whether the model was unloaded, reading and writing."""
    until, held = float("-inf"), ("", 0)
    for name, began, ended, message in sorted(answers(home), key=lambda item: item[1]):
        prompt, output = message["usage"]["input"], message["usage"]["output"]
        unloaded = began - until > 300.005
        cached = held[1] if held[0] == name and not unloaded else 0
        new = prompt - cached
        read = pace.A * new + pace.B * (cached * new + new**2 / 2)
        work = read + pace.C * output + pace.D * (prompt * output + output**2 / 2)
        took = ended - began - (6.5 if unloaded else 0.0)
        assert 0.94 * work - 0.01 <= took <= 1.08 * work + 0.01, (name, began)
        until, held = ended, (name, prompt + output)


def test_the_rates_are_those_that_the_doctor_knows_of_this_machine(home: Path) -> None:
    given = Given(published=published_rates(), live=False)
    (seen,) = views(gather(Places(home=home, isolated=True, environment={}), given, 1.0))
    assert seen.prefill is not None
    for prompt in (10_000, 60_000):
        assert prefill_seconds(seen.prefill, prompt) == pytest.approx(pace.A * prompt + pace.B * prompt**2 / 2, rel=0.2)
    assert "published" in seen.prefill.where, "conversations open with prompts of one size: they tell no depth"
    assert [call.outcome for call in seen.calls].count(Outcome.DONE) == len(seen.calls) - 1
    assert len(seen.incidents) == 1


def test_it_is_the_same_each_time(home: Path, tmp_path: Path) -> None:
    stage(tmp_path)

    def told(folder: Path) -> dict[str, str]:
        escaped = json.dumps(str(folder))[1:-1]
        files = (path for path in folder.rglob("*") if path.is_file() and path.suffix in {".json", ".jsonl"})
        return {
            str(path.relative_to(folder)): path.read_text(encoding="utf-8").replace(escaped, "HOME") for path in files
        }

    assert told(tmp_path) == told(home)
