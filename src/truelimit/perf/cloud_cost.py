"""What a request to a provider's model costs."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from truelimit.domain.calculation import Calculation, Term, calculate
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis

if TYPE_CHECKING:
    from truelimit.domain.cloud import CloudModel, PriceTier

MILLION = 1_000_000


class UnknownPriceError(ValueError):
    """The price of a model is not known: says of which tokens."""


def cost(model: CloudModel, input_tokens: int, cached_tokens: int, output_tokens: int, today: date) -> Calculation:
    """Return the USD of one request; ``cached_tokens`` are those of ``input_tokens`` that are read from a cache.

    The tier is that of the whole prompt. Where no price of cached input is told, cached tokens cost as much as others.
    Raises ValueError for tokens below 0 or more cached than read, UnknownPriceError where a price is not known.
    """
    if min(input_tokens, cached_tokens, output_tokens) < 0 or cached_tokens > input_tokens:
        raise ValueError(
            said(
                "tokens must be 0 or more, and no more of them cached ({cached_tokens}) than read",
                cached_tokens=cached_tokens,
            )
        )
    tier, source = _tier(model, input_tokens, today)
    if tier.input is None or tier.output is None:
        raise UnknownPriceError(said("{id}: the price of its tokens is not known", id=model.id))
    cached = tier.input if tier.cached_input is None else tier.cached_input
    where = said("{source}, prompts above {above:,} tokens", source=source, above=tier.above) if tier.above else source
    return calculate(
        "((input_tokens - cached_tokens) * input_price + cached_tokens * cached_price + output_tokens * output_price)"
        " / million",
        "USD",
        Term("input_tokens", input_tokens, "tokens", said("the request"), Basis.SPECIFIED),
        Term("cached_tokens", cached_tokens, "tokens", said("the request"), Basis.SPECIFIED),
        Term("input_price", tier.input, said("USD per million tokens"), where, Basis.SPECIFIED),
        Term("cached_price", cached, said("USD per million tokens"), where, Basis.SPECIFIED),
        Term("output_tokens", output_tokens, "tokens", said("the request"), Basis.SPECIFIED),
        Term("output_price", tier.output, said("USD per million tokens"), where, Basis.SPECIFIED),
        Term("million", MILLION, "tokens", said("unit of the prices"), Basis.SPECIFIED),
    )


def _tier(model: CloudModel, input_tokens: int, today: date) -> tuple[PriceTier, str]:
    held = model.prices_on(today)
    if held is None or not held.tiers:
        raise UnknownPriceError(said("{id}: no price is known", id=model.id))
    return max((tier for tier in held.tiers if tier.above < input_tokens or not tier.above), key=_above), held.source


def _above(tier: PriceTier) -> int:
    return tier.above
