"""Memory: the ladder, the pools that must hold it, and the largest context worth having."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from limits_builders import MODEL, definition, header, known, llama_server, mac, ollama, route, settings, stack

from truelimit.domain.limits import SetBy
from truelimit.domain.machine import UNKNOWN_MACHINE, Machine, MemoryPool, PoolKind
from truelimit.limits.memory import memory_ladder, memory_need
from truelimit.limits.need import memory_settings
from truelimit.limits.pools import budget, os_share
from truelimit.limits.served import served_context
from truelimit.limits.target import Target, target_context
from truelimit.limits.view import view
from truelimit.units import GB, GIB, Bytes, Tokens

NATIVE = 262_144


def need(context: int = NATIVE, **extra: Any) -> Any:
    found = memory_need(stack(**extra), context)
    assert found is not None
    return found


def target(**extra: Any) -> Target:
    found = target_context(stack(**extra))
    assert found is not None
    return found


def box(*pools: tuple[PoolKind, float], chip: str = "card") -> Machine:
    made = tuple(
        MemoryPool(kind.value, kind, known(Bytes(round(gib * GIB)), f"{kind.value} total")) for kind, gib in pools
    )
    return Machine(None, known(chip), None, made)


# --- what it takes -----------------------------------------------------------------------------------------------


def test_the_story_takes_24_gib_of_cache_at_its_full_context() -> None:
    assert need().kv_cache == 24 * GIB
    assert need(131_072).kv_cache == 12 * GIB
    assert need().weights == 18_549_000_000
    assert need().total >= need().weights + need().kv_cache


def test_the_servers_settings_hold() -> None:
    q8 = ollama(definition(), settings=settings(kv_type=known("q8_0")))
    assert need(server=q8).kv_cache == 24 * GIB * 34 // 64
    two = ollama(definition(), settings=settings(parallel=known(2)))
    assert need(server=two).kv_cache == 48 * GIB
    shared = llama_server(settings=settings(parallel=known(4), unified_kv=known(True)))
    assert need(server=shared).kv_cache == 24 * GIB
    split = llama_server(settings=settings(parallel=known(4), unified_kv=known(False)))
    assert need(65_536, server=split).kv_cache == 24 * GIB


def test_what_the_definition_knows_of_its_own_load_holds_before_the_server() -> None:
    own = definition(flash_attention=known(False), batch=known(2048))
    made = memory_settings(
        stack(definition=own, server=ollama(own, settings=settings(flash_attention=known(True)))), 4096
    )
    assert made.flash_attention is False
    assert made.cache.ubatch == 2048


def test_a_question_may_replace_cache_type_and_attention() -> None:
    smaller = memory_need(stack(), NATIVE, kv_type="q8_0")
    assert smaller is not None
    assert smaller.kv_cache == 24 * GIB * 34 // 64
    off = memory_settings(stack(), 4096, flash_attention=False)
    assert off.flash_attention is False


def test_the_engine_of_an_era_decides_prompt_cache_and_logits() -> None:
    older = ollama(definition(), version="0.11.4")
    old = memory_settings(stack(server=older), 4096)
    assert (old.prompt_cache, old.logits_reserved) == (0, True)
    own = memory_settings(stack(), 4096)
    assert (own.prompt_cache, own.logits_reserved) == (0, False), "0.15 runs qwen3moe with an engine of its own"
    gemma = memory_settings(stack(server=older, header=replace(header(), architecture="gemma3")), 4096)
    assert gemma.logits_reserved is False
    unknown = replace(older, version=None)
    assert memory_settings(stack(server=unknown), 4096).logits_reserved is True
    new = memory_settings(stack(server=ollama(definition(), version="0.33.0")), 4096)
    assert (new.prompt_cache, new.logits_reserved) == (8 * GIB, False)
    set_to = ollama(definition(), version="0.33.0", settings=settings(prompt_cache=known(Bytes(GIB))))
    assert memory_settings(stack(server=set_to), 4096).prompt_cache == GIB


def test_an_unknown_layout_is_refused_with_the_reason() -> None:
    strange = replace(header(), architecture="nobody-knows-this")
    ladder, missing = memory_ladder(stack(header=strange), known(Tokens(4096)))
    assert memory_need(stack(header=strange), 4096) is None
    assert (ladder.total, ladder.headroom) == (None, None)
    assert [rung.name for rung in ladder.ladder.rungs] == ["weights"]
    assert "nobody-knows-this" in missing[0].why
    assert view(stack(header=strange)).missing


# --- who must hold it --------------------------------------------------------------------------------------------


def test_unified_memory_holds_it_twice_in_the_share_and_in_all() -> None:
    pool = budget(stack())
    assert pool is not None
    total, held, left = pool.tightest(need())
    assert held.value == 48 * GIB
    assert left == 48 * GIB - total
    whole = budget(stack(machine=mac(64, None)))
    assert whole is not None
    total, held, _ = whole.tightest(need())
    assert held.value == 64 * GIB
    assert total == need().total + os_share(64 * GIB)


def test_a_card_that_holds_the_weights_must_hold_all() -> None:
    pool = budget(stack(machine=box((PoolKind.VRAM, 24), (PoolKind.RAM, 64))))
    assert pool is not None
    assert pool.holds(need(16_384))
    assert not pool.holds(need())
    two = budget(stack(machine=box((PoolKind.VRAM, 24), (PoolKind.VRAM, 24), (PoolKind.RAM, 64))))
    assert two is not None
    assert two.holds(need())


def test_a_card_too_small_for_the_weights_shares_with_main_memory() -> None:
    pool = budget(stack(machine=box((PoolKind.VRAM, 8), (PoolKind.RAM, 64))))
    assert pool is not None
    assert "together" in pool.where
    assert pool.holds(need())


def test_main_memory_alone_keeps_a_share_for_the_system() -> None:
    pool = budget(stack(machine=box((PoolKind.RAM, 64))))
    assert pool is not None
    assert pool.os_share == 8 * GB
    assert budget(stack(machine=UNKNOWN_MACHINE)) is None


@pytest.mark.parametrize(("gib", "share"), [(16, 4 * GIB), (64, 8 * GB), (256, 256 * GIB // 10)])
def test_the_systems_share(gib: int, share: int) -> None:
    assert os_share(gib * GIB) == share


# --- the ladder --------------------------------------------------------------------------------------------------


def test_the_ladder_names_each_part_and_binds_nothing_that_fits() -> None:
    made = stack()
    ladder, missing = memory_ladder(made, served_context(made))
    names = [rung.name for rung in ladder.ladder.rungs]
    assert names == ["weights", "kv-cache", "compute-buffer", "os-share"]
    cache = ladder.ladder.rung("kv-cache")
    assert cache is not None
    assert (cache.value, cache.set_by) == (12 * GIB, SetBy.SERVER_DEFINITION)
    assert ladder.ladder.binding is None
    assert missing == ()
    assert ladder.headroom is not None
    assert ladder.total is not None
    assert ladder.pool is not None
    assert ladder.headroom == ladder.pool - ladder.total
    assert ladder.calculation is not None
    assert ladder.calculation.result == ladder.headroom


def test_where_it_does_not_fit_the_largest_part_binds() -> None:
    full = definition("m", NATIVE)
    made = stack(machine=mac(32, 24.0), definition=full, server=ollama(full), route=None)
    ladder, _ = memory_ladder(made, served_context(made))
    assert ladder.headroom is not None
    assert ladder.headroom < 0
    assert ladder.ladder.binding is not None
    assert ladder.ladder.binding.name == "kv-cache"


def test_a_request_sets_the_cache_that_it_asks_for() -> None:
    sends = route(request_context=known(Tokens(65_536)))
    cache = view(stack(route=sends)).memory.ladder.rung("kv-cache")
    assert cache is not None
    assert (cache.value, cache.set_by) == (6 * GIB, SetBy.REQUEST)


def test_without_a_machine_the_need_is_still_told() -> None:
    ladder, missing = memory_ladder(stack(machine=UNKNOWN_MACHINE), known(Tokens(4096)))
    assert ladder.total is not None
    assert (ladder.pool, ladder.headroom, ladder.ladder.binding) == (None, None, None)
    assert missing[0].fact == "memory of the machine"


def test_without_a_header_nothing_is_guessed() -> None:
    bare = definition(header=None)
    ladder, missing = memory_ladder(stack(header=None, definition=bare), known(Tokens(4096)))
    assert ladder.ladder.rungs == ()
    assert missing[0].why.startswith("no header")


# --- the target --------------------------------------------------------------------------------------------------


def test_the_story_could_have_its_full_context() -> None:
    found = target()
    assert (found.context, found.fits) == (NATIVE, True)
    assert found.memory_need is not None
    assert found.memory_need.kv_cache == 24 * GIB
    assert found.calculation is not None
    assert found.calculation.result > 5 * GIB
    assert found.term("fits").value == NATIVE


def test_less_memory_gives_the_largest_that_fits() -> None:
    found = target(machine=mac(32, 24.0))
    assert found.fits is True
    assert 0 < found.context < NATIVE
    assert found.context % 256 == 0
    pool = budget(stack(machine=mac(32, 24.0)))
    assert pool is not None
    assert pool.holds(need(found.context))
    assert not pool.holds(need(found.context + 256))


def test_weights_that_do_not_fit_leave_no_context() -> None:
    found = target(machine=mac(16, 12.0))
    assert (found.context, found.fits) == (0, False)
    assert "17.3 GiB of weights" in found.why


def test_what_is_not_known_is_said() -> None:
    unknown = target(machine=UNKNOWN_MACHINE)
    assert (unknown.context, unknown.fits) == (NATIVE, None)
    strange = target(
        header=replace(header(), architecture="x", metadata=header().metadata | {"x.context_length": 4096})
    )
    assert (strange.context, strange.fits, strange.memory_need) == (4096, None, None)
    assert target_context(stack(header=None, definition=definition(header=None))) is None


@given(st.integers(13, 128))
@hypothesis_settings(deadline=None, max_examples=25)
def test_more_memory_never_gives_less_context(gib: int) -> None:
    smaller, larger = target(machine=mac(gib, gib * 0.75)), target(machine=mac(gib + 1, (gib + 1) * 0.75))
    assert smaller.context <= larger.context
    assert MODEL
