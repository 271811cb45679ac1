"""The plan: the doctor's arithmetic for a wanted context, with the model's own server or alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from limits.limits_builders import definition, header, known, llama_server, mac, ollama, published, settings, stack
from truelimit.app.plan import Wanted, bare_stack, beside, plan
from truelimit.domain.machine import UNKNOWN_MACHINE, Machine, MemoryPool, PoolKind
from truelimit.domain.model import ModelHeader
from truelimit.domain.provenance import Basis
from truelimit.limits.view import view
from truelimit.units import GIB, MIB, Bytes, Tokens

FULL = Tokens(262_144)


def alone(context: int = FULL, machine: Machine | None = None, **wanted: Any) -> Any:
    return plan(bare_stack(header(), machine or mac(), (published(),)), Wanted(Tokens(context), **wanted))


def test_parts_total_pool_and_headroom_agree() -> None:
    made = alone()
    need = made.need
    assert made.total == need.weights + need.kv_cache + need.state + need.compute
    assert need.kv_cache == 24 * GIB
    assert made.room.headroom == made.room.pool - made.total
    assert made.fits is (made.room.headroom >= 0) is True
    assert need.prompt_cache == 0


def test_calculations_are_of_the_same_numbers() -> None:
    made = alone()
    total, left, cache, reading = made.calculations
    assert (total.result, left.result, cache.result) == (made.total, made.room.headroom, 24 * GIB)
    assert reading.result == pytest.approx(made.prefill_seconds[0])


@pytest.mark.parametrize("cache", [0, 512 * MIB, 8 * GIB, 40 * GIB])
def test_the_prompt_cache_takes_from_all_memory_not_from_the_accelerators_share(cache: int) -> None:
    made = alone(prompt_cache=Bytes(cache))
    assert made.need.prompt_cache == cache
    assert made.total == alone().total
    left_to_the_model = 64 * GIB - made.room.os_share - cache
    assert made.room.pool == min(48 * GIB, left_to_the_model)
    assert made.fits is (made.total <= made.room.pool)


def test_memory_of_an_accelerator_of_its_own_is_not_shared_with_the_system() -> None:
    vram = MemoryPool("card", PoolKind.VRAM, known(Bytes(24 * GIB), "nvml"))
    ram = MemoryPool("ram", PoolKind.RAM, known(Bytes(64 * GIB), "os"))
    made = alone(context=4096, machine=Machine("pc", None, None, (vram, ram)), prompt_cache=Bytes(8 * GIB))
    assert (made.room.pool, made.room.os_share) == (24 * GIB, 0)


def test_without_a_machine_nothing_is_said_of_the_fit() -> None:
    made = alone(machine=UNKNOWN_MACHINE)
    assert (made.fits, made.room, made.largest_context) == (None, None, None)


def test_options_stand_before_what_the_server_says() -> None:
    held = definition()
    server = ollama(held, settings=settings(kv_type=known("q8_0"), parallel=known(2), flash_attention=known(True)))
    own = stack(definition=held, server=server)
    as_is = plan(own, Wanted(Tokens(8192)))
    assert (as_is.settings.kv_type, as_is.settings.slots, as_is.settings.unified) == ("q8_0", 2, False)
    assert as_is.settings.whole_context == 16_384, "Ollama gives each slot its own context"
    other = plan(own, Wanted(Tokens(8192), kv_type="f16", slots=1))
    assert (other.settings.kv_type, other.settings.slots, other.settings.whole_context) == ("f16", 1, 8192)
    shared = plan(own, Wanted(Tokens(8192), slots=4, unified=True))
    assert (shared.settings.unified, shared.settings.whole_context) == (True, 8192)


def test_flash_attention_can_be_left_out() -> None:
    held = definition(flash_attention=known(True))
    made = plan(stack(definition=held, server=llama_server()), Wanted(Tokens(8192), flash_attention=False))
    assert made.settings.flash_attention is False
    with pytest.raises(ValueError, match="flash attention"):
        plan(stack(definition=held, server=llama_server()), Wanted(Tokens(8192), kv_type="q8_0", flash_attention=False))


@pytest.mark.parametrize("context", [4096, 131_072, 262_144])
def test_doctor_and_plan_count_alike(context: int) -> None:
    held = definition(num_ctx=context)
    own = stack(definition=held, server=ollama(held))
    ladder, made = view(own).memory, plan(own, Wanted(Tokens(context)))
    assert (made.total, made.room.pool, made.room.headroom) == (ladder.total, ladder.pool, ladder.headroom)


def test_a_model_that_cannot_be_computed_is_refused_with_the_reason() -> None:
    strange = ModelHeader("strange.gguf", Basis.MEASURED, "no-such-architecture", {}, ())
    with pytest.raises(ValueError, match="no-such-architecture"):
        plan(bare_stack(strange, mac(), ()), Wanted(Tokens(4096)))
    with pytest.raises(ValueError, match="no header"):
        plan(replace(stack(), header=None), Wanted(Tokens(4096)))


def test_rates_without_a_series_or_of_another_quantization_are_unknown() -> None:
    made = plan(bare_stack(header(), mac(), ()), Wanted(FULL))
    assert (made.prefill_rate, made.prefill_seconds) == (None, None)
    assert all(rate is None for _, rate in alone().decode), "the series is Q8_0; of the file nothing says that"
    assert [depth for depth, _ in made.decode] == [0, FULL // 2, FULL]


def test_side_by_side() -> None:
    row = beside(header())
    assert (row.bytes_per_token, row.kv_heads) == (98_304, 4)
