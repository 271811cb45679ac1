from __future__ import annotations

from pathlib import Path

from truelimit.adapters.files.server_log import ServerLog, read_server_log
from truelimit.adapters.files.server_log_ollama import LoggedDevice, SystemMemory
from truelimit.adapters.servers.ollama.machine_from_log import machine_from_log, total_vram
from truelimit.adapters.servers.ollama.tier import tier_of_log, with_tier
from truelimit.domain.machine import Machine, MemoryPool, PoolKind
from truelimit.domain.provenance import Basis, Known
from truelimit.domain.server import Server, ServerKind
from truelimit.units import GIB, Bytes, from_gib

SAMPLES = Path(__file__).parents[2] / "samples" / "ollama"


def device(library: str, gib: float, name: str = "", description: str = "") -> LoggedDevice:
    return LoggedDevice(library, name, description, from_gib(gib), from_gib(gib), "log (line 4)")


def log(*devices: LoggedDevice, ram: float | None = None) -> ServerLog:
    memory = None if ram is None else SystemMemory(from_gib(ram), from_gib(ram / 2), Bytes(0), "log (line 6)")
    return ServerLog("log", ServerKind.OLLAMA, devices=devices, system_memory=memory)


def test_an_apple_machine_has_one_unified_pool() -> None:
    found = read_server_log(SAMPLES / "0.16.1" / "server-m2-ultra.log")
    assert found is not None
    machine = machine_from_log(found)
    assert machine is not None
    assert machine.chip is not None
    assert machine.chip.value == "Apple M2 Ultra"
    assert [pool.kind for pool in machine.pools] == [PoolKind.UNIFIED]
    pool = machine.pools[0]
    assert pool.usable is not None
    assert (pool.capacity.value, pool.usable.value) == (64 * GIB, 48 * GIB)
    assert pool.capacity.basis is Basis.REPORTED
    assert "line 6" in pool.capacity.where
    assert machine.operating_system is not None
    assert machine.operating_system.value == "macOS"


def test_without_a_load_the_memory_of_an_apple_machine_is_at_least_its_working_set() -> None:
    machine = machine_from_log(log(device("metal", 21.3)))
    assert machine is not None
    assert machine.chip is None
    assert machine.pools[0].capacity.basis is Basis.ASSUMED


def test_graphics_cards_are_pools_beside_the_memory() -> None:
    cards = (
        device("CUDA", 24, "CUDA0", "NVIDIA GeForce RTX 4090"),
        device("CUDA", 24, "CUDA1", "NVIDIA GeForce RTX 4090"),
    )
    machine = machine_from_log(log(*cards, ram=128))
    assert machine is not None
    assert [pool.kind for pool in machine.pools] == [PoolKind.VRAM, PoolKind.VRAM, PoolKind.RAM]
    assert machine.chip is not None
    assert machine.chip.value == "NVIDIA GeForce RTX 4090"


def test_a_machine_without_accelerator_has_its_memory() -> None:
    machine = machine_from_log(log(device("cpu", 23.5, "cpu", "cpu")))
    assert machine is not None
    assert [(pool.kind, pool.capacity.value) for pool in machine.pools] == [(PoolKind.RAM, from_gib(23.5))]
    assert machine.chip is None


def test_a_log_without_memory_is_no_machine() -> None:
    assert machine_from_log(log()) is None


def test_tiers_from_the_log_line_or_from_its_devices() -> None:
    line = read_server_log(SAMPLES / "0.16.1" / "server-m2-ultra.log")
    stated = tier_of_log(line, "0.16.1", {})
    derived = tier_of_log(log(device("CUDA", 24), device("CUDA", 24)), "0.16.1", {})
    assert stated is not None
    assert derived is not None
    assert (stated.value, stated.basis) == (262144, Basis.REPORTED)
    assert (derived.value, derived.basis) == (262144, Basis.DERIVED)
    assert tier_of_log(log(device("CUDA", 24)), "0.15.4", {}) is None
    assert tier_of_log(None, "0.16.1", {}) is None
    cpu = tier_of_log(log(device("cpu", 128)), "0.16.1", {})
    assert cpu is not None
    assert cpu.value == 4096


def test_overhead_comes_off_each_accelerator() -> None:
    cards = log(device("CUDA", 24), device("CUDA", 24))
    total = total_vram(cards, GIB)
    assert total is not None
    assert total.value == 46 * GIB
    overhead = {"OLLAMA_GPU_OVERHEAD": Known(str(GIB), "x", Basis.SPECIFIED)}
    tier = tier_of_log(cards, "0.16.1", overhead)
    assert tier is not None
    assert tier.value == 32768


def test_the_machine_gives_the_tier_where_no_log_does() -> None:
    server = Server(ServerKind.OLLAMA, "x", version=Known("0.16.1", "x", Basis.REPORTED))
    pool = MemoryPool(
        "unified", PoolKind.UNIFIED, Known(from_gib(64), "sysctl", Basis.MEASURED),
        Known(from_gib(48), "sysctl", Basis.DERIVED),
    )  # fmt: skip
    found = with_tier(server, Machine(None, None, None, (pool,)))
    assert found.settings.tier_context is not None
    assert found.settings.tier_context.value == 262144
    assert found.settings.default_context == found.settings.tier_context
    ram = MemoryPool("RAM", PoolKind.RAM, Known(from_gib(64), "x", Basis.MEASURED))
    assert with_tier(server, Machine(None, None, None, (ram,))).settings.tier_context.value == 4096  # type: ignore[union-attr]
    assert with_tier(server, Machine(None, None, None)) == server
