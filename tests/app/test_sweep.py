"""The sweep: every point is what the plan says, in closed form."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limits.limits_builders import header, mac, published
from perf.placement_models import LLAMA_70B, MODELS, cards
from truelimit.app.plan import bare_stack, plan
from truelimit.app.plan_parts import Wanted
from truelimit.app.sweep import Axes, Series, sweep
from truelimit.app.sweep_along import along
from truelimit.domain.facts import Stack
from truelimit.limits.rates_estimated import Calibrated
from truelimit.tables.accelerators import accelerator
from truelimit.tables.calibration import calibration
from truelimit.units import GIB, Tokens


def stack(name: str = "experts", **changes: Any) -> Stack:
    return replace(bare_stack(MODELS[name], mac(64), (published(),)), **changes)


def one(stack: Stack, contexts: tuple[int, ...], **wanted: Any) -> Series:
    (found,) = sweep(stack, Wanted(Tokens(1), **wanted), Axes(contexts))
    assert found.error == ""
    return found


@given(
    name=st.sampled_from(sorted(MODELS)),
    contexts=st.sets(st.integers(1, 131_072), min_size=1, max_size=60),
    slots=st.sampled_from([(None, None), (3, True), (3, False)]),
    kv_type=st.sampled_from([None, "q8_0"]),
)
@settings(deadline=None, max_examples=25)
def test_every_point_is_what_the_plan_says(name: str, contexts: set[int], slots: Any, kv_type: str | None) -> None:
    own, found = stack(name), tuple(sorted(contexts))
    asked: dict[str, Any] = {"slots": slots[0], "unified": slots[1], "kv_type": kv_type}
    series = one(own, found, **asked)
    for index in {0, len(found) // 2, len(found) - 1}:
        made = plan(own, Wanted(Tokens(found[index]), **asked))
        assert series.total[index] == made.total
        assert series.headroom is not None
        assert series.headroom[index] == made.room.headroom  # type: ignore[union-attr]


def test_rates_are_the_plans() -> None:
    own = bare_stack(header(), mac(), (published(),))
    contexts = (1024, 65_536, 262_144)
    series = one(own, contexts)
    for index, context in enumerate(contexts):
        made = plan(own, Wanted(Tokens(context)))
        value, low, high, basis = made.prefill_seconds  # type: ignore[misc]
        width = 1 + series.seconds_width[index]  # type: ignore[index]
        assert series.seconds[index] == pytest.approx(value)  # type: ignore[index]
        assert (series.seconds[index] / width, series.seconds[index] * width) == pytest.approx((low, high))  # type: ignore[index]
        assert series.seconds_basis == basis


def test_the_upper_end_of_writing_is_that_of_the_plan() -> None:
    card = accelerator("rtx-4090")
    assert card is not None
    machine = replace(cards(48), accelerators=(card,))
    own = replace(bare_stack(LLAMA_70B, machine, ()), estimator=Calibrated(calibration()))
    contexts = (512, 4096, 32_768)
    series = one(own, contexts)
    for index, context in enumerate(contexts):
        rate = plan(own, Wanted(Tokens(context))).decode[2][1]
        assert rate is not None
        assert series.decode[index] == pytest.approx(rate.value)  # type: ignore[index]
        assert series.decode_high[index] == pytest.approx(rate.high)  # type: ignore[index]
        assert series.decode[index] / (1 + series.decode_width[index]) == pytest.approx(rate.low)  # type: ignore[index]


def test_several_devices_are_placed_at_every_point() -> None:
    own = bare_stack(LLAMA_70B, cards(24, 24), ())
    contexts = tuple(range(256, 40_961, 256))
    series = one(own, contexts)
    for index in (0, 17, 63, 95, 158):
        made = plan(own, Wanted(Tokens(contexts[index])))
        assert series.headroom[index] == made.room.headroom  # type: ignore[index, union-attr]


def test_what_lies_in_main_memory_is_reckoned_at_every_point() -> None:
    card = accelerator("rtx-4090")
    assert card is not None
    machine = replace(cards(24, main=96), accelerators=(card,))
    own = replace(bare_stack(LLAMA_70B, machine, ()), estimator=Calibrated(calibration()))
    contexts = (1024, 16_384, 65_536)
    series = one(own, contexts)
    for index, context in enumerate(contexts):
        made = plan(own, Wanted(Tokens(context)))
        assert series.decode[index] == pytest.approx(made.decode[2][1].value)  # type: ignore[index, union-attr]
        assert series.seconds[index] == pytest.approx(made.prefill_seconds[0])  # type: ignore[index]


PLACED = [
    ("dense", (24.0,), 96),
    ("dense", (12.0, 16.0), 64),
    ("experts", (12.0,), 64),
    ("windows", (8.0,), 64),
    ("windows", (24.0,), 64),
    ("dense", (24.0, 24.0), None),
]


@given(
    case=st.sampled_from(PLACED),
    contexts=st.sets(st.integers(1, 131_072), min_size=1, max_size=8),
    asked=st.sampled_from([{}, {"kv_type": "q8_0"}, {"slots": 3, "unified": True}, {"slots": 2, "unified": False}]),
    offload=st.booleans(),
)
@settings(deadline=None, max_examples=40)
def test_all_points_over_several_memories_are_what_the_plan_says(
    case: tuple[str, tuple[float, ...], int | None], contexts: set[int], asked: dict[str, Any], offload: bool
) -> None:
    name, gib, main = case
    card = accelerator("rtx-4090")
    assert card is not None
    machine = replace(cards(*gib, main=main), accelerators=(card,) * len(gib))
    own = replace(bare_stack(MODELS[name], machine, ()), estimator=Calibrated(calibration()))
    wanted = asked | {"offload": offload and main is not None}
    found = tuple(sorted(contexts))
    series = one(own, found, **wanted)
    for index, context in enumerate(found):
        made = plan(own, Wanted(Tokens(context), **wanted))
        assert (series.total[index], series.headroom[index]) == (made.total, made.room.headroom)  # type: ignore[index, union-attr]
        rate, wait = made.decode[2][1], made.prefill_seconds
        assert rate is not None
        assert wait is not None
        width, longer = 1 + series.decode_width[index], 1 + series.seconds_width[index]  # type: ignore[index]
        told = series.decode[index], series.decode[index] / width, series.decode_high[index]  # type: ignore[index]
        assert told == pytest.approx((rate.value, rate.low, rate.high), rel=1e-9)
        waits = series.seconds[index], series.seconds[index] / longer, series.seconds[index] * longer  # type: ignore[index]
        assert waits == pytest.approx(wait[:3], rel=1e-9)


def test_devices_of_two_kinds_are_reckoned_at_every_point() -> None:
    kinds = [accelerator(name) for name in ("rtx-4090", "rtx-3090")]
    machine = replace(cards(24, 24), accelerators=tuple(kind for kind in kinds if kind))
    own = replace(bare_stack(LLAMA_70B, machine, ()), estimator=Calibrated(calibration()))
    contexts = (1024, 8192, 32_768)
    series = one(own, contexts)
    for index, context in enumerate(contexts):
        made = plan(own, Wanted(Tokens(context)))
        assert series.decode[index] == pytest.approx(made.decode[2][1].value)  # type: ignore[index, union-attr]
        assert series.seconds[index] == pytest.approx(made.prefill_seconds[0])  # type: ignore[index]


def test_many_points_with_a_part_in_main_memory_are_placed_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each point of its own took 4 ms: a million of them, over an hour."""
    from truelimit.limits.pools import Budget

    card, asked = accelerator("rtx-4090"), []
    assert card is not None
    machine = replace(cards(24, main=96), accelerators=(card,))
    own = replace(bare_stack(LLAMA_70B, machine, ()), estimator=Calibrated(calibration()))
    placement = Budget.placement
    monkeypatch.setattr(Budget, "placement", lambda pool, need: asked.append(need) or placement(pool, need))
    series = one(own, tuple(range(1, 131_073, 4)))
    assert len(series.decode) == 32_768  # type: ignore[arg-type]
    assert len(asked) < 20


