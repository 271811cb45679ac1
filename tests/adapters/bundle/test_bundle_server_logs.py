from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from truelimit.adapters.bundle.files import BundleFiles
from truelimit.adapters.bundle.server_logs import lost_events, write_server_log
from truelimit.adapters.files.server_log import ServerLog, read_server_log
from truelimit.domain.server import EngineFailed, Event, ModelEvicted

SAMPLES = Path(__file__).parents[2] / "samples"
LOGS = sorted(SAMPLES.rglob("*.log"))


def _told(event: Event) -> dict[str, object]:
    """Return what an event tells, without paths and without an engine's own words."""
    told = {item.name: getattr(event, item.name) for item in fields(event)}
    told["where"] = re.search(r"line \d+", event.where)[0]  # type: ignore[index]
    if isinstance(event, EngineFailed | ModelEvicted):
        told.pop("text")
    if isinstance(told.get("model"), str):
        told["model"] = Path(str(told["model"])).name
    if str(told.get("path", "")).startswith("/api/blobs"):
        told["path"] = "/api/blobs"
    return {"kind": type(event).__name__, **told}


def _facts(log: ServerLog) -> dict[str, object]:
    return {
        "kind": log.kind,
        "version": log.version and log.version.value,
        "engine": log.engine,
        "address": log.address,
        "damaged": log.damaged,
        "tier": log.tier and (log.tier.default_context, log.tier.total_vram),
        "devices": [(item.library, item.name, item.description, item.total, item.available) for item in log.devices],
        "memory": log.system_memory and (log.system_memory.total, log.system_memory.free),
        "prompt cache": log.prompt_cache and log.prompt_cache.value,
        "unified": log.unified_kv and log.unified_kv.value,
        "options": log.invalid_options,
        "counts": log.counts,
    }


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.name)
def test_a_log_tells_the_same_after_it_was_written_anew(path: Path, tmp_path: Path) -> None:
    files = BundleFiles(tmp_path)
    original = write_server_log(path, "server.log", files)
    assert original is not None
    copy = read_server_log(tmp_path / "server.log")
    assert [_told(event) for event in copy.events] == [_told(event) for event in original.events]
    assert _facts(copy) == _facts(original)
    assert lost_events(original, tmp_path / "server.log") == 0
    assert (tmp_path / "server.log").stat().st_size < path.stat().st_size


def test_another_file_is_not_taken_for_a_log(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("buy milk", encoding="utf-8")
    files = BundleFiles(tmp_path / "out")
    assert write_server_log(tmp_path / "notes.txt", "server.log", files) is None
    assert files.written == []


def test_two_different_failures_stay_two(tmp_path: Path) -> None:
    line = 'time=2026-02-18T11:{minute:02}:00Z level=ERROR source=server.go:1 msg="llm predict error: {text}"'
    texts = [line.format(minute=minute, text=f"bad thing {minute}") for minute in (1, 2)]
    source = tmp_path / "server.log"
    source.write_text(texts[0] + "\n" * 60 + texts[1] + "\n", encoding="utf-8")
    write_server_log(source, "server.log", BundleFiles(tmp_path / "out"))
    assert read_server_log(source).counts["EngineFailed"] == 2
    assert read_server_log(tmp_path / "out" / "server.log").counts["EngineFailed"] == 2
