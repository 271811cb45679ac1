"""Claims about speed, memory, price and limits: what somebody says, what is known, and the verdict."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING

from truelimit.domain.frozen import dataclass

if TYPE_CHECKING:
    from truelimit.domain.calculation import Calculation
    from truelimit.domain.estimates import ModelShape
    from truelimit.domain.machine import Accelerator, Price
    from truelimit.domain.model import ModelHeader
    from truelimit.units import Bytes, Tokens


class Verdict(StrEnum):
    """What a claim is worth."""

    IMPOSSIBLE = "impossible-as-stated"
    CONTRADICTED = "contradicted"
    OUTDATED = "outdated"
    UNDERSTATED = "understated"
    NOT_CHECKABLE = "not-checkable"
    PLAUSIBLE = "plausible"


class Quantity(StrEnum):
    """What a number of a claim is about, and so how it is judged."""

    DECODE = "decode rate"
    PREFILL = "prefill rate"
    PREFILL_TIME = "time to read a prompt"
    FITS = "fit in memory"
    WEIGHTS = "size of the weights"
    KV_CACHE = "size of the KV cache"
    KV_HEADS = "KV heads"
    CONTEXT = "context window"
    MEMORY = "memory"
    BANDWIDTH = "memory bandwidth"
    COMPUTE = "matrix throughput"
    PRICE = "price"
    RATIO = "ratio of speeds"
    SYSTEM = "operating system"
    FREE = "free tier"
    INPUT_PRICE = "price of input tokens"
    OUTPUT_PRICE = "price of output tokens"


@dataclass(frozen=True, slots=True)
class Assertion:
    """One number that a claim states, in our units (bytes, tokens, tokens/s, bytes/s, operations/s, seconds, USD).

    ``low`` and ``high`` are the ends of a range, equal where one number is given. ``open``: at least ``low``
    ("20-plus"). ``kind`` is what else decides the judgement: the number format of a matrix rate, the operating system,
    ``behind`` for a ratio below 1. ``text`` are the words it was read from.
    """

    quantity: Quantity
    low: float
    high: float
    text: str
    open: bool = False
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim as read. Names of machines and models are those of the tables; None: not said.

    ``count`` is how many of the machine. ``memory`` is the size in bytes that the claim speaks of as a condition.
    ``bandwidth`` stands for a machine that is described only by it (bytes/s). ``speculation``: more than one token a
    pass (drafts, multi-token prediction). ``batch`` is the number of requests at once, 0 for "many". ``sparse`` tells a
    mixture of experts from a dense model, where the claim does. ``backends`` are those that a comparison names, this
    machine's first. ``unknown`` are names that no table knows, each with the nearest ones. ``unread`` are words with
    numbers that were not judged; ``misread`` are those of a unit, a sign or a form that nobody can judge.
    ``context_told`` are the words of a context with a k or M, where they were read as 1,024.
    """

    text: str
    machine: str | None = None
    count: int = 1
    other: str | None = None
    backends: tuple[str, ...] = ()
    model: str | None = None
    parameters: float | None = None
    active_parameters: float | None = None
    quantization: str | None = None
    cloud: str | None = None
    context: Tokens | None = None
    kv_type: str | None = None
    memory: Bytes | None = None
    bandwidth: float | None = None
    split: str | None = None
    speculation: bool = False
    batch: int = 1
    sparse: bool | None = None
    assertions: tuple[Assertion, ...] = ()
    unknown: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    misread: tuple[str, ...] = ()
    context_told: str = ""


@dataclass(frozen=True, slots=True)
class StatedClaim:
    """A claim of the shipped list or of a user's file: the words, who says so, when, and the number in its list."""

    text: str
    source: str | None = None
    date: str | None = None
    number: str | None = None


@dataclass(frozen=True, slots=True)
class PublishedRun:
    """One measured rate that was published. ``rate`` in tokens/s; ``kind`` is ``decode`` or ``prefill``.

    ``tokens`` were read or written from ``depth`` on. ``devices`` share the model, split by ``split``.
    ``context`` is the largest that the run could hold, where that was the finding; ``rate`` is then 0.
    """

    device: str
    model: str
    parameters: float
    active_parameters: float
    quantization: str
    kind: str
    rate: float
    engine: str
    backend: str
    date: str
    source: str
    tokens: int = 0
    depth: int = 0
    devices: int = 1
    split: str = ""
    speculative: bool = False
    context: int | None = None


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A configuration that is not sold any more: which device, how much memory, since when (ISO date or month)."""

    device: str
    memory: Bytes
    date: str
    source: str


@dataclass(frozen=True, slots=True)
class Subject:
    """The machine that a claim speaks of. ``devices`` of one kind in all, in ``boxes`` boxes.

    ``memory`` is that of one box in bytes (the largest it is sold with, unless the claim says), ``usable`` the part of
    it that a model may take. ``prices`` are those of one box. ``variants`` are the chips that share its name, with
    another number of cores and, of some, another bandwidth.
    """

    id: str
    name: str
    device: Accelerator | None
    devices: int = 1
    boxes: int = 1
    memory: Bytes | None = None
    usable: Bytes | None = None
    memory_options: tuple[Bytes, ...] = ()
    operating_systems: tuple[str, ...] = ()
    prices: tuple[Price, ...] = ()
    source: str = ""
    notes: tuple[str, ...] = ()
    variants: tuple[Accelerator, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to understand the model of a claim: a shape at a quantisation.

    ``family`` groups readings that differ in quantisation only. ``assumed`` says what the claim left open, empty where
    it says all. ``named``: a model of the table, not just a size.
    """

    shape: ModelShape
    family: str
    assumed: str = ""
    named: bool = False
    source: str = ""
    header: ModelHeader | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on one assertion: a sentence, the calculations it rests on (the first decides), sources.

    ``factor`` is how far above the limit the claim is (its top), ``remedies`` what would make it possible.
    """

    verdict: Verdict
    sentence: str
    calculations: tuple[Calculation, ...] = ()
    sources: tuple[str, ...] = ()
    factor: float | None = None
    remedies: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """One assertion of a claim with its judgement."""

    assertion: Assertion
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class Audited:
    """A claim with its verdict: the worst among its parts."""

    stated: StatedClaim
    claim: Claim
    verdict: Verdict
    sentence: str
    parts: tuple[Part, ...] = ()
    calculation: Calculation | None = None
    sources: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default_factory=tuple)
