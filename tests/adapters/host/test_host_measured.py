"""The probe of bandwidth and matrix rate: its bounds, its file, what it does without numpy."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from truelimit.adapters.host import measured, probe
from truelimit.adapters.host.measured import keep, kept, last_cache, take
from truelimit.adapters.host.probe import ProbeError, array_bytes, measure
from truelimit.adapters.host.sources import Memory, Sources
from truelimit.app.measurement import ARRAYS, Measurement
from truelimit.units import GIB, KIB, MIB, Bytes, BytesPerSecond, OperationsPerSecond

ITEM = Measurement(
    "Processor",
    Bytes(64 * GIB),
    "2026-11-25",
    8,
    Bytes(GIB),
    BytesPerSecond(6e10),
    BytesPerSecond(5e10),
    OperationsPerSecond(1e12),
    Bytes(32 * MIB),
)


def test_a_run_is_bounded_and_tells_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numpy")
    monkeypatch.setattr(probe, "_SIDE", 64)
    told: list[tuple[str, float]] = []
    found = measure(free=128 * MIB, cache=MIB, threads=2, progress=lambda *at: told.append(at), seconds=0.1)
    assert 0 < ARRAYS * found.array <= 32 * MIB
    assert min(found.read, found.add, found.matrix) > 1e6
    assert [share for _, share in told] == [0.0, 0.25, 0.5, 0.75, 1.0]


@pytest.mark.parametrize(
    ("free", "cache", "size"),
    [
        (64 * GIB, 32 * MIB, 128 * MIB),
        (64 * GIB, None, 256 * MIB),
        (64 * GIB, 2 * GIB, GIB),
        (64 * GIB, KIB, 8 * MIB),
        (768 * MIB, 64 * MIB, 64 * MIB),
    ],
)
def test_arrays_are_four_times_the_cache_within_a_quarter_of_free_memory(
    free: int, cache: int | None, size: int
) -> None:
    assert array_bytes(free, cache) == size


def test_too_little_memory_is_said() -> None:
    with pytest.raises(ProbeError, match="only 50 MiB of memory are free; measuring needs 96"):
        array_bytes(50 * MIB, None)


def test_without_numpy_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numpy", None)
    with pytest.raises(ProbeError, match=r"needs numpy.*truelimit\[measure\]"):
        measure(GIB, None, 1, lambda *_: None, 0.1)


def test_the_file_gives_back_what_was_measured(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    assert kept(folder) is None
    file = keep(ITEM, folder)
    assert kept(folder) == ITEM
    keep(replace(ITEM, threads=4, cache=None), folder)
    assert kept(folder) == replace(ITEM, threads=4, cache=None)
    assert list(folder.iterdir()) == [file]


@pytest.mark.parametrize(
    "change",
    [
        {"read": 0},
        {"read": None},
        {"read": 1e99},
        {"memory": "64"},
        {"schema": "other"},
        {"threads": True},
        {"cache": -1},
    ],
)
def test_a_file_that_makes_no_sense_is_none(change: dict[str, object], tmp_path: Path) -> None:
    file = keep(ITEM, tmp_path)
    file.write_text(json.dumps({**json.loads(file.read_text(encoding="utf-8")), **change}), encoding="utf-8")
    assert kept(tmp_path) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'"x"', b"[" * 100_000])
def test_a_damaged_file_is_none(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "machine.json").write_bytes(content)
    assert kept(tmp_path) is None


def test_the_last_cache_of_linux(tmp_path: Path) -> None:
    assert last_cache(tmp_path) is None
    for index, text in enumerate(("48K", "2048K", "260M", "many")):
        folder = tmp_path / f"sys/devices/system/cpu/cpu0/cache/index{index}"
        folder.mkdir(parents=True)
        (folder / "size").write_text(text + "\n")
    assert last_cache(tmp_path) == 260 * MIB


def test_what_is_taken_says_which_machine_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rates = probe.Rates(Bytes(GIB), BytesPerSecond(6e10), BytesPerSecond(5e10), OperationsPerSecond(1e12))
    monkeypatch.setattr(measured, "measure", lambda *_: rates)
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text("model name : AMD EPYC 9355\n")
    host = Sources("Linux", "6", "", lambda: Memory(64 * GIB, GIB, 0), lambda: (), lambda _: None, tmp_path)
    found = take(lambda *_: None, host)
    assert (found.processor, found.memory, found.read) == ("AMD EPYC 9355", 64 * GIB, 6e10)
    assert found.threads >= 1
