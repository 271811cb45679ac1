from __future__ import annotations

import copy
import io
import json
import os
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from truelimit.adapters.agents.openclaw import transcript_lines
from truelimit.adapters.agents.openclaw.log_lines import read_log_file
from truelimit.adapters.agents.openclaw.session_counters import counters_of
from truelimit.adapters.agents.openclaw.session_file import read_session_file
from truelimit.adapters.agents.openclaw.sessions import read_sessions
from truelimit.adapters.agents.openclaw.trajectory import Trajectory
from truelimit.adapters.agents.openclaw.transcript import Transcript
from truelimit.adapters.agents.openclaw.transcript_lines import Damaged, Input, entry_of
from truelimit.adapters.agents.openclaw.transcript_reading import entries
from truelimit.app.ports import Places

SAMPLES = Path(__file__).parents[2] / "samples" / "openclaw"
LINES = [
    line for path in sorted(SAMPLES.glob("*/*.jsonl")) for line in path.read_bytes().splitlines() if len(line) < 6000
]
VALUES = [json.loads(line) for line in LINES]
SETTINGS = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.just([[]]),
    st.just({"text": {"text": []}}),
)


@st.composite
def mutated_values(draw: st.DrawFn) -> object:
    """A sample line with some values replaced by junk, at any depth."""
    value = json.loads(json.dumps(draw(st.sampled_from(VALUES))))
    for _ in range(draw(st.integers(1, 4))):
        node = value
        while isinstance(node, dict | list) and node:
            keys = sorted(node) if isinstance(node, dict) else list(range(len(node)))
            key = draw(st.sampled_from(keys))
            if draw(st.booleans()) or not isinstance(node[key], dict | list):
                node[key] = copy.deepcopy(draw(JUNK))
                break
            node = node[key]
    return value


@st.composite
def mutated_bytes(draw: st.DrawFn) -> bytes:
    """Some sample lines, cut, doubled, or with bytes replaced."""
    data = b"\n".join(draw(st.lists(st.sampled_from(LINES), min_size=1, max_size=5)))
    start = draw(st.integers(0, len(data)))
    noise = draw(st.binary(max_size=20))
    return data[:start] + noise + data[start + draw(st.integers(0, 200)) :]


@SETTINGS
@given(st.lists(mutated_values(), max_size=6))
def test_values_of_wrong_types_never_raise(values: list[object]) -> None:
    transcript, trajectory = Transcript("s", "w"), Trajectory()
    for value in values:
        event = value.get("event", value) if isinstance(value, dict) else value
        transcript.feed(entry_of(event), "w")
        trajectory.feed(event, "w")
        counters = counters_of("k", value, "w")
        transcript.finish(counters)


@SETTINGS
@given(mutated_bytes())
def test_damaged_files_never_raise(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "f"
    path.write_bytes(data)
    for evidence in (read_session_file(path), read_log_file(path)):
        for session in evidence.sessions:
            assert all(call.seconds is None or call.seconds >= 0 for call in session.calls)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "it is empty"),
        (b"\n\n", "it is empty"),
        (b"\x00\xff\xfe garbage\n\x80", "none of its 2 lines"),
        (b'{"type":"mess', "none of its 1 lines"),
        (b"[" * 100_000, "neither a transcript nor session counters"),
        (b"{\n", "neither a transcript nor session counters"),
        (b'{"a":' * 50_000, "none of its 1 lines"),
        (b"SQLite format 3\x00 and no more", "not a SQLite database"),
        (b'{"session_id": "s", "event": 5}\n', "1 damaged rows"),
    ],
)
def test_hostile_files_are_reported_missing(tmp_path: Path, data: bytes, why: str) -> None:
    (tmp_path / "f.jsonl").write_bytes(data)
    missing = read_session_file(tmp_path / "f.jsonl").missing
    assert any(why in item.why for item in missing), missing


def test_a_half_written_last_line_is_counted_and_the_rest_kept(tmp_path: Path) -> None:
    sample = (SAMPLES / "2026.2.17" / "session-grows-past-window-no-compaction.jsonl").read_bytes()
    (tmp_path / "f.jsonl").write_bytes(sample[:-100])
    evidence = read_session_file(tmp_path / "f.jsonl")
    (session,) = evidence.sessions
    assert (len(session.calls), session.damaged_lines) == (4, 1)
    assert "1 damaged" in evidence.examined[0]


def test_the_call_after_a_damaged_line_has_no_start(tmp_path: Path) -> None:
    lines = (SAMPLES / "2026.2.17" / "session-native-ollama-4x300s-fetch-failed.jsonl").read_bytes().splitlines()
    lines[6] = b"\xff" + lines[6]
    (tmp_path / "f.jsonl").write_bytes(b"\n".join(lines))
    (session,) = read_session_file(tmp_path / "f.jsonl").sessions
    assert [call.seconds is None for call in session.calls] == [False, True, False]


HUGE = (
    b'{"type":"message","id":"a","parentId":null,"timestamp":"2026-02-18T10:00:00Z","message":{"role":"%s","content":"'
)


def test_a_line_without_end_is_never_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcript_lines, "LONGEST_LINE", 2**20)
    path = tmp_path / "f.jsonl"
    with path.open("wb") as stream:
        for role in (b"toolResult", b"assistant"):
            stream.write(HUGE % role)
            for _ in range(20):
                stream.write(b"x" * 2**20)
            stream.write(b'"}}\n')
    tracemalloc.start()
    with path.open("rb") as stream:
        tool, assistant = (entry for _, entry in entries(stream))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(tool, Input)
    assert not tool.exact
    assert isinstance(assistant, Damaged)
    assert peak < 6 * 2**20


def test_offsets_survive_long_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcript_lines, "LONGEST_LINE", 8)
    data = b"1234\n" + b"y" * 30 + b"\n56\n" + b"1234567\n" + b"tail"
    lines = list(transcript_lines.read_lines(io.BytesIO(data)))
    assert [(offset, length, whole) for offset, length, _, whole in lines] == [
        (0, 5, True),
        (5, 31, False),
        (36, 3, True),
        (39, 8, True),
        (47, 4, True),
    ]


@pytest.mark.skipif(os.name == "nt" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="needs file modes")
def test_unreadable_files_are_missing(tmp_path: Path) -> None:
    folder = tmp_path / "agents" / "main" / "sessions"
    folder.mkdir(parents=True)
    (folder / "s.jsonl").write_bytes(LINES[0])
    (folder / "s.jsonl").chmod(0)
    missing = read_sessions(tmp_path, Places(tmp_path, isolated=True)).missing
    assert "Permission denied" in missing[0].why


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 5}', '{"a": {"sessionId": 5}}', "\x00"])
def test_damaged_counters_are_missing_and_transcripts_stay(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "agents" / "main" / "sessions"
    folder.mkdir(parents=True)
    sample = SAMPLES / "2026.2.17" / "session-usage-above-window.jsonl"
    (folder / "s.jsonl").write_bytes(sample.read_bytes())
    (folder / "sessions.json").write_text(text, encoding="utf-8")
    evidence = read_sessions(tmp_path, Places(tmp_path, isolated=True))
    assert evidence.missing[0].fact == "session counters"
    assert [len(session.calls) for session in evidence.sessions] == [1]
