"""A second run keeps to what the first one found, unless the user says that nothing is to be kept."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from support.damage import run
from support.homes import HOMES
from truelimit.adapters.files import server_log
from truelimit.adapters.store import evidence_cache, evidence_headers
from truelimit.cli import collect as cli_collect
from truelimit.cli import doctor as cli_doctor

TRANSCRIPT = ".openclaw/agents/main/sessions/20260218-refactor.jsonl"


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRUELIMIT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(evidence_cache.EvidenceCache.__init__, "__defaults__", (1 << 20, 0, False))
    return tmp_path / "data" / "evidence"


def doctor(home: Path, *more: str) -> str:
    server_log._read_once.cache_clear()
    _, out, _ = run("doctor", "--home", str(home), "--json", *more, seconds=60)
    return out


def test_a_second_run_says_the_same_and_so_does_one_that_keeps_nothing(tmp_path: Path, kept: Path) -> None:
    home = tmp_path / "home"
    HOMES["demo"].arguments(home)
    plain = doctor(home, "--no-cache")
    assert not kept.exists()
    assert doctor(home) == plain
    entries = {entry.name for entry in kept.iterdir()}
    assert len(entries) >= 2
    assert doctor(home) == plain
    assert {entry.name for entry in kept.iterdir()} == entries


def test_what_was_added_since_is_seen(tmp_path: Path, kept: Path) -> None:
    home = tmp_path / "home"
    HOMES["demo"].arguments(home)
    doctor(home)
    assert kept.exists()
    with (home / TRANSCRIPT).open("ab") as file:
        file.write((home / TRANSCRIPT).read_bytes())
    added = doctor(home)
    assert added == doctor(home, "--no-cache")


def test_only_the_data_folder_is_written(tmp_path: Path, kept: Path) -> None:
    home = tmp_path / "home"
    HOMES["demo"].arguments(home)
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*")}
    doctor(home)
    assert kept.exists()
    assert {path: path.stat().st_mtime_ns for path in home.rglob("*")} == before


def test_only_verbs_that_keep_something_offer_to_keep_nothing() -> None:
    assert "--no-cache" in cli_doctor._parser().format_help()
    assert "--home" in cli_collect._parser().format_help()
    assert "--no-cache" not in cli_collect._parser().format_help()


def test_headers_of_models_are_kept_too(tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    HOMES["demo"].arguments(home)
    first = doctor(home)
    monkeypatch.setattr(evidence_headers, "read_header", lambda path: pytest.fail(f"{path} is read again"))
    assert doctor(home) == first


def test_the_garbage_collection_of_a_program_that_calls_this_one_is_left_alone(tmp_path: Path, kept: Path) -> None:
    before = gc.get_threshold(), gc.get_freeze_count()
    HOMES["demo"].arguments(tmp_path / "home")
    assert doctor(tmp_path / "home")
    assert (gc.get_threshold(), gc.get_freeze_count()) == before