def test_all_combinations_come_in_order() -> None:
    axes = Axes((4096,), (mac(64), mac(128, None)), ("Q4_K_M", "Q8_0"), ("f16", "q8_0"), (1, 2))
    found = list(sweep(stack(), Wanted(Tokens(4096)), axes))
    assert len(found) == axes.points == 16
    assert [(item.quant, item.kv_type, item.slots) for item in found[:4]] == [
        ("Q4_K_M", "f16", 1),
        ("Q4_K_M", "f16", 2),
        ("Q4_K_M", "q8_0", 1),
        ("Q4_K_M", "q8_0", 2),
    ]
    assert found[0].total[0] < found[4].total[0]


def test_a_machine_of_each_series_has_its_own_pool() -> None:
    found = list(sweep(stack(), Wanted(Tokens(4096)), Axes((4096,), (cards(24), cards(48)))))
    assert found[1].headroom[0] - found[0].headroom[0] == 24 * GIB  # type: ignore[index]


def test_what_cannot_be_planned_says_why_and_the_rest_goes_on() -> None:
    axes = Axes((4096,), quants=("Q4_K_M", "Q9_9"))
    good, bad = sweep(stack(), Wanted(Tokens(4096)), axes)
    assert good.error == ""
    assert "Q9_9" in bad.error
    assert bad.total == ()


@pytest.mark.parametrize("axes", [Axes(()), Axes(tuple(range(1, 3000)), quants=("Q4_K_M",) * 10_000)])
def test_too_many_or_no_points_are_refused(axes: Axes) -> None:
    with pytest.raises(ValueError, match="points; expected 1 to"):
        next(sweep(stack(), Wanted(Tokens(1)), axes))


def test_memory_is_asked_only_where_it_bends() -> None:
    asked: list[int] = []

    def ask(context: int) -> tuple[int, int]:
        asked.append(context)
        return 98_304 * context + 1024 * min(context, 1536), 7

    contexts = tuple(range(512, 1_000_001, 1))
    total, other = along(contexts, ask)
    assert len(asked) < 100
    assert total[0] == ask(512)[0]
    assert total[999_488] == ask(1_000_192)[0]
    assert set(other) == {7}
