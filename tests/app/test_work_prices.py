"""Of what a machine's price is, in a verdict."""

from __future__ import annotations

from datetime import date

import pytest

from truelimit.app.work_options import priced
from truelimit.tables.machines import entry
from truelimit.workload.options import Kind, Option


@pytest.mark.parametrize(
    ("name", "cards"), [("rx-7900-xt", 1), ("pc-rtx-5090", 1), ("pc-2x-rtx-3090", 2), ("dgx-spark", 0)]
)
def test_a_price_of_cards_says_of_how_many(name: str, cards: int) -> None:
    made = priced(Option(name, name, Kind.MACHINE, ()), entry(name), date(2026, 11, 1))
    assert (made.cards, made.cards_alone) == (cards, cards > 0)
