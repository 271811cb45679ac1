from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path

import pytest
import zstandard

from support.openclaw_store import build_store
from truelimit.adapters.agents.openclaw import sqlite_store
from truelimit.adapters.agents.openclaw.session_file import read_session_file
from truelimit.adapters.agents.openclaw.sessions import STORE, read_sessions
from truelimit.adapters.agents.openclaw.sqlite_store import read_store, unpacked
from truelimit.app.ports import Evidence, Places
from truelimit.domain.provenance import Basis
from truelimit.domain.session import Call, ErrorKind


def calls_of(evidence: Evidence, session: str) -> tuple[Call, ...]:
    return next(item.calls for item in evidence.sessions if item.id == session)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "agents" / "main" / STORE
    build_store(path, "timeout", "overflow", "long-session").close()
    return path


def test_times_come_from_the_trajectory_and_prompts_from_the_counters(store: Path) -> None:
    first, second = calls_of(read_store(store), "n-ollama-stall330-ts300")
    assert [round(call.seconds or 0, 1) for call in (first, second)] == [300.3, 300.1]
    assert second.prompt_tokens is not None
    assert (second.prompt_tokens.value, second.prompt_tokens.basis) == (12_840, Basis.DERIVED)
    assert second.error is not None
    assert (second.error.kind, second.error.seconds) == (ErrorKind.TIMEOUT, 300.0)


def test_the_agents_estimate_stands_at_the_call_that_it_was_made_for(store: Path) -> None:
    found = {session.id: [call.estimated_tokens for call in session.calls] for session in read_store(store).sessions}
    assert found["n-silent146760"] == [12_678]
    assert [size for size in found["n-ollama-stall330-ts300"] if size] == [12_840]
    assert found["long"] == [None, None, None], "it led to a compaction: no prompt of that size was sent"


def test_sessions_carry_their_counters(store: Path) -> None:
    long = next(session for session in read_store(store).sessions if session.id == "long")
    assert long.compaction_count is not None
    assert (long.compaction_count.value, long.compaction_entries) == (2, 2)
    assert long.context_tokens is not None
    assert (long.context_tokens.value, [round(call.seconds or 0, 1) for call in long.calls]) == (
        65_536,
        [0.3, 0.2, 0.9],
    )


def test_read_sessions_finds_the_store(store: Path, tmp_path: Path) -> None:
    evidence = read_sessions(tmp_path, Places(tmp_path, isolated=True))
    assert evidence.missing == ()
    assert evidence.examined == (f"{store}: 8 sessions, 11 calls, 0 damaged rows",)
    assert len(evidence.sessions) == 8


def test_packed_rows_read_like_plain_ones(store: Path, tmp_path: Path) -> None:
    packed = tmp_path / "packed.sqlite"
    build_store(packed, "timeout", "overflow", "long-session", pack=True).close()
    plain = [(session.id, len(session.calls)) for session in read_store(store).sessions]
    assert [(session.id, len(session.calls)) for session in read_store(packed).sessions] == plain


def test_nothing_is_written_beside_a_closed_store(tmp_path: Path) -> None:
    path = tmp_path / "w.sqlite"
    build_store(path, "timeout", wal=True).close()
    before = sorted((item.name, item.read_bytes()) for item in tmp_path.iterdir())
    assert len(read_store(path).sessions) == 1
    assert sorted((item.name, item.read_bytes()) for item in tmp_path.iterdir()) == before


def test_a_live_store_is_read_with_its_write_ahead_log(tmp_path: Path) -> None:
    path = tmp_path / "w.sqlite"
    connection = build_store(path, "timeout", wal=True)
    assert (tmp_path / "w.sqlite-wal").stat().st_size > 0
    assert len(calls_of(read_store(path), "n-ollama-stall330-ts300")) == 2
    connection.close()


