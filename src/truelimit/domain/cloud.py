"""Models that a provider serves: windows, prices, limits, free tiers and ends, each with a date."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from truelimit.domain.frozen import dataclass

if TYPE_CHECKING:
    from truelimit.domain.provenance import Known
    from truelimit.units import Tokens

STALE_DAYS = 90


@dataclass(frozen=True, slots=True)
class PriceTier:
    """USD for a million tokens of a request whose prompt is longer than ``above`` tokens; None: not told.

    The prices are those of every token of such a request, not of the tokens beyond the step alone.
    """

    above: Tokens
    input: float | None
    cached_input: float | None
    output: float | None


@dataclass(frozen=True, slots=True)
class DatedPrices:
    """The price tiers that hold from a day on (ISO date; None: from the first). The first tier is above 0."""

    since: str | None
    tiers: tuple[PriceTier, ...]
    source: str


@dataclass(frozen=True, slots=True)
class FreeTier:
    """What is free: requests and tokens in a time, whether prompts may train models, and since when it ended."""

    what: str
    source: str
    as_of: str
    requests_per_minute: Known[int] | None = None
    requests_per_day: Known[int] | None = None
    tokens_per_minute: Known[int] | None = None
    tokens_per_month: Known[int] | None = None
    trains_on_prompts: bool | None = None
    ended: str | None = None


@dataclass(frozen=True, slots=True)
class RateLimit:
    """The tokens that a provider lets in a minute, over all requests of an account of some tier (``what``).

    ``counts_cached``: whether tokens count that its cache held; where that is not told, they do. ``as_of``: ISO date.
    """

    tokens_per_minute: Known[int]
    what: str
    as_of: str
    counts_cached: bool = True


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast a provider answers, in tokens/s, as somebody published it; None: nobody did.

    ``spread`` is the relative half-width h of the interval that is reckoned with (value / (1 + h) to value * (1 + h)).
    """

    as_of: str
    spread: float
    reads: Known[float] | None = None
    writes: Known[float] | None = None


@dataclass(frozen=True, slots=True)
class Milestone:
    """A day in a model's life (deprecated, shut down) and where it was read."""

    date: str
    source: str


@dataclass(frozen=True, slots=True)
class CloudModel:
    """One model of one provider. ``as_of`` is when the entry was last checked (ISO date), ``source`` where.

    ``deprecated`` without a day is a milestone whose date is empty. ``successor`` is the id that the provider names.
    ``max_input``: the longest prompt, where the provider states one below its window.
    """

    id: str
    provider: str
    name: str
    as_of: str
    source: str
    aliases: tuple[str, ...] = ()
    context: Known[Tokens] | None = None
    max_output: Known[Tokens] | None = None
    prices: tuple[DatedPrices, ...] = ()
    rate_limits: tuple[str, ...] = ()
    free_tier: FreeTier | None = None
    deprecated: Milestone | None = None
    shutdown: Milestone | None = None
    successor: str | None = None
    notes: tuple[str, ...] = ()
    max_input: Known[Tokens] | None = None
    limit: RateLimit | None = None
    speed: Speed | None = None

    def prices_on(self, day: date) -> DatedPrices | None:
        """Return the prices that hold on a day, or None where none are known."""
        held = [item for item in self.prices if item.since is None or date.fromisoformat(item.since) <= day]
        return held[-1] if held else None

    def age(self, today: date) -> int:
        """Return the age of the entry in days, never below 0."""
        return max(0, (today - date.fromisoformat(self.as_of)).days)

    def is_stale(self, today: date) -> bool:
        """Whether the entry was last checked more than 90 days ago."""
        return self.age(today) > STALE_DAYS

    def is_shut_down(self, today: date) -> bool:
        """Whether the provider has ended it by ``today``."""
        return self.shutdown is not None and date.fromisoformat(self.shutdown.date) <= today
