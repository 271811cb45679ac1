"""Calls straight from what was kept are those that reading the transcript again gives; anything doubtful is read on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.kept_evidence import read_with
from truelimit.adapters.agents.openclaw import transcript_fold
from truelimit.adapters.agents.openclaw.sessions import read_transcript
from truelimit.adapters.agents.openclaw.transcript import Transcript
from truelimit.adapters.agents.openclaw.transcript_shown import show


def lines(*, failed: bool = False, timed: bool = True) -> list[str]:
    """A session of 40 turns over two apis, some answers without a model, one that failed where asked."""
    made: list[dict[str, Any]] = [{"type": "session", "version": 3, "id": "s", "timestamp": "2026-02-18T11:00:00.000Z"}]
    made.append({"type": "model_change", "provider": "ollama", "modelId": "m", "timestamp": "2026-02-18T11:00:00.001Z"})
    for number in range(40):
        time = f"2026-02-18T11:{number:02}:10.{number:03}Z"
        user = {"role": "user", "content": "hello"}
        made.append({"type": "message", "timestamp": f"2026-02-18T11:{number:02}:01.000Z", "message": user})
        answer: dict[str, Any] = {
            "role": "assistant",
            "content": [],
            "api": ("ollama", "openai-completions", "")[number % 3],
            "usage": {"input": 9000 + number, "output": number, "cacheRead": number % 2 * 100},
            "stopReason": ("stop", "toolUse", "aborted")[number % 3],
            "timestamp": 1_771_412_400_000 + 60_000 * number,
        }
        answer |= {"provider": "other", "model": "n"} if number % 5 == 0 else {}
        made.append({"type": "message", "message": answer} | ({"timestamp": time} if timed or number != 7 else {}))
    if failed:
        error = {"role": "assistant", "content": [], "stopReason": "error", "errorMessage": "Request timed out."}
        made.append({"type": "message", "timestamp": "2026-02-18T12:00:00.000Z", "message": error})
    return [json.dumps(line) + "\n" for line in made]


def written(path: Path, content: list[str]) -> Path:
    path.write_text("".join(content), encoding="utf-8")
    return path


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Note whether the calls came straight from what was kept."""
    found: list[bool] = []

    def noted(transcript: Transcript, state: Any) -> bool:
        found.append(show(transcript, state))
        return found[-1]

    monkeypatch.setattr(transcript_fold, "show", noted)
    return found


@pytest.mark.parametrize(
    ("content", "straight"),
    [
        (lines(), True),
        (lines()[:1], True),
        (lines(failed=True), False),
        (lines(timed=False), False),
    ],
    ids=["all counted", "no calls", "one failed", "one without a time"],
)
def test_the_same_calls_come_straight_from_what_was_kept(
    tmp_path: Path, shown: list[bool], content: list[str], straight: bool
) -> None:
    path = written(tmp_path / "s.jsonl", content)
    plain = read_transcript(path)
    first, _ = read_with(tmp_path / "cache", read_transcript, path)
    second, _ = read_with(tmp_path / "cache", read_transcript, path)
    assert shown == [straight]
    assert repr(plain) == repr(first) == repr(second)


def test_a_transcript_that_grew_is_read_on_and_then_comes_straight(tmp_path: Path, shown: list[bool]) -> None:
    content = lines()
    path = written(tmp_path / "s.jsonl", content[:-10])
    read_with(tmp_path / "cache", read_transcript, path)
    with path.open("a", encoding="utf-8") as file:
        file.write("".join(content[-10:]))
    grown, _ = read_with(tmp_path / "cache", read_transcript, path)
    again, _ = read_with(tmp_path / "cache", read_transcript, path)
    assert shown == [True]
    assert repr(read_transcript(path)) == repr(grown) == repr(again)


def kept_state(tmp_path: Path) -> Any:
    path = written(tmp_path / "s.jsonl", lines())
    read_with(tmp_path / "cache", read_transcript, path)
    (entry,) = (tmp_path / "cache").iterdir()
    return json.loads(entry.read_bytes().partition(b"\n")[2])["state"]


@pytest.mark.parametrize(
    "damage",
    [
        {"at": [1]},
        {"simple": []},
        {"calls": []},
        {"calls": [None] * 10},
        {"calls": [{"all": 1, "count": 10**9}] * 10},
        {"calls": [{"times": "yesterday"}] * 10},
    ],
    ids=repr,
)
def test_a_state_that_cannot_be_read_changes_nothing(tmp_path: Path, damage: dict[str, Any]) -> None:
    state = kept_state(tmp_path)
    transcript = Transcript("fresh", "somewhere")
    assert not show(transcript, state | damage)
    assert (transcript.shown, transcript.session, transcript.lines) == (None, "fresh", 0)
    assert show(transcript, state)
    assert (transcript.session, transcript.lines) == ("s", len(lines()))
