"""What is kept of large files: only where it holds, within its bound, whatever happens to it."""

from __future__ import annotations

import json
import os
import threading
from collections import deque
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from pprint import pformat

import pytest

from support.kept_evidence import Watched
from support.pseudo import PSEUDO
from truelimit.adapters.store import evidence_cache
from truelimit.adapters.store.evidence_cache import EvidenceCache, active, using
from truelimit.adapters.store.evidence_codec import Codec, CodecError
from truelimit.domain.message import capital, counted, said
from truelimit.domain.provenance import Basis
from truelimit.domain.session import CallError, ErrorKind

STATE = {"calls": [1, 2, 3]}


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    path = tmp_path / "server.log"
    path.write_bytes(b"a line\n" * 30_000)
    return path


@pytest.fixture
def cache(tmp_path: Path) -> Watched:
    return Watched(tmp_path / "cache")


def keep(cache: EvidenceCache, path: Path, state: object = STATE) -> None:
    cache.keep("log", path, path.stat(), path.stat().st_size, state)


def test_an_unchanged_file_is_found_again(cache: Watched, evidence: Path) -> None:
    keep(cache, evidence)
    kept = cache.find("log", evidence, evidence.stat())
    assert kept is not None
    assert (kept.state, kept.offset, kept.is_same) == (STATE, 210_000, True)
    assert cache.find("transcript", evidence, evidence.stat()) is None


def test_a_file_that_grew_is_read_on(cache: Watched, evidence: Path) -> None:
    keep(cache, evidence)
    with evidence.open("ab") as file:
        file.write(b"more\n")
    kept = cache.find("log", evidence, evidence.stat())
    assert kept is not None
    assert (kept.offset, kept.is_same) == (210_000, False)


@pytest.mark.parametrize("at", [0, 209_990], ids=["head", "last block"])
def test_a_file_that_was_written_anew_is_read_whole(cache: Watched, evidence: Path, at: int) -> None:
    keep(cache, evidence)
    content = bytearray(evidence.read_bytes())
    content[at] = ord("b")
    with evidence.open("r+b") as file:
        file.write(content + b"more\n")
    assert cache.find("log", evidence, evidence.stat()) is None


def test_a_file_that_shrank_or_was_replaced_is_read_whole(cache: Watched, evidence: Path) -> None:
    keep(cache, evidence)
    other = evidence.with_name("other")
    other.write_bytes(evidence.read_bytes() + b"more\n")
    other.replace(evidence)
    assert cache.find("log", evidence, evidence.stat()) is None
    keep(cache, evidence)
    evidence.write_bytes(evidence.read_bytes()[:-1000])
    assert cache.find("log", evidence, evidence.stat()) is None


def test_a_change_of_the_same_size_is_seen_by_its_time(cache: Watched, evidence: Path) -> None:
    keep(cache, evidence)
    status = evidence.stat()
    os.utime(evidence, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000))
    assert cache.find("log", evidence, evidence.stat()) is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data.replace(b"[1,2,3]", b"[1,2,4]"),
        lambda data: b"",
        lambda data: b"something else entirely\n{}",
        lambda data: data.replace(b" evidence 1 ", b" evidence 2 "),
        lambda data: b"\x80\x04K\x01." + data,
    ],
)
def test_a_damaged_or_foreign_entry_is_as_if_not_there_and_is_written_again(
    cache: Watched, evidence: Path, damage: object
) -> None:
    keep(cache, evidence)
    (entry,) = cache.folder.iterdir()
    entry.write_bytes(damage(entry.read_bytes()))  # type: ignore[operator]
    assert cache.find("log", evidence, evidence.stat()) is None
    keep(cache, evidence)
    assert cache.find("log", evidence, evidence.stat()) is not None


