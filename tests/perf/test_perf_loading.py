"""Loading, energy, and several models in one memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truelimit.domain.provenance import Basis, Known
from truelimit.perf.energy import READING, WAITING, WRITING, energy_of_answer
from truelimit.perf.load_time import DISK, load_calculation, load_interval, restore_calculation, tokens_kept
from truelimit.perf.residency import Resident, residency
from truelimit.units import GB, GIB, Bytes, BytesPerSecond, Watts


def told(value: float, basis: Basis = Basis.SPECIFIED) -> Known[BytesPerSecond]:
    return Known(BytesPerSecond(value), "told", basis)


WEIGHTS = Known(Bytes(30 * GB), "table", Basis.SPECIFIED)


def test_the_slower_of_drive_and_link_sets_a_load() -> None:
    assert load_calculation(WEIGHTS, told(3 * GB), None).result == pytest.approx(10)
    assert load_calculation(WEIGHTS, told(3 * GB), told(1 * GB)).result == pytest.approx(30)
    assert load_calculation(WEIGHTS, told(3 * GB), told(64 * GB)).result == pytest.approx(10)


def test_an_assumed_drive_says_so_and_spans_what_occurs() -> None:
    made = load_calculation(WEIGHTS, DISK, None)
    assert made.basis is Basis.ASSUMED
    low, high = load_interval(float(made.result), DISK)
    assert (low, high) == pytest.approx((30 / 7, 30))
    near, far = load_interval(10, told(3 * GB))
    assert 8 < near < 10 < far < 12


def test_a_conversation_comes_back_over_the_link() -> None:
    cache = Known(Bytes(12 * GIB), "cache", Basis.DERIVED)
    assert restore_calculation(cache, told(25 * GB)).result == pytest.approx(12 * GIB / 25e9)


def test_the_storys_prompt_cache_holds_a_third_of_its_context() -> None:
    assert tokens_kept(8192 * 2**20, 98_304) == 87_381
    assert tokens_kept(8 * GIB, 0.0) == 0


def test_energy_is_power_times_time_with_assumed_shares() -> None:
    power = Known(Watts(300.0), "table", Basis.SPECIFIED)
    made = energy_of_answer(power, 100.0, 500, Known(50.0, "a rate", Basis.DERIVED), "a test")
    assert made.joules == pytest.approx(300 * (READING * 100 + WRITING * 10))
    assert made.low < made.joules < made.high
    assert made.high == pytest.approx(300 * (100 + 0.9 * 10))
    assert made.calculation.basis is Basis.ASSUMED


def test_the_least_recently_used_model_leaves_first() -> None:
    models = [Resident("old", 10), Resident("young", 8), Resident("asked", 12)]
    all_stay = residency(models, 30)
    assert (all_stay.fits, all_stay.left) == (True, 0)
    one_leaves = residency(models, 25)
    assert [item.name for item in one_leaves.evicted] == ["old"]
    assert (one_leaves.fits, one_leaves.left, one_leaves.total) == (False, 5, 30)
    alone = residency(models, 11)
    assert [item.name for item in alone.kept] == ["asked"]
    assert (alone.left, alone.fits) == (-1, False)


@given(sizes=st.lists(st.integers(1, 100), min_size=1, max_size=6), room=st.integers(0, 400))
def test_who_stays_fits_or_is_the_last(sizes: list[int], room: int) -> None:
    models = [Resident(str(index), size) for index, size in enumerate(sizes)]
    made = residency(models, room)
    assert [*made.evicted, *made.kept] == models
    assert made.left >= 0 or len(made.kept) == 1


def test_of_several_devices_with_blocks_in_turn_one_works_at_a_time() -> None:
    rate = Known(50.0, "a rate", Basis.DERIVED)
    one = energy_of_answer(Known(Watts(300.0), "a card", Basis.SPECIFIED), 100.0, 500, rate, "a test")
    four = energy_of_answer(Known(Watts(1200.0), "four cards", Basis.SPECIFIED), 100.0, 500, rate, "a test", 4)
    waiting = 3 * 300 * WAITING * (100 + 500 / 50)
    assert four.joules == pytest.approx(one.joules + waiting)
    assert four.low < four.joules < four.high
    assert next(term.basis for term in four.calculation.terms if term.name == "waiting_share") is Basis.ASSUMED