def test_a_copied_store_is_read_with_its_log_and_left_alone(tmp_path: Path) -> None:
    connection = build_store(tmp_path / "w.sqlite", "timeout", wal=True)
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(tmp_path / f"w.sqlite{suffix}", bundle / f"w.sqlite{suffix}")
    connection.close()
    assert len(calls_of(read_store(bundle / "w.sqlite"), "n-ollama-stall330-ts300")) == 2
    assert sorted(item.name for item in bundle.iterdir()) == ["w.sqlite", "w.sqlite-wal"]


def test_a_log_too_large_to_copy_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_store, "LARGEST_COPY", 0)
    build_store(tmp_path / "w.sqlite", "timeout").close()
    (tmp_path / "w.sqlite-wal").write_bytes(b"x" * 100)
    evidence = read_store(tmp_path / "w.sqlite")
    assert "write-ahead log was left out" in evidence.missing[0].why
    assert len(evidence.sessions) == 1


@pytest.mark.skipif(os.name == "nt", reason="needs an exclusive lock that others may see")
def test_a_locked_store_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_store, "_LOCK_SECONDS", 0.05)
    path = tmp_path / "w.sqlite"
    connection = build_store(path, "timeout", wal=True)
    connection.execute("PRAGMA locking_mode = exclusive")
    connection.execute("BEGIN EXCLUSIVE")
    connection.execute(
        "INSERT INTO session_windows (session_id, session_key, created_at, updated_at) VALUES ('a','b',0,0)"
    )
    evidence = read_store(path)
    connection.close()
    assert evidence.sessions == ()
    assert "locked by another program" in evidence.missing[0].why


def test_a_damaged_store_keeps_what_was_read(store: Path) -> None:
    data = bytearray(store.read_bytes())
    for offset in range(len(data) // 2, len(data)):
        data[offset] = 0xFF
    store.write_bytes(data)
    evidence = read_store(store)
    assert any("damaged" in item.why or "could not be read" in item.why for item in evidence.missing)


@pytest.mark.parametrize("cut", [15, 100, 4096, 20_000])
def test_a_cut_store_is_missing_or_partly_read(store: Path, cut: int) -> None:
    store.write_bytes(store.read_bytes()[:cut])
    assert read_session_file(store).missing


def test_another_programs_database_is_missing(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "other.sqlite")
    connection.execute("CREATE TABLE session_nodes (a)")
    connection.close()
    assert "neither transcript_events" in read_store(tmp_path / "other.sqlite").missing[0].why


def test_missing_tables_and_columns_leave_the_rest(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "old.sqlite")
    connection.execute("CREATE TABLE transcript_events (session_id, seq, event_json)")
    event = '{"type":"message","timestamp":"2026-09-01T10:00:00Z","message":{"role":"assistant","usage":{"input":5}}}'
    rows = [("s", 1, event), ("s", 2, "{"), ("s", 3, None), ("s", 4, b"\xff"), (5, "x", 6.5), (None, None, event)]
    connection.executemany("INSERT INTO transcript_events VALUES (?, ?, ?)", rows)
    connection.commit()
    connection.close()
    evidence = read_store(tmp_path / "old.sqlite")
    assert {session.id: (len(session.calls), session.damaged_lines) for session in evidence.sessions} == {
        "s": (1, 3),
        "5": (0, 1),
        "None": (1, 0),
    }


def test_reading_ends_when_its_time_is_over(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_store, "_MOST_SECONDS", -1.0)
    monkeypatch.setattr(sqlite_store, "_STEPS_BETWEEN_LOOKS", 1)
    assert "gave up after" in read_store(store).missing[0].why


def test_a_view_that_never_ends_is_not_read(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "bomb.sqlite")
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT 's', i, NULL FROM n"
    connection.execute(f"CREATE VIEW transcript_events (session_id, seq, event_json) AS {numbers}")
    connection.close()
    assert "neither transcript_events" in read_store(tmp_path / "bomb.sqlite").missing[0].why


def test_a_zstd_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = zstandard.compress(b"0" * 2**22)
    assert unpacked(bomb) == b"0" * 2**22
    monkeypatch.setattr(sqlite_store, "LARGEST_VALUE", 2**21)
    assert unpacked(bomb) is None
    assert unpacked(b"no zstd") is None
    assert unpacked(None) is None