def test_entries_of_other_readers_do_not_count(cache: Watched, evidence: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(cache, evidence)
    monkeypatch.setattr(evidence_cache, "_parsers", lambda: "others")
    assert cache.find("log", evidence, evidence.stat()) is None


def test_small_files_are_not_kept(tmp_path: Path, evidence: Path) -> None:
    cache = EvidenceCache(tmp_path / "cache")
    keep(cache, evidence)
    assert not cache.folder.exists()


def test_the_entries_not_used_for_longest_go_first(tmp_path: Path) -> None:
    cache = Watched(tmp_path / "cache", most=3000)
    files = [tmp_path / f"{number}.log" for number in range(4)]
    for age, path in enumerate(files):
        path.write_bytes(b"x" * 100)
        keep(cache, path, "y" * 900)
        for entry in cache.folder.iterdir():
            os.utime(entry, ns=(0, entry.stat().st_mtime_ns - 10**9 * (4 - age)))
    assert cache.find("log", files[0], files[0].stat()) is not None
    cache.trim()
    found = [cache.find("log", path, path.stat()) is not None for path in files]
    assert found == [True, False, False, True]
    assert sum(entry.stat().st_size for entry in cache.folder.iterdir()) <= 3000


def test_an_entry_that_is_too_large_is_not_written(tmp_path: Path, evidence: Path) -> None:
    cache = Watched(tmp_path / "cache", most=1000)
    keep(cache, evidence, "y" * 2000)
    assert cache.find("log", evidence, evidence.stat()) is None


def test_a_folder_that_cannot_be_written_is_no_trouble(tmp_path: Path, evidence: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    cache = Watched(tmp_path / "file" / "cache")
    keep(cache, evidence)
    assert cache.find("log", evidence, evidence.stat()) is None
    cache.trim()


def test_runs_at_the_same_time_leave_whole_entries(cache: Watched, evidence: Path) -> None:
    def run(number: int) -> None:
        for _ in range(20):
            keep(cache, evidence, [number] * 5000)
            kept = EvidenceCache(cache.folder, least_file=0).find("log", evidence, evidence.stat())
            assert kept is None or len(set(kept.state)) == 1

    threads = [threading.Thread(target=run, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cache.find("log", evidence, evidence.stat()) is not None
    assert len(list(cache.folder.iterdir())) == 1


def test_only_the_time_that_asks_for_it_has_a_cache(cache: Watched) -> None:
    assert active() is None
    with using(cache):
        assert active() is cache
        with using(None):
            assert active() is None
    assert active() is None


VALUES = [
    None,
    True,
    1.5,
    "text",
    datetime(2026, 2, 18, 11, 15, 4, 123456, UTC),
    datetime(2026, 2, 18, 11, 15, 4, tzinfo=timezone(timedelta(hours=-8))),
    datetime(1, 1, 1, tzinfo=UTC),
    timedelta(hours=5, minutes=30),
    (1, ("a", [2])),
    {"key": {1: 2}},
    {"a", "b"},
    deque([1, 2]),
    ErrorKind.OVERFLOW,
    CallError(ErrorKind.TIMEOUT, "timed out", seconds=300.0),
]


@pytest.mark.parametrize("value", VALUES, ids=pformat)
def test_a_value_comes_back_as_it_was(value: object) -> None:
    codec = Codec(CallError, ErrorKind)
    # pformat and not repr: it writes a set in order, whatever seed hashes its members.
    for back in (
        codec.decode(json.loads(json.dumps(codec.encode(value)))),
        codec.made_column(json.loads(json.dumps(codec.column([value, value]))))[1],
    ):
        assert (back, type(back), pformat(back)) == (value, type(value), pformat(value))


def test_columns_keep_each_type_apart() -> None:
    codec = Codec(ErrorKind)
    values = [1, True, 1.0, "1", None, ErrorKind.OTHER, "other", datetime(2026, 1, 1, tzinfo=UTC)]
    assert [repr(item) for item in codec.made_column(codec.column(values))] == [repr(item) for item in values]


def test_times_of_different_zones_come_back() -> None:
    codec = Codec()
    zones = [UTC, timezone(timedelta(hours=1)), timezone(timedelta(minutes=-210))]
    times = [datetime(2026, 3, 29, 3, 0, tzinfo=zone) for zone in zones] + [None]
    assert [repr(time) for time in codec.made_column(codec.column(times))] == [repr(time) for time in times]


def test_only_known_classes_are_written_and_made() -> None:
    with pytest.raises(CodecError):
        Codec().encode(CallError(ErrorKind.OTHER, ""))
    for form in ({"class": "Path", "is": ["/etc"]}, {"enum": "ErrorKind", "is": "other"}, {"what": 1}):
        with pytest.raises(CodecError):
            Codec(CallError).decode(form)


def test_a_message_can_still_be_told_when_it_comes_back() -> None:
    inner = counted("{count} slot", "{count} slots", 2000)
    kept = capital(said("{slots} of {kind}: {size:,.1f} {at}", slots=inner, kind=Basis.DERIVED, size=1234.5, at="a b"))
    again = Codec().decode(json.loads(json.dumps(Codec().encode(kept))))
    assert again == kept == "2,000 slots of derived: 1,234.5 a b"
    assert PSEUDO.told(again) == PSEUDO.told(kept)
    assert PSEUDO.told(again).startswith("2.000 ")
