"""Machines of the user's: TOML files and objects, with our keys, flat, or with a spec sheet's columns."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truelimit.domain.machine import DeviceKind, PoolKind
from truelimit.domain.provenance import Basis
from truelimit.tables.fields import TableError
from truelimit.tables.machines import machine, machine_from_mapping
from truelimit.units import GIB, to_gb_per_s

SHEET = Path(__file__).parents[1] / "samples" / "hardware" / "hardware.csv"
OWN = """
name = "My box"
operating_systems = ["linux"]

[[accelerators]]
name = "Card of tomorrow"
vendor = "nvidia"
family = "nvidia-blackwell"
kind = "discrete"
count = 2
memory_gib = 48
bandwidth_gb_per_s = 1500
fp16_dense_tflops = 300
backends = ["cuda"]

[ram]
capacity_gib = 128
bandwidth_gb_per_s = 90

[link]
name = "PCIe 5.0 x8"
gb_per_s = 31.5
latency_us = 8
"""


def test_a_toml_of_the_user(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(OWN, encoding="utf-8")
    found = machine(str(file))
    assert (found.id, found.name, len(found.accelerators)) == ("mine", "My box", 2)
    assert [pool.kind for pool in found.pools] == [PoolKind.VRAM, PoolKind.VRAM, PoolKind.RAM]
    bandwidth = found.accelerators[0].bandwidth
    assert bandwidth is not None
    assert (to_gb_per_s(bandwidth.value), bandwidth.basis) == (1500, Basis.ASSUMED)
    assert bandwidth.where == "your file mine.toml, bandwidth_gb_per_s"
    assert found.operating_system is not None
    assert found.operating_system.value == "Linux"


def test_a_source_makes_a_number_of_the_user_specified(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(OWN.replace("count = 2", 'count = 1\nsource = "its maker"'), encoding="utf-8")
    bandwidth = machine(str(file)).accelerators[0].bandwidth
    assert bandwidth is not None
    assert bandwidth.basis is Basis.SPECIFIED
    assert bandwidth.where == "your file mine.toml, bandwidth_gb_per_s (its maker)"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("= 1500", "= 0", "accelerators: bandwidth_gb_per_s is 0; expected a number above 0"),
        ("= 1500", "= 1e6", "bandwidth_gb_per_s is 1000000.0; expected a number above 0, at most 100000"),
        ("= 48", "= -4", "memory_gib is -4"),
        ("bandwidth_gb_per_s = 1500", "bandwidth_tb_per_s = 1.5", "unknown key bandwidth_tb_per_s"),
        ("capacity_gib", "capacity_mib", "ram: unknown key capacity_mib"),
        ("gb_per_s = 31.5", "gbit_per_s = 200", "link: unknown key gbit_per_s"),
        ('"discrete"', '"fast"', "kind is 'fast'; expected one of discrete, unified, cpu"),
        ("count = 2", "count = 1e9", "count is 1000000000.0"),
        ('"linux"', '"beos"', "operating_systems has 'beos'; expected Linux, macOS, Windows"),
        ('["cuda"]', '["cuda", "cudda"]', "backends has 'cudda', which is not known; nearest: cuda"),
        (
            '"nvidia-blackwell"',
            '"nvidia-blackwall"',
            "family has 'nvidia-blackwall', which is not known; nearest: nvidia",
        ),
        ('"nvidia"', '"nvidea"', "vendor has 'nvidea', which is not known; nearest: nvidia"),
        ("[[accelerators]]", "[[accelerator]]", "unknown key accelerator; known are"),
        ("[ram]", "[ram", "not TOML"),
    ],
)
def test_what_cannot_be_is_refused_by_file_and_key(old: str, new: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    assert old in OWN
    file.write_text(OWN.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(TableError) as refused:
        machine(str(file))
    assert "mine.toml" in str(refused.value)
    assert said in str(refused.value)


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "large.toml").write_bytes(b"# " + b"x" * 2**20)
    (tmp_path / "latin.toml").write_bytes(b'name = "\xe9"')
    (tmp_path / "deep.toml").write_text("a = " + "[" * 20000, encoding="utf-8")
    (tmp_path / "bom.toml").write_bytes(b"\xef\xbb\xbf" + OWN.encode())
    for name in ("none", "folder", "large", "latin", "deep"):
        with pytest.raises(TableError, match=f"{name}.toml"):
            machine(str(tmp_path / f"{name}.toml"))
    assert machine(str(tmp_path / "bom.toml")).name == "My box"


def test_each_row_of_a_spec_sheet_gives_the_machine_of_the_table() -> None:
    with SHEET.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            own, shipped = machine_from_mapping(row), machine(row["device_id"])
            mine, theirs = own.accelerators[0], shipped.accelerators[0]
            assert (mine.id, mine.family, mine.kind, mine.backends) == (
                row["device_id"],
                theirs.family,
                theirs.kind,
                theirs.backends,
            )
            for key in ("fp16", "int8", "fp8", "fp4", "power"):
                one, other = getattr(mine, key), getattr(theirs, key)
                assert one is None or (other is not None and one.value == other.value)
            assert set(theirs.memory_options) <= set(mine.memory_options)


def test_flat_objects() -> None:
    found = machine_from_mapping({"name": "X", "memory_gib": [24, 48], "bandwidth_gb_per_s": 900, "count": 2})
    assert [pool.capacity.value for pool in found.pools] == [48 * GIB] * 2
    assert found.accelerators[0].kind is DeviceKind.DISCRETE
    assert machine_from_mapping({"id": "rtx-4090"}) == machine("rtx-4090")
    assert machine_from_mapping({"device_id": "dgx-spark-2"}) == machine("dgx-spark-2")
    two = machine_from_mapping({"id": "rtx-4090", "count": 2})
    assert [device.id for device in two.accelerators] == ["rtx-4090", "rtx-4090"]
    apple = machine_from_mapping({"vendor": "apple", "memory_gb": 64, "bandwidth_gbs": 900})
    assert apple.pools[0].kind is PoolKind.UNIFIED
    processor = machine_from_mapping({"family": "cpu-ddr5", "bandwidth_gbs": 90, "ram": {"capacity_gib": 64}})
    assert [(pool.kind, pool.capacity.value) for pool in processor.pools] == [(PoolKind.RAM, 64 * GIB)]


def test_words_of_the_table_are_taken_in_any_case_and_other_for_what_is_none(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(OWN.replace('["cuda"]', '["CUDA"]').replace('"nvidia-blackwell"', '"other"'), encoding="utf-8")
    found = machine(str(file)).accelerators[0]
    assert (found.backends, found.family) == (("cuda",), "other")


def test_gigabytes_of_memory_are_told_as_what_they_are_read_as() -> None:
    """Makers count memory in 2**30 bytes and call them GB: 24 GB are the 24 GiB that a driver reports."""
    pool = machine_from_mapping({"memory_gb": 24, "bandwidth_gbs": 900}).pools[0].capacity
    assert pool.value == 24 * GIB
    assert pool.where == "the machine given, memory_gb, read as GiB"
    plain = machine_from_mapping({"memory_gib": 24, "bandwidth_gbs": 900})
    assert plain.pools[0].capacity.where == "the machine given, memory_gib"
    assert plain.accelerators[0].bandwidth.where == "the machine given, bandwidth_gbs"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "gib"),
    [
        ("48", [48]),
        ("48 GB", [48]),
        ("48GiB", [48]),
        ("24; 48", [24, 48]),
        ("up to 64", [64]),
        ("277 HBM3e (+ x)", [277]),
    ],
)
def test_sizes_of_memory_are_read_in_the_forms_of_spec_sheets(text: str, gib: list[int]) -> None:
    found = machine_from_mapping({"memory_gb_options": text, "bandwidth_gbs": 900}).accelerators[0]
    assert found.memory_options == tuple(size * GIB for size in gib)


def test_a_price_without_a_date_is_not_kept() -> None:
    sheet = {"name": "X", "bandwidth_gbs": 900, "price_usd": "800"}
    assert machine_from_mapping(sheet).prices == ()
    (price,) = machine_from_mapping({**sheet, "price_date": "2026-09", "price_note": "used"}).prices
    assert (price.usd, price.date, price.what) == (800, "2026-09", "used")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"device_id": "x", "bandwidth_gbs": 0}, "(given as bandwidth_gbs)"),
        ({"name": "x", "bandwidth_gbs": "fast"}, "bandwidth_gb_per_s is 'fast'"),
        ({"name": "x", "bandwith_gb_per_s": 1}, "nearest: bandwidth_gb_per_s"),
        ({"name": "x", "bandwidth_gb_per_s": 1, "bandwidth_gbs": 2}, "given twice"),
        ({"id": "rtx-409"}, "nearest: rtx-4090"),
        ({"id": "rtx-409", "count": 2}, "nearest: rtx-4090"),
        ({"id": 5}, "id is 5; expected a text"),
        ({"accelerators": 5}, "accelerators"),
        ({"accelerators": [5]}, "accelerators is 5"),
        ({"name": "x", "bandwidth_gbs": 1, "prices": 5}, "prices is 5"),
        ({"memory_gib": "48000 MB", "bandwidth_gbs": 1}, "memory_gib is '48000 MB'; expected a number of GiB"),
        ({"memory_gib": "48 XB", "bandwidth_gbs": 1}, "memory_gib is '48 XB'; expected a number of GiB"),
        ({"memory_gb": "lots", "bandwidth_gbs": 1}, "memory_gb is 'lots'; expected a number of GiB"),
        ({"memory_gib": "0.5 TB", "bandwidth_gbs": 1}, "memory_gib is '0.5 TB'; expected a number of GiB"),
        ({"memory_gib": "24;x", "bandwidth_gbs": 1}, "memory_gib is '24;x'; expected a number of GiB"),
        ({}, "no accelerator is described"),
        (5, "expected a table"),
    ],
)
def test_objects_that_are_no_machine(value: Any, said: str) -> None:
    with pytest.raises(TableError) as refused:
        machine_from_mapping(value)
    assert said in str(refused.value)


KEYS = [
    "id", "name", "vendor", "family", "kind", "memory_gib", "memory_gb_options", "bandwidth_gbs", "power_w", "count",
    "ram", "link", "accelerators", "prices", "price_usd", "price_date", "sources", "source", "os", "notes", "boxes",
]  # fmt: skip
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8))
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner)
)


@settings(deadline=None, max_examples=300)
@given(st.dictionaries(st.sampled_from(KEYS), VALUES))
def test_any_object_gives_a_machine_or_says_what_is_wrong(value: dict[str, Any]) -> None:
    try:
        found = machine_from_mapping(value)
    except TableError:
        return
    assert found.accelerators
    assert all(pool.capacity.value > 0 for pool in found.pools)
