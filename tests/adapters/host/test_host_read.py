"""This machine, played by fakes of each platform."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from truelimit.adapters.host import read_machine
from truelimit.adapters.host.nvidia import NvidiaCard, nvidia_cards
from truelimit.adapters.host.sources import COMMAND_SECONDS, Memory, Sources, run, this_machine
from truelimit.app.ports import Deadline, Evidence, Places
from truelimit.domain.machine import Machine, PoolKind
from truelimit.domain.provenance import Basis
from truelimit.units import GIB, MIB


def fake(tmp_path: Path, system: str = "Linux", total: int = 64 * GIB) -> Sources:
    return Sources(
        system=system,
        release="6.8.0",
        processor="x86_64",
        memory=lambda: Memory(total, total // 2, MIB),
        nvidia=lambda: (),
        run=lambda command: None,
        root=tmp_path,
    )


def read(sources: Sources) -> Evidence:
    return read_machine(Places(Path("/nowhere")), Deadline(5), sources)


def machine(sources: Sources) -> Machine:
    found = read(sources).machine
    assert found is not None
    return found


def put(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def sysctl(memsize: str, brand: str, limit: str | None, cores: int | None = None) -> object:
    def answer(command: Sequence[str]) -> str:
        if command[0] == "/usr/sbin/ioreg":
            return "" if cores is None else f'    | | |   "gpu-core-count" = {cores}\n'
        lines = {"hw.memsize": memsize, "machdep.cpu.brand_string": brand, "iogpu.wired_limit_mb": limit}
        assert command[0] == "/usr/sbin/sysctl"
        return "".join(f"{key}: {lines[key]}\n" for key in command[1:] if lines[key] is not None)

    return answer


def test_isolated_reads_nothing(tmp_path: Path) -> None:
    def never(*_: object) -> None:
        raise AssertionError("asked")

    sources = replace(fake(tmp_path), memory=never, nvidia=never, run=never)  # type: ignore[arg-type]
    assert read_machine(Places(tmp_path, isolated=True), Deadline(5), sources) == Evidence()


def test_plain_linux(tmp_path: Path) -> None:
    put(tmp_path, proc__cpuinfo="processor\t: 0\nmodel name\t: AMD EPYC 9654\nmodel name\t: other\n")
    evidence = read(fake(tmp_path))
    found = evidence.machine
    assert found is not None
    assert [pool.kind for pool in found.pools] == [PoolKind.RAM]
    pool = found.pools[0]
    assert pool.free is not None
    assert (pool.capacity.value, pool.capacity.basis, pool.free.value) == (64 * GIB, Basis.MEASURED, 32 * GIB)
    assert pool.capacity.where == "psutil virtual_memory().total"
    assert pool.usable is None
    assert found.chip is not None
    assert found.chip.value == "AMD EPYC 9654"
    assert found.operating_system is not None
    assert found.operating_system.value == "Linux 6.8.0"
    assert found.swap_used is not None
    assert found.swap_used.value == MIB
    assert found.name is None
    assert evidence.missing == ()
    assert evidence.examined == ("this machine",)


def test_container_limit_is_the_capacity(tmp_path: Path) -> None:
    (tmp_path / "sys/fs/cgroup").mkdir(parents=True)
    (tmp_path / "sys/fs/cgroup/memory.max").write_text(f"{8 * GIB}\n")
    (tmp_path / "sys/fs/cgroup/memory.current").write_text(f"{3 * GIB}\n")
    pool = machine(fake(tmp_path)).pools[0]
    assert pool.free is not None
    assert (pool.capacity.value, pool.free.value) == (8 * GIB, 5 * GIB)
    assert "memory.max" in pool.capacity.where
    (tmp_path / "sys/fs/cgroup/memory.max").write_text("max\n")
    assert machine(fake(tmp_path)).pools[0].capacity.value == 64 * GIB


def test_nvidia_cards_come_before_main_memory(tmp_path: Path) -> None:
    cards = (NvidiaCard("NVIDIA GeForce RTX 4090", 24 * GIB, 20 * GIB), NvidiaCard("NVIDIA A2", 16 * GIB, None))
    found = machine(replace(fake(tmp_path), nvidia=lambda: cards))
    assert [(pool.kind, pool.capacity.value) for pool in found.pools] == [
        (PoolKind.VRAM, 24 * GIB),
        (PoolKind.VRAM, 16 * GIB),
        (PoolKind.RAM, 64 * GIB),
    ]
    assert found.pools[0].free is not None
    assert found.pools[0].free.value == 20 * GIB
    assert found.pools[0].capacity.where == "NVML memory info of GPU 0"
    assert found.pools[1].free is None
    assert found.chip is not None
    assert found.chip.value == "NVIDIA GeForce RTX 4090"


def test_nvidia_without_memory_of_its_own_is_unified(tmp_path: Path) -> None:
    found = machine(replace(fake(tmp_path, total=119 * GIB), nvidia=lambda: (NvidiaCard("NVIDIA GB10", None, None),)))
    assert [(pool.kind, pool.capacity.value) for pool in found.pools] == [(PoolKind.UNIFIED, 119 * GIB)]
    assert found.chip is not None
    assert found.chip.value == "NVIDIA GB10"


class NvmlError(Exception):
    pass


class NvmlNotSupported(NvmlError):
    pass


def nvml(names: list[object], memory: object, init: Exception | None = None) -> ModuleType:
    def start() -> None:
        if init is not None:
            raise init

    def info(handle: int) -> object:
        if isinstance(memory, Exception):
            raise memory
        return memory

    return SimpleNamespace(  # type: ignore[return-value]
        NVMLError=NvmlError,
        NVMLError_NotSupported=NvmlNotSupported,
        nvmlInit=start,
        nvmlShutdown=lambda: None,
        nvmlDeviceGetCount=lambda: len(names),
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetName=lambda handle: names[handle],
        nvmlDeviceGetMemoryInfo=info,
    )


def test_nvml() -> None:
    memory = SimpleNamespace(total=5, free=3)
    assert nvidia_cards(nvml([b"old", "new"], memory)) == (NvidiaCard("old", 5, 3), NvidiaCard("new", 5, 3))
    assert nvidia_cards(nvml(["GB10"], NvmlNotSupported())) == (NvidiaCard("GB10", None, None),)
    assert nvidia_cards(nvml(["x"], memory, init=NvmlError())) == ()
    assert nvidia_cards(nvml(["x"], NvmlError())) == ()


def amd(root: Path, card: str = "card1", **files: str) -> None:
    folder = root / "sys/class/drm" / card / "device"
    folder.mkdir(parents=True)
    for name, text in {"vendor": "0x1002", "device": "0x744c", **files}.items():
        (folder / name).write_text(text + "\n")


def in_processor(root: Path, card: str = "card1") -> None:
    folder = root / "sys/class/drm" / card / "device/hwmon/hwmon3"
    folder.mkdir(parents=True)
    (folder / "in0_label").write_text("vddgfx\n")
    (folder / "in1_label").write_text("vddnb\n")


def test_amd_card(tmp_path: Path) -> None:
    amd(
        tmp_path,
        mem_info_vram_total=str(24 * GIB),
        mem_info_vram_used=str(GIB),
        mem_info_gtt_total=str(32 * GIB),
        mem_info_gtt_used=str(2 * GIB),
        product_name="AMD Radeon RX 7900 XTX",
    )
    (tmp_path / "sys/class/drm/card1-DP-1").mkdir()
    found = machine(fake(tmp_path))
    assert [(pool.kind, pool.capacity.value) for pool in found.pools] == [
        (PoolKind.VRAM, 24 * GIB),
        (PoolKind.RAM, 64 * GIB),
    ]
    assert found.pools[0].capacity.where == "sysfs /sys/class/drm/card1/device/mem_info_vram_total"
    assert found.pools[0].free is not None
    assert found.pools[0].free.value == 23 * GIB
    assert found.chip is not None
    assert found.chip.value == "AMD Radeon RX 7900 XTX"


def test_amd_card_without_a_name(tmp_path: Path) -> None:
    amd(tmp_path, mem_info_vram_total=str(8 * GIB))
    found = machine(fake(tmp_path))
    assert found.chip is not None
    assert found.chip.value == "AMD device 0x744c"
    assert found.pools[0].free is None


APU = {
    "mem_info_vram_total": str(GIB // 2),
    "mem_info_gtt_total": str(31 * GIB),
}


@pytest.mark.parametrize(
    ("gtt_used", "processor", "unified"),
    [
        (20 * GIB, "AMD Ryzen 7 8845HS w/ Radeon 780M Graphics", True),
        (50 * MIB, "AMD Ryzen 7 8845HS w/ Radeon 780M Graphics", False),
        (50 * MIB, "AMD RYZEN AI MAX+ 395 w/ Radeon 8060S", True),
    ],
)
def test_amd_processor_with_a_gpu(tmp_path: Path, gtt_used: int, processor: str, unified: bool) -> None:
    amd(tmp_path, **APU, mem_info_gtt_used=str(gtt_used))
    in_processor(tmp_path)
    put(tmp_path, proc__cpuinfo=f"model name : {processor}\n")
    found = machine(fake(tmp_path))
    assert found.chip is not None
    assert found.chip.value == processor
    assert len(found.pools) == 1
    pool = found.pools[0]
    if not unified:
        assert (pool.kind, pool.capacity.value, pool.usable) == (PoolKind.RAM, 64 * GIB, None)
        return
    assert pool.usable is not None
    assert (pool.kind, pool.capacity.value) == (PoolKind.UNIFIED, 64 * GIB + GIB // 2)
    assert (pool.usable.value, pool.usable.basis) == (31 * GIB + GIB // 2, Basis.MEASURED)
    assert "mem_info_gtt_total" in pool.usable.where


def test_card_beside_a_processor_with_a_gpu(tmp_path: Path) -> None:
    amd(tmp_path, **APU, mem_info_gtt_used=str(20 * GIB))
    in_processor(tmp_path)
    card = NvidiaCard("NVIDIA GeForce RTX 4090", 24 * GIB, None)
    kinds = [pool.kind for pool in machine(replace(fake(tmp_path), nvidia=lambda: (card,))).pools]
    assert kinds == [PoolKind.VRAM, PoolKind.RAM]


def test_other_makers_and_odd_files_are_no_amd_card(tmp_path: Path) -> None:
    amd(tmp_path, "card0", vendor="0x8086", mem_info_vram_total=str(GIB))
    amd(tmp_path, "card1", mem_info_vram_total="-5")
    amd(tmp_path, "card2", mem_info_vram_total="\u0663")
    assert [pool.kind for pool in machine(fake(tmp_path)).pools] == [PoolKind.RAM]


@pytest.mark.parametrize(
    ("limit", "usable", "basis"), [("0", 48 * GIB, Basis.ASSUMED), ("57344", 56 * GIB, Basis.MEASURED)]
)
def test_apple_silicon(tmp_path: Path, limit: str, usable: int, basis: Basis) -> None:
    sources = replace(
        fake(tmp_path, "Darwin"),
        run=sysctl(str(64 * GIB), "Apple M2 Ultra", limit),
        release="15.3",  # type: ignore[arg-type]
    )
    found = machine(sources)
    assert len(found.pools) == 1
    pool = found.pools[0]
    assert pool.usable is not None
    assert pool.free is not None
    assert (pool.kind, pool.capacity.value, pool.free.value) == (PoolKind.UNIFIED, 64 * GIB, 32 * GIB)
    assert (pool.usable.value, pool.usable.basis) == (usable, basis)
    assert pool.capacity.where == "sysctl hw.memsize"
    assert "iogpu.wired_limit_mb" in pool.usable.where
    assert found.chip is not None
    assert found.chip.value == "Apple M2 Ultra"
    assert found.operating_system is not None
    assert found.operating_system.value == "macOS 15.3"


def test_the_cores_of_an_apple_gpu_tell_apart_chips_of_one_name(tmp_path: Path) -> None:
    run = sysctl(str(64 * GIB), "Apple M2 Ultra", "0", cores=76)
    found = machine(replace(fake(tmp_path, "Darwin"), run=run))  # type: ignore[arg-type]
    assert [device.name for device in found.accelerators] == ["Apple M2 Ultra (76-core GPU)"]
    assert found.chip is not None
    assert found.chip.value == "Apple M2 Ultra"
    run = sysctl(str(64 * GIB), "Apple M2 Ultra", "0")
    assert machine(replace(fake(tmp_path, "Darwin"), run=run)).accelerators == ()  # type: ignore[arg-type]


def test_old_macos_without_the_key(tmp_path: Path) -> None:
    sources = replace(fake(tmp_path, "Darwin"), run=sysctl(str(64 * GIB), "Apple M1 Max", None))  # type: ignore[arg-type]
    usable = machine(sources).pools[0].usable
    assert usable is not None
    assert usable.basis is Basis.ASSUMED


def test_mac_with_intel_and_mac_without_sysctl(tmp_path: Path) -> None:
    intel = sysctl(str(16 * GIB), "Intel(R) Core(TM) i7", "0")
    found = machine(replace(fake(tmp_path, "Darwin"), run=intel))  # type: ignore[arg-type]
    assert [pool.kind for pool in found.pools] == [PoolKind.RAM]
    assert found.chip is not None
    assert found.chip.value == "Intel(R) Core(TM) i7"
    found = machine(fake(tmp_path, "Darwin"))
    assert [pool.kind for pool in found.pools] == [PoolKind.RAM]


def test_windows_says_what_is_not_read(tmp_path: Path) -> None:
    evidence = read(fake(tmp_path, "Windows"))
    assert [missing.fact for missing in evidence.missing] == ["accelerators of this machine"]
    card = NvidiaCard("NVIDIA GeForce RTX 4090", 24 * GIB, None)
    assert read(replace(fake(tmp_path, "Windows"), nvidia=lambda: (card,))).missing == ()


def test_memory_that_cannot_be_read_is_missing(tmp_path: Path) -> None:
    def broken() -> Memory:
        raise OSError("secret path")

    evidence = read(replace(fake(tmp_path), memory=broken))
    assert evidence.machine is not None
    assert evidence.machine.pools == ()
    assert [missing.fact for missing in evidence.missing] == ["memory of this machine"]
    assert "secret" not in evidence.missing[0].why


def test_the_real_machine() -> None:
    found = machine(this_machine())
    assert found.pools
    assert all(pool.capacity.value > 0 for pool in found.pools)
    assert found.operating_system is not None


def test_commands_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run((sys.executable, "-c", "print('hw.memsize: 5')")) == "hw.memsize: 5\n".replace("\n", _newline())
    assert run(("/no/such/program",)) is None
    assert COMMAND_SECONDS <= 2
    monkeypatch.setattr("truelimit.adapters.host.sources.COMMAND_SECONDS", 0.2)
    started = time.monotonic()
    assert run((sys.executable, "-c", "import time; time.sleep(30)")) is None
    assert time.monotonic() - started < 5


def _newline() -> str:
    return "\r\n" if sys.platform == "win32" else "\n"
