"""Logs that are cut, damaged, huge, of another encoding, or no logs at all."""

from __future__ import annotations

import os
import tracemalloc
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.server_log_text import LLAMA_LOGS, OLLAMA_LOGS, log_of, of_kind, only, slog
from truelimit.adapters.files import server_log_lines, server_log_store
from truelimit.adapters.files.server_log import read_server_log
from truelimit.domain.server import EngineFailed, PromptRefused, PromptTruncated, RequestEnded, ServerKind

CUT = slog("truncating input prompt", "limit=4096 prompt=9000 keep=4 new=4096")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 5000,
        b"Feb 18 sshd[12]: Accepted publickey\n",
        b'{"type": "message", "content": "time and tokens"}\n',
        b"GGUF\x03\0\0\0",
        b'time=2026-01-01T00:00:00Z level=INFO msg="another go program"\n',
    ],
)
def test_no_server_log(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.log"
    path.write_bytes(content)
    log = read_server_log(path)
    assert (log.kind, log.events, log.missing, log.examined) == (None, (), (), ())


def test_a_file_that_is_not_there_and_one_that_is_no_file(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.log", tmp_path):
        log = read_server_log(path)
        assert log.kind is None
        assert str(path) in log.missing[0].fact
        assert "--log" in log.missing[0].why


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_named_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.log")
    assert "regular file" in read_server_log(tmp_path / "pipe.log").missing[0].why


def test_lines_that_are_cut_are_counted(tmp_path: Path) -> None:
    log = log_of(tmp_path, CUT, CUT[:-20], slog("loading cache slot", "id=0 prompt=x used=1"), "[GIN] 2026/02/18 - 11:")
    assert only(log, PromptTruncated).prompt == 9000
    assert log.damaged == 3
    assert "3 lines" in log.missing[0].fact


def test_a_line_without_end_needs_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "long.log"
    with path.open("wb") as file:
        file.write(CUT.encode() + b"\n")
        for _ in range(24):
            file.write(b"n_tokens = x" * (1 << 16))
        file.write(b"\n" + CUT.encode() + b"\n")
    tracemalloc.start()
    log = read_server_log(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(of_kind(log, PromptTruncated)) == 2
    assert log.damaged >= 1
    assert peak < 24 * 2**20


def test_utf_16_as_powershell_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "server.log"
    path.write_text(f"{CUT}\r\n{CUT}\r\n", encoding="utf-16")
    assert path.read_bytes().startswith(b"\xff\xfe")
    log = read_server_log(path)
    assert [event.where.rpartition(" ")[2] for event in of_kind(log, PromptTruncated)] == ["1)", "2)"]


def test_windows_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "server.log"
    path.write_bytes(CUT.encode() + b"\r\n" + CUT.encode())
    assert len(of_kind(read_server_log(path), PromptTruncated)) == 2


def test_only_the_newest_events_are_kept_and_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_log_store, "KEPT", 5)
    gins = [f'[GIN] 2026/02/18 - 11:20:04 | 200 | {n}s | ::1 | POST "/api/chat"' for n in range(8)]
    log = log_of(tmp_path, CUT, *gins)
    assert [event.seconds for event in of_kind(log, RequestEnded)] == [3, 4, 5, 6, 7]
    assert log.left_out == {"RequestEnded": 3}
    assert log.counts["RequestEnded"] == 8
    assert "3 RequestEnded" in log.missing[0].fact


def test_only_the_newest_lines_of_a_group_are_read_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = tuple(replace(group, most=3) for group in server_log_lines.GROUPS)
    monkeypatch.setattr(server_log_lines, "GROUPS", small)
    gins = [f'[GIN] 2026/02/18 - 11:20:04 | 200 | {n}s | ::1 | POST "/api/chat"' for n in range(8)]
    log = log_of(tmp_path, slog("Listening on x (version 0.16.2)"), *gins, CUT)
    assert [event.seconds for event in of_kind(log, RequestEnded)] == [5, 6, 7]
    assert [event.where.rpartition(" ")[2] for event in log.events] == ["7)", "8)", "9)", "10)"]
    assert log.version is not None, "a flood of one sort washes nothing else away"
    assert log.left_out == {"access lines": 5}
    assert "5 access lines" in log.missing[0].fact


def test_debug_lines_that_tell_nothing_still_date_what_follows(tmp_path: Path) -> None:
    noise = slog("evaluating", time="2026-02-18T12:00:00.000-08:00", level="DEBUG")
    log = log_of(tmp_path, CUT, noise, "load_tensors: offloaded 40/49 layers to GPU", noise, "GGML_ASSERT(x) failed")
    assert of_kind(log, EngineFailed)[0].time == datetime(2026, 2, 18, 12, tzinfo=timezone(timedelta(hours=-8)))
    assert of_kind(log, EngineFailed)[0].where.endswith("(line 5)")


@pytest.mark.parametrize("block", [64, 1000, 1 << 14])
def test_the_size_of_a_block_changes_nothing(block: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sample = OLLAMA_LOGS / "era_c_0.33.0_composed.log"
    whole = read_server_log(sample)
    copy = tmp_path / "copy.log"
    copy.write_bytes(sample.read_bytes())
    monkeypatch.setattr(server_log_lines, "BLOCK", block)
    again = read_server_log(copy)
    if block >= 1000:
        assert again.counts == whole.counts
        assert [str(event).replace(str(copy), "") for event in again.events] == [
            str(event).replace(str(sample), "") for event in whole.events
        ]
    else:
        assert again.kind is ServerKind.OLLAMA


def test_numbers_beyond_reason_do_no_harm(tmp_path: Path) -> None:
    many = "9" * 5000
    log = log_of(
        tmp_path,
        CUT,
        CUT.replace("9000", many),
        f"srv send_error: task id = 1, error: request ({many} tokens) exceeds the available context size (1 tokens)",
        f'[GIN] 2026/02/18 - 11:20:04 | 200 | {many}h | ::1 | POST "/api/chat"',
        f"slot print_timing: id  0 | task 0 | prompt eval time = {'9' * 400}.0 ms / 1 tokens",
        slog("requested context size too large for model", "num_ctx=1e9 n_ctx_train=2"),
    )
    assert of_kind(log, PromptRefused) == []
    assert log.damaged >= 3


SAMPLES = [*sorted(LLAMA_LOGS.glob("*.log")), *sorted(OLLAMA_LOGS.glob("*.log"))]


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_damage_anywhere_never_raises(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    content = bytearray(data.draw(st.sampled_from(SAMPLES)).read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(content) - 1))
        end = data.draw(st.integers(at, min(len(content), at + 400)))
        content[at:end] = data.draw(st.binary(max_size=60))
    path = tmp_path_factory.mktemp("damage") / "server.log"
    path.write_bytes(content)
    log = read_server_log(path)
    assert log.damaged >= 0
    repr(log)
