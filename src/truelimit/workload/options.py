"""An option that the work is replayed on: stacks, who goes to which, what it costs, what its numbers rest on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from truelimit.domain.provenance import Basis
from truelimit.workload.columns import Flags
from truelimit.workload.stack import ReplayStack


class Kind(StrEnum):
    """What has to be done for an option, in the order of what people try first."""

    NOTHING = "nothing"
    FIX = "config-fix"
    BY_HAND = "step-by-hand"
    SETTING = "cache-type"
    FILE = "quantization"
    GATEWAY = "gateway"
    CLOUD = "cloud-route"
    MACHINE = "machine"
    TWO = "two-machines"


@dataclass(frozen=True, slots=True)
class Leg:
    """One stack and the requests that go to it; ``picked`` None: all of them."""

    stack: ReplayStack
    picked: Flags | None = None


@dataclass(frozen=True, slots=True)
class Option:
    """One thing that one may do. ``legs`` are empty where it cannot be replayed; ``unknown`` says why.

    ``open_legs`` are those where work that nobody called private may leave the house as well (None: the same).
    ``as_is`` are the legs of a machine with the limits of today's configuration. ``usd_now`` None: no dated price;
    ``cards``: that is the price of so many cards, without the computer around them (0: of the whole).
    ``watts`` None: not known; ``watts_of``, ``watts_basis``: where they are told and how they are known.
    ``shipped`` False: it cannot be had yet. ``basis`` says what its rates rest on.
    """

    id: str
    name: str
    kind: Kind
    legs: tuple[Leg, ...]
    usd_now: float | None = 0.0
    price_of: str = ""
    watts: float | None = None
    watts_of: str = ""
    watts_basis: Basis = Basis.SPECIFIED
    basis: str = ""
    open_legs: tuple[Leg, ...] | None = None
    as_is: tuple[Leg, ...] | None = None
    shipped: bool = True
    notes: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    named: bool = False
    idle: str = ""
    cards: int = 0

    @property
    def cards_alone(self) -> bool:
        """Whether the price is of cards, without the computer around them."""
        return self.cards > 0


@dataclass(frozen=True, slots=True)
class Within:
    """A number with the interval that rates and unknown privacy allow."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Sent:
    """Tokens of all the recorded work that a provider counts: read anew, read from its cache, written.

    ``prices`` are USD a token of each. ``uncached`` is USD a month where its cache holds nothing.
    """

    new: float
    cached: float
    output: float
    prices: tuple[float, float, float]
    uncached: float


@dataclass(frozen=True, slots=True)
class Result:
    """What an option comes to: counts of requests, hours of waiting and USD, with intervals.

    ``other`` are refused for another reason (no room, not allowed, gone). ``usd_month`` is power and tokens.
    ``unlocks`` counts requests that complete here and on nothing that is cheaper and can be had.
    ``done_as_is`` are those that complete on this machine with today's configuration.
    ``bought_week``: hours a week that one waits for what is bought or rented alone. ``sent``: what a provider counts,
    None for what is no provider.
    ``cost`` is USD now and over the years together, None where a price is not known; a month that is not known is not
    in it.
    """

    option: Option
    known: int
    done: Within
    overflow: Within
    truncated: Within
    timed_out: Within
    other: Within
    hours_week: Within
    usd_now: float | None
    usd_month: float | None
    unlocks: Within
    done_as_is: Within | None
    cost: float | None
    bought_week: float = 0.0
    sent: Sent | None = None

    @property
    def share(self) -> Within:
        """The share of the known requests that complete, 0 to 1."""
        if not self.known:
            return Within(0.0, 0.0, 0.0)
        return Within(self.done.value / self.known, self.done.low / self.known, self.done.high / self.known)
