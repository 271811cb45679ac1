"""What advice is made from and of: candidates with their estimates; the shortlist, and what was left out and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from truelimit.advice.profile import Job
from truelimit.domain.calculation import Calculation
from truelimit.domain.estimates import Tier
from truelimit.domain.machine import Price
from truelimit.domain.provenance import Basis
from truelimit.units import Bytes, Tokens, Watts


class Limit(StrEnum):
    """What keeps a machine from doing the work."""

    MEMORY = "memory"
    TIME = "time"
    DECODE = "decode"
    NONE = "none"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Span:
    """A value with its 90 % interval, its basis and what it rests on."""

    value: float
    low: float
    high: float
    basis: Basis
    tier: Tier | None = None


@dataclass(frozen=True, slots=True)
class Performance:
    """How one job does on one machine, by the numbers of ``truelimit plan``.

    ``fits`` None: not known, ``reason`` says why; where it fits, what of it lies in main memory beside the cards.
    ``headroom`` in bytes, ``decode`` in tokens/s at the job's context,
    ``prefill`` in seconds for a cold prompt of the job's context, ``outside`` the bytes in main memory beside cards.
    """

    job: Job
    fits: bool | None
    reason: str = ""
    headroom: int | None = None
    largest_context: Tokens | None = None
    decode: Span | None = None
    prefill: Span | None = None
    outside: int = 0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A machine that could be bought, or the one that is owned. ``memory`` is what models may use of it, in bytes.

    ``price`` is the newest dated one, ``price_is_old`` whether it must be looked up again. ``quiet`` None: not known.
    ``no_longer_sold`` is since when (ISO month or year): its price was the last one.
    ``cards`` counts its accelerators; ``cards_alone``: the price is of them, not of the computer around them.
    ``named``: a person asked for this very machine. ``main_memory`` is what it has beside its cards, in bytes.
    """

    id: str
    name: str
    price: Price | None
    price_is_old: bool
    power: Watts | None
    memory: Bytes
    operating_systems: tuple[str, ...]
    backends: tuple[str, ...]
    quiet: bool | None
    performances: tuple[Performance, ...]
    notes: tuple[str, ...] = ()
    no_longer_sold: str | None = None
    cards: int = 1
    cards_alone: bool = False
    named: bool = False
    main_memory: Bytes | None = None


@dataclass(frozen=True, slots=True)
class Recommended:
    """A machine of the shortlist: why it is there, what it cannot do, what it costs over the years."""

    candidate: Candidate
    because: tuple[str, ...]
    cannot: tuple[str, ...]
    cost: Calculation


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A machine that is not on the shortlist, why, and the figures of its case."""

    id: str
    name: str
    why: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CloudCost:
    """What a cloud model would cost for the same work: USD a month, and over the years of the profile."""

    model: str
    context: Tokens | None
    monthly: Calculation | None
    over_years: Calculation | None
    why_not: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Advice:
    """One sentence, what binds today, the shortlist on the Pareto front, what was left out, the cloud beside it."""

    sentence: str
    keep: bool
    limit_today: Limit
    limit_reasons: tuple[str, ...]
    shortlist: tuple[Recommended, ...]
    left_out: tuple[LeftOut, ...]
    cloud: tuple[CloudCost, ...] = ()
    calculations: tuple[Calculation, ...] = ()
    notes: tuple[str, ...] = ()
