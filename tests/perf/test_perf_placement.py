"""Placement: every byte lies somewhere once, devices are never one sum, what does not fit goes to main memory."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from placement_models import GEMMA_27B, KEPT, LLAMA_70B, MODELS, QWEN_30B, card, needs, parts_of, ram

from truelimit.perf.placement import Mode, Placement, over_devices, partial, place
from truelimit.perf.placement_flags import placement_flags, tensor_split_refused
from truelimit.perf.placement_parts import even, model_parts, scale
from truelimit.units import GIB


def everything(placed: Placement) -> int:
    """All bytes of a placement, without the compute buffers that each memory has for itself."""
    held = (*placed.devices, *((placed.host,) if placed.host else ()))
    return sum(item.total - item.compute for item in held)


@pytest.mark.parametrize("name", MODELS)
def test_the_parts_are_the_whole(name: str) -> None:
    need = needs(MODELS[name], 32_768)
    parts = model_parts(MODELS[name], need)
    assert sum(parts.weights) + parts.input + parts.output == need.weights
    assert sum(parts.kv_cache) == need.kv_cache
    assert parts.compute == need.compute
    assert parts.told


def test_an_embedding_that_is_also_the_output_stays_on_the_device() -> None:
    tied = parts_of(GEMMA_27B)
    assert tied.input == 0
    assert tied.output > GIB / 2
    assert parts_of(LLAMA_70B).input > GIB / 2


def test_layers_with_windows_carry_less_cache_in_the_places_of_the_pattern() -> None:
    cache = parts_of(GEMMA_27B, 131_072).kv_cache
    full = [index for index, size in enumerate(cache) if size > 10 * min(cache)]
    assert full == [5, 11, 17, 23, 29, 35, 41, 47, 53, 59]


@given(
    name=st.sampled_from(sorted(MODELS)),
    context=st.sampled_from([4096, 32_768, 131_072]),
    sizes=st.lists(st.integers(4, 96), min_size=1, max_size=5),
)
@settings(deadline=None, max_examples=60)
def test_every_byte_lies_somewhere_once(name: str, context: int, sizes: list[int]) -> None:
    parts = parts_of(MODELS[name], context)
    devices = [card(size, f"card {index}") for index, size in enumerate(sizes)]
    placed = place(parts, devices, ram(512))
    whole = sum(parts.block_bytes()) + parts.output + (parts.input if placed.host else 0)
    assert everything(placed) == whole
    runs = [(item.first, item.last) for item in placed.devices if item.last > item.first]
    assert all(one[1] == other[0] for one, other in pairwise(runs))
    assert placed.fits
    assert all(item.left >= KEPT for item in placed.devices if item.total)


@given(sizes=st.lists(st.integers(8, 80), min_size=2, max_size=4), context=st.sampled_from([4096, 65_536]))
@settings(deadline=None, max_examples=40)
def test_no_other_cut_leaves_the_tightest_device_more(sizes: list[int], context: int) -> None:
    parts = parts_of(LLAMA_70B, context)
    devices = [card(size) for size in sizes]
    placed = over_devices(parts, devices)
    best = placed.tightest.spare
    for index in range(len(devices) - 1):  # moving one block over any border helps nobody
        ends = [item.last for item in placed.devices]
        for step in (-1, 1):
            moved = list(ends)
            moved[index] += step
            if sorted(moved) != moved or moved[0] < 0 or moved[-1] != parts.blocks:
                continue
            assert _spare(parts, devices, moved) <= best


def _spare(parts, devices, ends) -> int:  # type: ignore[no-untyped-def]
    spare, start = [], 0
    last = max(index for index, end in enumerate(ends) if end > ([0, *ends])[index])
    for index, (device, end) in enumerate(zip(devices, ends, strict=True)):
        if end > start:
            taken = sum(parts.block_bytes()[start:end]) + parts.compute + (parts.output if index == last else 0)
            spare.append(device.size.value - device.kept_free - taken)
        start = end
    return min(spare)


def test_two_cards_are_not_one_of_twice_the_size() -> None:
    """48 GiB that hold 47.9 GiB of weights as one pool do not hold them as two cards with what each keeps free."""
    need = needs(LLAMA_70B, 26_000)
    parts = model_parts(LLAMA_70B, need)
    assert over_devices(parts, [card(48)]).fits
    assert not over_devices(parts, [card(24), card(24)]).fits
    assert over_devices(parts_of(LLAMA_70B, 16_384), [card(24), card(24)]).fits


def test_a_dense_model_moves_blocks_a_mixture_its_experts() -> None:
    dense = partial(parts_of(LLAMA_70B), [card(24)], ram(64))
    assert dense.mode is Mode.PARTIAL
    assert dense.host is not None
    assert dense.host.last == dense.devices[0].first
    assert dense.devices[0].last == 80
    mixed = partial(parts_of(QWEN_30B), [card(12)], ram(64))
    assert mixed.mode is Mode.EXPERTS
    assert mixed.blocks_on_devices == 48
    assert mixed.host is not None
    assert mixed.host.kv_cache == 0
    assert placement_flags(mixed) == ("-ngl all", f"--n-cpu-moe {mixed.host.experts_of}")
    assert placement_flags(dense) == (f"-ngl {dense.blocks_on_devices + 1}",)


def test_one_block_less_would_do_and_one_more_would_not() -> None:
    parts = parts_of(LLAMA_70B)
    placed = partial(parts, [card(24)], ram(64))
    held = placed.devices[0]
    assert 0 <= held.spare < parts.block_bytes()[held.first - 1]


def test_experts_that_are_not_enough_give_way_to_whole_blocks() -> None:
    placed = partial(parts_of(QWEN_30B, 131_072), [card(6)], ram(64))
    assert placed.mode is Mode.PARTIAL
    assert placed.fits


def test_nothing_on_the_device_takes_nothing_of_it() -> None:
    placed = partial(parts_of(LLAMA_70B), [card(1)], ram(64))
    assert placed.devices[0].total == 0
    assert placed.host is not None
    assert (
        placed.host.weights == parts_of(LLAMA_70B).input + sum(parts_of(LLAMA_70B).weights) + parts_of(LLAMA_70B).output
    )
    assert placement_flags(placed) == ("-ngl 0",)


def test_without_main_memory_what_is_missing_is_told() -> None:
    placed = place(parts_of(LLAMA_70B), [card(24)])
    assert not placed.fits
    assert placed.tightest.left < -15 * GIB


def test_a_tensor_split_cuts_alike() -> None:
    placed = place(parts_of(LLAMA_70B), [card(24), card(24)], split="tensor")
    assert placed.mode is Mode.TENSOR
    one, other = placed.devices
    assert (one.weights, one.kv_cache) == (other.weights, other.kv_cache)
    assert placement_flags(placed) == ("-ngl all", "-sm tensor", "-ts 50,50")


def test_the_flags_name_blocks_and_the_output_as_one_more() -> None:
    placed = over_devices(parts_of(LLAMA_70B), [card(24), card(24)])
    counts = placement_flags(placed)[1].removeprefix("-ts ").split(",")
    assert sum(int(count) for count in counts) == 81


def test_a_tensor_split_is_refused_where_the_engine_would_not_start() -> None:
    from truelimit.perf.kv_cache import CacheSettings
    from truelimit.perf.memory import MemorySettings

    plain = MemorySettings(CacheSettings(4096))
    assert tensor_split_refused("llama", plain) is None
    assert "flash attention" in (
        tensor_split_refused("llama", MemorySettings(plain.cache, flash_attention=False)) or ""
    )
    eight = MemorySettings(CacheSettings(4096, kv_type_k="q8_0", kv_type_v="q8_0"))
    assert "quantised" in (tensor_split_refused("llama", eight) or "")
    assert "deepseek2" in (tensor_split_refused("deepseek2", plain) or "")


def test_an_unknown_split_or_no_device_is_refused() -> None:
    with pytest.raises(ValueError, match="rows"):
        place(parts_of(LLAMA_70B), [card(24)], split="rows")
    with pytest.raises(ValueError, match="0 devices"):
        place(parts_of(LLAMA_70B), [])


@given(total=st.integers(0, 10**12), count=st.integers(1, 500))
def test_even_parts_sum_up(total: int, count: int) -> None:
    parts = even(total, count)
    assert sum(parts) == total
    assert max(parts) - min(parts) <= 1


@given(sizes=st.lists(st.integers(0, 10**9), min_size=1, max_size=50), total=st.integers(0, 10**12))
def test_scaled_parts_sum_up(sizes: list[int], total: int) -> None:
    found = scale(sizes, total)
    assert sum(found) == total
    assert all(part >= 0 for part in found)
