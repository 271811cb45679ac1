"""The plan over several devices, the doctor over the same: per-device placement, never a sum."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from limits.limits_builders import mac
from perf.placement_models import LLAMA_70B, QWEN_30B, cards
from truelimit.app.plan import Around, bare_stack, plan, with_changes
from truelimit.app.plan_machine import with_devices
from truelimit.app.plan_parts import Kind, ModelPlan, Wanted
from truelimit.app.plan_quant import at_quantization, smaller, with_quantization
from truelimit.domain.facts import Stack
from truelimit.domain.machine import Machine
from truelimit.domain.model import ModelHeader
from truelimit.limits.pools import budget, held_calculation
from truelimit.perf.placement import Mode
from truelimit.units import GIB, Bytes, Seconds, Tokens


def stack(header: ModelHeader = LLAMA_70B, machine: Machine | None = None) -> Stack:
    return bare_stack(header, machine or cards(24, 24), ())


def made(context: int, header: ModelHeader = LLAMA_70B, machine: Machine | None = None, **wanted: Any) -> ModelPlan:
    return plan(stack(header, machine), Wanted(Tokens(context), **wanted))


def test_two_cards_hold_what_each_of_them_holds() -> None:
    short, long = made(16_384), made(32_768)
    assert short.fits
    assert short.placement is not None
    assert short.placement.mode is Mode.LAYER
    assert long.fits is False
    assert long.total < 48 * GIB + 3 * GIB
    assert short.room is not None
    assert short.room.headroom == short.placement.tightest.left
    assert short.room.pool - short.total == short.room.headroom
    assert short.room.pool < 48 * GIB, "as placed they hold less than their sum"


def test_the_largest_context_is_the_largest_that_can_be_placed() -> None:
    found = made(16_384).largest_context
    assert found is not None
    assert made(found).placement.fits  # type: ignore[union-attr]
    assert not made(found + 256).placement.fits  # type: ignore[union-attr]


def test_the_calculation_is_that_of_the_tightest_device() -> None:
    found = made(16_384)
    left = found.calculations[1]
    assert left.result == found.room.headroom  # type: ignore[union-attr]
    assert left.terms[0].value == 24 * GIB


def test_each_memory_of_a_placement_has_its_own_calculation() -> None:
    found = made(16_384)
    for item in found.placement.devices:  # type: ignore[union-attr]
        assert held_calculation(item, found.placement, found.need.calculation.basis).result == item.left  # type: ignore[arg-type]


def test_weights_beyond_the_cards_lie_in_main_memory_too() -> None:
    found = made(8192, machine=cards(24, main=64))
    assert found.placement is not None
    assert found.placement.mode is Mode.PARTIAL
    assert found.fits
    assert made(8192, machine=cards(24, main=16)).fits is False


def test_a_context_beyond_a_card_fits_only_where_blocks_may_leave_it() -> None:
    machine = cards(24, main=64)
    strict = made(131_072, QWEN_30B, machine)
    assert strict.fits is False
    loose = made(131_072, QWEN_30B, machine, offload=True)
    assert loose.fits
    assert loose.placement is not None
    assert loose.placement.mode is Mode.EXPERTS


def test_two_boxes_of_unified_memory_are_two_memories() -> None:
    one = mac(64).pools[0]
    machine = Machine("two", None, None, (replace(one, name="first"), replace(one, name="second")))
    found = made(32_768, machine=machine)
    assert found.placement is not None
    assert [item.place.size.value for item in found.placement.devices] == [48 * GIB, 48 * GIB]
    assert found.fits


def test_a_tensor_split_that_would_not_start_is_refused() -> None:
    assert made(8192, split="tensor").placement.mode is Mode.TENSOR  # type: ignore[union-attr]
    with pytest.raises(ValueError, match="quantised cache"):
        made(8192, split="tensor", kv_type="q8_0")


def test_devices_can_be_counted() -> None:
    assert len(with_devices(cards(24, main=64), 3).pools) == 4
    assert len(with_devices(cards(24, 24), 1).pools) == 1
    assert with_devices(cards(24), None).pools == cards(24).pools
    assert with_devices(mac(64), 2).boxes == 2
    with pytest.raises(ValueError, match="no accelerator"):
        with_devices(Machine("cpu", None, None, (cards(24, main=64).pools[1],)), 2)


# --- what one change would do ------------------------------------------------------------------------------------


def changed(stack: Stack, wanted: Wanted, **around: Any) -> ModelPlan:
    beside = Around(**around)
    return with_changes(stack, plan(stack, wanted, beside), beside)


def test_what_makes_it_possible_comes_first_the_gentler_setting_before_the_coarser() -> None:
    own = stack()
    found = changed(own, Wanted(Tokens(40_000)), quants=smaller(own))
    titles = [item.title for item in found.changes]
    assert titles[:2] == ["cache in q8_0", "cache in q4_0"]
    assert "weights in Q3_K_M" in titles
    assert all(item.outcome.usable and item.outcome.usable > found.outcome.usable for item in found.changes)  # type: ignore[operator]


def test_each_change_comes_to_what_its_own_plan_says() -> None:
    own = stack()
    found = changed(own, Wanted(Tokens(40_000)))
    eight = next(item for item in found.changes if item.title == "cache in q8_0")
    assert eight.outcome == plan(own, Wanted(Tokens(40_000), kv_type="q8_0")).outcome


def test_a_setting_that_is_enough_stands_before_a_machine() -> None:
    own = stack()
    bigger = ("two cards of 48", "dear", replace(own, machine=cards(48, 48)))
    found = changed(own, Wanted(Tokens(40_000)), machines=(bigger,))
    kinds = [item.kind for item in found.changes]
    assert kinds[0] is Kind.SETTING
    assert Kind.MACHINE in kinds
    far = changed(own, Wanted(Tokens(131_072)), machines=(bigger,))
    assert far.changes[0].title == "two cards of 48"


def test_nothing_is_offered_where_nothing_limits() -> None:
    found = changed(stack(QWEN_30B, mac(64)), Wanted(Tokens(8192)))
    assert found.bound is not None
    assert found.bound.name == "native"
    assert found.changes == ()


def test_other_models_share_the_room_and_the_oldest_leaves() -> None:
    own = stack(QWEN_30B, mac(64))
    others = ((stack(LLAMA_70B, mac(64)), Tokens(4096)), (stack(QWEN_30B, mac(64)), None))
    found = plan(own, Wanted(Tokens(8192)), Around(others=others))
    assert found.residents is not None
    assert [item.size > 40 * GIB for item in found.residents.evicted] == [True]
    assert found.residents.kept[-1].size == found.total


def test_several_boxes_get_commands_of_existing_engines() -> None:
    found = plan(stack(machine=mac(32, 24)), Wanted(Tokens(8192)), Around())
    said = "\n".join(command for _, command in found.commands)
    assert "--rpc BOX2:50052" in said
    assert "--pipeline-parallel-size 2" in said
    assert "--max-model-len 8192" in said
    assert found.fits is False


def test_one_box_gets_the_flags_of_its_placement() -> None:
    found = plan(stack(), Wanted(Tokens(16_384), kv_type="q8_0"), Around())
    assert len(found.commands) == 1
    command = found.commands[0][1]
    for flag in ("-c 16384", "-ctk q8_0 -ctv q8_0", "-ts 41,40", "-ngl all"):
        assert flag in command
    too_long = plan(stack(), Wanted(Tokens(65_536)), Around())
    assert f"-c {too_long.largest_context}" in too_long.commands[0][1]


# --- quantisations -----------------------------------------------------------------------------------------------


def test_a_published_file_stands_before_a_reckoned_size() -> None:
    known_size = at_quantization(QWEN_30B, "Q4_K_M", {"q4_k_m": Bytes(123)})
    assert known_size.file_bytes == 123
    reckoned = at_quantization(QWEN_30B, "Q8_0")
    assert reckoned.weights_bytes is not None
    assert 32e9 < reckoned.weights_bytes < 33e9
    with pytest.raises(ValueError, match="Q5_X"):
        with_quantization(stack(), "Q5_X")


def test_the_next_smaller_files_are_smaller() -> None:
    own = stack()
    sizes = [item.header.weights_bytes for _, item in smaller(own) if item.header]
    assert len(sizes) == 2
    assert sizes[0] < LLAMA_70B.weights_bytes  # type: ignore[operator]
    assert sizes[1] < sizes[0]  # type: ignore[operator]


def test_the_deadline_is_a_context() -> None:
    from limits.limits_builders import published

    own = bare_stack(QWEN_30B, mac(64), (published(),))
    found = plan(own, Wanted(Tokens(262_144), deadline=Seconds(300.0)))
    assert found.deadline_prompt is not None
    assert found.bound is not None
    if found.prefill_seconds is not None:
        assert found.bound.name == "time"
        assert found.bound.usable == found.deadline_prompt


def test_budget_of_one_card_stays_as_it_was() -> None:
    pool = budget(stack(QWEN_30B, cards(24)))
    assert pool is not None
    assert (pool.devices, pool.accelerator.value) == ((), 24 * GIB)  # type: ignore[union-attr]
