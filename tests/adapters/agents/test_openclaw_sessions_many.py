"""sessions.json is read entry by entry: as a whole reading would, and of very many sessions only those that count."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truelimit.adapters.agents.openclaw import sessions_json
from truelimit.adapters.agents.openclaw.sessions import read_sessions
from truelimit.adapters.agents.openclaw.sessions_json import _entries, read_sessions_json
from truelimit.app.ports import Places

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def entry(number: int) -> dict[str, object]:
    return {"sessionId": f"s{number}", "updatedAt": 1_771_410_000_000 + number, "compactionCount": 0, "totalTokens": 9}


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=5), JSON, max_size=5), st.sampled_from([None, 2]))
def test_entries_are_those_of_the_whole_object(value: dict[str, object], indent: int | None) -> None:
    text = f" {json.dumps(value, indent=indent)}\n"
    assert dict(_entries(text)) == value


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=5), JSON, max_size=3), st.text(max_size=3), st.integers(0, 60))
def test_what_is_no_object_is_refused(value: dict[str, object], noise: str, at: int) -> None:
    whole = json.dumps(value)
    text = whole[:at] + noise + whole[at + 1 :]
    try:
        parsed = json.loads(text)
    except ValueError:
        parsed = None
    if isinstance(parsed, dict):
        assert dict(_entries(text)) == parsed
    else:
        with pytest.raises(ValueError):
            list(_entries(text))


def test_of_sessions_without_a_transcript_the_newest_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions_json, "MOST_ALONE", 3)
    path = tmp_path / "sessions.json"
    path.write_text(json.dumps({f"k{number}": entry(number) for number in (5, 1, 9, 0, 7, 3, 8, 2)}), encoding="utf-8")
    found = read_sessions_json(path, {"s0"})
    assert sorted(found.counters) == ["s0", "s7", "s8", "s9"]
    assert found.sessions == 8
    assert [(item.fact, item.why) for item in found.missing] == [
        ("4 older session counters", f"{path}: of the sessions without a transcript only the newest 3 are looked at")
    ]


def test_sessions_of_one_time_stay_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions_json, "MOST_ALONE", 3)
    path = tmp_path / "sessions.json"
    entries = {f"k{number}": {"sessionId": f"s{number}"} for number in range(20)}
    path.write_text(json.dumps(entries), encoding="utf-8")
    found = read_sessions_json(path)
    assert (len(found.counters), found.sessions) == (3, 20)


def test_counters_of_a_session_that_its_file_names_otherwise_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions_json, "MOST_ALONE", 1)
    folder = tmp_path / "agents" / "main" / "sessions"
    folder.mkdir(parents=True)
    header = {"type": "session", "version": 3, "id": "s0", "timestamp": "2026-02-18T11:15:00.000Z"}
    (folder / "of-another-name.jsonl").write_text(json.dumps(header) + "\n", encoding="utf-8")
    entries = {f"k{number}": entry(number) for number in range(9)}
    (folder / "sessions.json").write_text(json.dumps(entries), encoding="utf-8")
    evidence = read_sessions(tmp_path, Places(tmp_path, isolated=True))
    assert {session.id: session.total_tokens is not None for session in evidence.sessions} == {"s0": True, "s8": True}
    assert f"{folder / 'sessions.json'}: 9 entries" in evidence.examined
