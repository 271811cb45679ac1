"""The table of providers' models: overlay and package joined, names found, the nearest ones offered."""

from __future__ import annotations

import pytest

from truelimit.app.audit import mentions
from truelimit.app.cloud import UnknownModelError, find, joined
from truelimit.domain.claims import StatedClaim
from truelimit.domain.cloud import CloudModel, DatedPrices, Milestone, PriceTier
from truelimit.domain.provenance import Basis, Known
from truelimit.units import Tokens

PRICES = (DatedPrices(None, (PriceTier(Tokens(0), 1.0, None, 2.0),), "package"),)
OWN = CloudModel("a-1", "p", "A One", "2026-11-22", "page", aliases=("a-latest",))
PACKAGED = CloudModel(
    "A-1", "p", "A", "2026-11-09", "package", context=Known(Tokens(1000), "package", Basis.REPORTED), prices=PRICES,
    deprecated=Milestone("", "package"),
)  # fmt: skip
OTHER = CloudModel("b-2", "q", "B", "2026-11-09", "package")


def test_the_package_fills_what_the_overlay_leaves_open() -> None:
    table = joined((OWN,), (PACKAGED, OTHER))
    (item,) = table.chosen
    assert item.prices == PRICES
    assert item.context is not None
    assert item.context.value == 1000
    assert item.deprecated is not None
    assert item.as_of == "2026-11-09"
    assert table.others == (OTHER,)


def test_another_provider_of_the_same_name_is_another_model() -> None:
    stranger = CloudModel("a-1", "z", "A", "2026-11-09", "package", prices=PRICES)
    assert joined((OWN,), (stranger,)).chosen[0].prices == ()


@pytest.mark.parametrize("name", ["a-1", "A One", "a-latest", "p/a-1", " A-LATEST "])
def test_a_model_is_found_by_any_of_its_names(name: str) -> None:
    assert find(joined((OWN,), (OTHER,)), name).id == "a-1"


def test_an_unknown_name_is_offered_the_nearest() -> None:
    with pytest.raises(UnknownModelError, match="nearest: a-latest"):
        find(joined((OWN,), (OTHER,)), "a-lastet")


def test_the_package_is_asked_only_where_a_claim_may_need_it() -> None:
    assert mentions([StatedClaim("A-latest: 1M context")], (OWN,))
    assert not mentions([StatedClaim("70B on spork")], (CloudModel("zeta-1", "p", "Zeta", "2026-11-22", "s"),))
