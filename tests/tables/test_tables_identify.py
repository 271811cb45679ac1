"""Names that drivers, processors and logs print lead to the accelerators of the table."""

from __future__ import annotations

import pytest

from truelimit.domain.machine import UNKNOWN_MACHINE, Accelerator, DeviceKind, Machine, MemoryPool, PoolKind
from truelimit.domain.provenance import Basis, Known
from truelimit.tables import files
from truelimit.tables.accelerators import accelerator_names
from truelimit.tables.identify import accelerator_id, identified
from truelimit.units import GIB, Bytes

NAMES = [
    ("NVIDIA GeForce RTX 4090", 24, "rtx-4090"),
    ("NVIDIA GeForce RTX 4090 Laptop GPU", 16, "rtx-4090-laptop"),
    ("NVIDIA GeForce RTX 4090 D", 24, "rtx-4090d"),
    ("NVIDIA GeForce RTX 3060", 12, "rtx-3060-12"),
    ("NVIDIA GeForce RTX 3060", 8, None),
    ("NVIDIA GeForce RTX 5060 Ti", 16, "rtx-5060-ti-16"),
    ("NVIDIA GeForce RTX 5060 Ti", 8, None),
    ("NVIDIA RTX A2000 12GB", 12, "rtx-a2000"),
    ("NVIDIA RTX 6000 Ada Generation", 48, "rtx-6000-ada"),
    ("Quadro RTX 6000", 24, "quadro-rtx-6000"),
    ("NVIDIA RTX PRO 6000 Blackwell Workstation Edition", 96, "rtx-pro-6000"),
    ("NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition", 96, "rtx-pro-6000-maxq"),
    ("NVIDIA A100-SXM4-80GB", 80, "a100-sxm-80"),
    ("NVIDIA H100 80GB HBM3", 80, "h100-sxm"),
    ("NVIDIA H100 PCIe", 80, "h100-pcie"),
    ("NVIDIA H200", 141, "h200-sxm"),
    ("Tesla V100-SXM2-16GB", 16, "v100"),
    ("NVIDIA GB10", 128, "dgx-spark"),
    ("AMD Radeon RX 7900 XTX", 24, "rx-7900-xtx"),
    ("AMD device 0x744c", 24, "rx-7900-xtx"),
    ("AMD device 0x744c", 20, "rx-7900-xt"),
    ("AMD device 0x744c", 7, None),
    ("AMD RYZEN AI MAX+ 395 w/ Radeon 8060S", 128, "strix-halo-395"),
    ("Intel(R) Arc(TM) B580 Graphics", 12, "arc-b580"),
    ("Apple M2 Ultra (76-core GPU)", 64, "apple-m2-ultra-76c"),
    ("Apple M2 Ultra (60-core GPU)", 64, "apple-m2-ultra-60c"),
    ("Apple M2 Ultra (61-core GPU)", 64, None),
    ("Apple M2 Ultra", 64, "apple-m2-ultra-60c"),
    ("Apple M3 Ultra", 512, "apple-m3-ultra-80c"),
    ("AMD EPYC 9355 32-Core Processor", 768, "epyc-9355"),
    ("AMD Ryzen 9 7950X 16-Core Processor", 64, "ryzen-9-7950x"),
    ("AMD Ryzen 9 7950X3D 16-Core Processor", 64, None),
    ("Intel(R) Xeon(R) Processor", 24, None),
    ("AMD Radeon Graphics", 16, None),
    ("NVIDIA Graphics Device", 24, None),
    ("", 24, None),
]


@pytest.mark.parametrize(("name", "gib", "known"), NAMES)
def test_a_name_is_found_or_left_unknown(name: str, gib: int, known: str | None) -> None:
    """Drivers tell a little less memory than the box says."""
    assert accelerator_id(name, Bytes(int(gib * GIB * 0.97))) == known


def test_every_named_id_is_in_the_table() -> None:
    listed = {one for item in (files.row("", "device_names") or {})["names"] for one in item["ids"]}
    assert len(listed) > 40
    assert listed <= set(accelerator_names())


def test_most_cards_are_found_by_the_name_they_have_in_the_table() -> None:
    """The names in the table are those that drivers tell, for cards at least."""
    missed = []
    for name in accelerator_names():
        row = files.row("accelerators", name) or {}
        if row["kind"] == "discrete" and row["memory_gib"]:
            found = accelerator_id(str(row["name"]), Bytes(row["memory_gib"][-1] * GIB))
            missed += [name] if found != name else []
    assert len(missed) <= 45, missed


def pool(kind: PoolKind, name: str, gib: float) -> MemoryPool:
    return MemoryPool(name, kind, Known(Bytes(int(gib * GIB)), "driver", Basis.MEASURED))


def box(chip: str | None, *pools: MemoryPool, devices: tuple[Accelerator, ...] = ()) -> Machine:
    known = Known(chip, "driver", Basis.MEASURED) if chip else None
    return Machine(None, known, None, pools, accelerators=devices)


def test_one_accelerator_for_each_pool_of_vram_in_their_order() -> None:
    found = identified(
        box(
            "NVIDIA GeForce RTX 4090",
            pool(PoolKind.VRAM, "NVIDIA GeForce RTX 4090 (GPU 0)", 23.99),
            pool(PoolKind.VRAM, "NVIDIA GeForce RTX 3060 (GPU 1)", 11.99),
            pool(PoolKind.VRAM, "NVIDIA Something (GPU 2)", 8),
            pool(PoolKind.RAM, "main memory", 64),
        )
    )
    assert [device.id for device in found.accelerators] == ["rtx-4090", "rtx-3060-12", ""]
    unknown = found.accelerators[2]
    assert (unknown.name, unknown.vendor, unknown.kind, unknown.bandwidth) == (
        "NVIDIA Something",
        "nvidia",
        DeviceKind.DISCRETE,
        None,
    )


def test_unified_memory_and_a_processor_alone() -> None:
    named = Accelerator("", "Apple M2 Ultra (76-core GPU)", "apple", "other", DeviceKind.UNIFIED)
    mac = box("Apple M2 Ultra", pool(PoolKind.UNIFIED, "unified memory", 64), devices=(named,))
    assert [device.id for device in identified(mac).accelerators] == ["apple-m2-ultra-76c"]
    assert identified(identified(mac)) == identified(mac)
    processor = identified(box("Some Processor", pool(PoolKind.RAM, "main memory", 64)))
    assert [(device.id, device.kind, device.backends) for device in processor.accelerators] == [
        ("", DeviceKind.CPU, ("cpu",))
    ]
    assert identified(processor) == processor
    assert identified(UNKNOWN_MACHINE) == UNKNOWN_MACHINE
    assert identified(box(None, pool(PoolKind.RAM, "main memory", 64))).accelerators == ()
