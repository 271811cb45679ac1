"""Measured rates that are kept: of which model, on which machine, behind which server, when, and how."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from truelimit.domain.frozen import dataclass

if TYPE_CHECKING:
    from truelimit.domain.rates import DecodeFit, PrefillFit
    from truelimit.units import Bytes, Seconds, Tokens


class PointKind(StrEnum):
    """What the time of a point was spent on."""

    PREFILL = "prefill"
    DECODE = "decode"


@dataclass(frozen=True, slots=True)
class MeasuredPoint:
    """So many tokens read or written from a depth (tokens in place before them) in so many seconds.

    Cached tokens are never among ``tokens``. ``run`` tells repeats apart.
    """

    kind: PointKind
    depth: Tokens
    tokens: Tokens
    seconds: Seconds
    run: int = 0


@dataclass(frozen=True, slots=True)
class Range:
    """An interval with its ends."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class CostRanges:
    """Intervals of the two costs of a fit: ``base`` (a, or c) and ``growth`` (b, or d; None: at one depth only).

    ``confidence`` is the share that they should cover, ``degrees`` the points beyond those that the fit used up.
    """

    base: Range
    growth: Range | None
    confidence: float
    degrees: int


@dataclass(frozen=True, slots=True)
class MeasuredModel:
    """The model that was measured, as far as server or file told. ``parameters`` counts all, not only active ones."""

    name: str
    architecture: str | None = None
    parameters: float | None = None
    weights_bytes: Bytes | None = None
    quantization: str | None = None


@dataclass(frozen=True, slots=True)
class MeasuredMachine:
    """The machine that ran it: its id in the tables where it has one, its chip, its largest memory pool.

    All None: not known (a server on another host, say).
    """

    id: str | None = None
    chip: str | None = None
    memory_bytes: Bytes | None = None


@dataclass(frozen=True, slots=True)
class MeasuredServer:
    """What ran the model: ``kind`` is ollama, llama-server, openai or a tool's name; ``url`` without secrets."""

    kind: str
    version: str | None = None
    url: str | None = None
    backend: str | None = None
    context: Tokens | None = None


@dataclass(frozen=True, slots=True)
class Measurement:
    """One run of a benchmark. ``taken`` is an ISO 8601 time with zone, ``where`` the endpoint or file it comes from.

    ``id`` is made of the content, so that the same run is kept once. ``partial``: it was stopped before its end.
    ``settings`` are texts that tell runs apart (cache type, physical batch, threads).
    """

    id: str
    taken: str
    where: str
    tool: str
    model: MeasuredModel
    machine: MeasuredMachine
    server: MeasuredServer
    points: tuple[MeasuredPoint, ...]
    prefill: PrefillFit | None
    decode: DecodeFit | None
    prefill_ranges: CostRanges | None = None
    decode_ranges: CostRanges | None = None
    partial: bool = False
    settings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
