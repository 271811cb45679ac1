"""The way between main memory and a card: the machine's own link, and what copies reach of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from truelimit.app.plan import Around, bare_stack, plan
from truelimit.app.plan_parts import ModelPlan, Wanted
from truelimit.app.sweep import Axes, sweep
from truelimit.domain.facts import Stack
from truelimit.domain.machine import Link
from truelimit.domain.provenance import Basis, Known
from truelimit.limits.host_link import copy_rate, host_link
from truelimit.limits.rates_estimated import Calibrated
from truelimit.tables.calibration import calibration
from truelimit.tables.loader import machine
from truelimit.tables.models import model
from truelimit.units import Tokens, from_gb_per_s, from_gib

WANTED = Wanted(Tokens(65_536), prompt_cache=from_gib(8))


def own(rate: float | None, name: str = "PCIe") -> Stack:
    header = model("gpt-oss-120b")
    assert header is not None
    link = None if rate is None else Link(name, Known(from_gb_per_s(rate), "a test", Basis.SPECIFIED))
    stack = bare_stack(header, replace(machine("pc-rtx-5090"), link=link), ())
    return replace(stack, estimator=Calibrated(calibration()))


def made(rate: float | None) -> ModelPlan:
    return plan(own(rate), WANTED, Around())


def seconds(rate: float | None) -> float:
    found = made(rate)
    assert found.prefill_seconds is not None
    return found.prefill_seconds[0]


def test_a_slower_link_reads_slower() -> None:
    slow, usual, fast = (seconds(rate) for rate in (2, 15.8, 63))
    assert slow > 5 * usual
    assert usual > 2 * fast


def test_the_copies_are_a_calculation_with_the_link_as_its_term() -> None:
    counted = next(item for item in made(15.8).calculations if "link_share" in item.formula)
    terms = {term.name: term for term in counted.terms}
    assert (terms["link"].value, terms["link"].basis) == (15.8e9, Basis.SPECIFIED)
    assert (terms["link_share"].value, terms["link_share"].basis) == (0.8, Basis.ASSUMED)
    assert counted.result == pytest.approx(terms["copied"].value / (15.8e9 * 0.8))


def test_the_usual_link_is_assumed_only_where_none_is_told() -> None:
    assert host_link(own(None).machine).basis is Basis.ASSUMED
    assert seconds(None) == pytest.approx(seconds(31.5))


@pytest.mark.parametrize("name", ["NVLink 4", "Infinity Fabric", "200 GbE (ConnectX-7)"])
def test_what_joins_cards_or_boxes_is_not_the_way_to_main_memory(name: str) -> None:
    assert copy_rate(own(450, name).machine) == copy_rate(own(None).machine)


def test_an_old_conversation_comes_back_over_the_same_link() -> None:
    slow, fast = made(2).restore, made(63).restore
    assert slow is not None
    assert fast is not None
    assert slow.seconds == pytest.approx(fast.seconds * 63 / 2)


@pytest.mark.parametrize("rate", [2, 15.8, 63])
def test_the_sweep_says_what_the_plan_says(rate: float) -> None:
    contexts = (8192, 65_536)
    series = next(sweep(own(rate), WANTED, Axes(contexts)))
    assert series.seconds is not None
    assert series.seconds[1] == pytest.approx(seconds(rate))
