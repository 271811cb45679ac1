"""Entries of the table: filters, sums, prices and their age; what a measurement changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from truelimit.app.machines import (
    Entry,
    Wanted,
    bandwidth,
    cards_alone,
    chosen,
    devices,
    is_stale,
    latest_price,
    memory,
    usable_memory,
    watts,
)
from truelimit.app.measurement import Measurement, with_measurement
from truelimit.domain.machine import Accelerator, DeviceKind, Machine, MemoryPool, PoolKind, Price
from truelimit.domain.provenance import Basis, Known
from truelimit.units import GIB, Bytes, BytesPerSecond, OperationsPerSecond, Usd, Watts

CARD = Accelerator(
    "card",
    "Card",
    "nvidia",
    "nvidia-ada",
    DeviceKind.DISCRETE,
    Known(BytesPerSecond(1e12), "maker", Basis.SPECIFIED),
    power=Known(Watts(300.0), "maker", Basis.SPECIFIED),
    prices=(Price(Usd(800), "2026-09", "used", "shop"),),
)
PROCESSOR = Accelerator("", "Processor", "amd", "cpu", DeviceKind.CPU)


def pool(kind: PoolKind, gib: int, usable: int | None = None) -> MemoryPool:
    share = Known(Bytes(usable * GIB), "rule", Basis.ASSUMED) if usable else None
    return MemoryPool(kind.value, kind, Known(Bytes(gib * GIB), "maker", Basis.SPECIFIED), share)


def box(*pools: MemoryPool, cards: tuple[Accelerator, ...] = (CARD,), **more: object) -> Machine:
    return replace(Machine("Box", None, None, pools, accelerators=cards), **more)


TWO = box(pool(PoolKind.VRAM, 24), pool(PoolKind.VRAM, 24), pool(PoolKind.RAM, 64), cards=(CARD, CARD))


def test_sums_count_what_models_go_to() -> None:
    assert (memory(TWO), usable_memory(TWO)) == (48 * GIB, 48 * GIB)
    assert (bandwidth(TWO), watts(TWO)) == (2e12, 600)
    assert devices(TWO) == ((CARD, 2),)
    unified = box(pool(PoolKind.UNIFIED, 64, 48))
    assert (memory(unified), usable_memory(unified)) == (64 * GIB, 48 * GIB)
    assert memory(box(pool(PoolKind.RAM, 64), cards=(PROCESSOR,))) == 64 * GIB
    assert bandwidth(box(cards=(CARD, PROCESSOR))) is None
    assert watts(box(cards=(CARD, PROCESSOR))) is None
    assert watts(replace(TWO, power=Known(Watts(850.0), "wall", Basis.MEASURED))) == 850


def test_the_latest_price_is_the_machine_s_else_its_one_card_s() -> None:
    assert latest_price(box(pool(PoolKind.VRAM, 24))) == CARD.prices[0]
    assert latest_price(replace(TWO, accelerators=(CARD, PROCESSOR))) is None
    prices = (Price(Usd(5000), "2026-10", "now", "shop"), Price(Usd(3000), "2025", "then", "shop"))
    assert latest_price(replace(TWO, prices=prices)) == prices[0]


@pytest.mark.parametrize(
    ("day", "today", "stale"),
    [
        ("2026-05-01", date(2026, 10, 28), False),
        ("2026-05-01", date(2026, 10, 29), True),
        ("2026-05", date(2026, 11, 27), False),
        ("2026-05", date(2026, 11, 28), True),
        ("2025", date(2026, 6, 29), False),
        ("2025", date(2026, 6, 30), True),
        ("2025-12", date(2026, 6, 29), False),
    ],
)
def test_a_price_is_stale_after_180_days_from_the_end_of_what_its_date_may_mean(
    day: str, today: date, stale: bool
) -> None:
    assert is_stale(Price(Usd(1), day, "", ""), today) is stale


def test_filters() -> None:
    one, two = Entry("one", "machine", box(pool(PoolKind.VRAM, 24))), Entry("two", "machine", TWO)
    slow = Entry("slow", "machine", box(pool(PoolKind.RAM, 64), cards=(PROCESSOR,)))
    every = (one, two, slow)
    assert chosen(every, Wanted()) == every
    assert chosen(every, Wanted(vendor="AMD")) == (slow,)
    assert chosen(every, Wanted(family="nvidia")) == (one, two)
    assert chosen(every, Wanted(kind="cpu")) == (slow,)
    assert chosen(every, Wanted(least=Bytes(48 * GIB))) == (two, slow)


MEASURED = Measurement(
    "Processor",
    Bytes(64 * GIB),
    "2026-11-25",
    8,
    Bytes(GIB),
    BytesPerSecond(6e10),
    BytesPerSecond(5e10),
    OperationsPerSecond(1e12),
)


def test_a_measurement_is_of_main_memory_and_the_processor() -> None:
    found = with_measurement(box(pool(PoolKind.RAM, 64), cards=(PROCESSOR,)), MEASURED)
    rate, ram = found.accelerators[0].bandwidth, found.pools[0].bandwidth
    assert rate is not None
    assert rate == ram
    assert (rate.value, rate.basis) == (6e10, Basis.MEASURED)
    assert "2026-11-25: reads by 8 threads" in rate.where
    matrix = found.accelerators[0].fp16
    assert matrix is not None
    assert (matrix.value, matrix.basis) == (1e12, Basis.MEASURED)


def test_a_measurement_says_nothing_of_a_gpu_or_of_another_machine() -> None:
    found = with_measurement(TWO, MEASURED)
    assert found.accelerators == TWO.accelerators
    assert found.pools[2].bandwidth is not None
    unified = box(pool(PoolKind.UNIFIED, 64, 48))
    assert with_measurement(unified, MEASURED) == unified
    other = box(pool(PoolKind.RAM, 32), cards=(PROCESSOR,))
    assert with_measurement(other, MEASURED) == other
    assert with_measurement(TWO, None) == TWO


def test_arrays_that_the_cache_may_hold_are_said() -> None:
    small = replace(MEASURED, array=Bytes(GIB // 4), cache=Bytes(GIB // 2), add=BytesPerSecond(9e10))
    rate = with_measurement(TWO, small).pools[2].bandwidth
    assert rate is not None
    assert "STREAM add" in rate.where
    assert "the arrays are only 1.5 times the cache" in rate.where


def test_several_cards_cost_their_sum_and_the_price_is_said_to_be_of_them_alone() -> None:
    pc = replace(TWO, id="pc")
    price = latest_price(pc)
    assert price is not None
    assert (price.usd, price.what) == (1600, "2 x Card")
    assert cards_alone(pc)
    assert not cards_alone(replace(pc, prices=(Price(Usd(3000), "2026-10", "whole", "shop"),)))
    assert not cards_alone(replace(TWO, accelerators=(CARD,), id="card"))


def test_unified_memory_for_models_leaves_the_system_its_share_as_plan_does() -> None:
    unified = box(pool(PoolKind.UNIFIED, 128))
    assert usable_memory(unified) == pytest.approx(115.2 * GIB)
