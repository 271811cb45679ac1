"""How fast a stack reads and writes, as functions of depth."""

from __future__ import annotations

from dataclasses import dataclass

from truelimit.domain.provenance import Basis
from truelimit.units import Tokens


@dataclass(frozen=True, slots=True)
class PrefillFit:
    """T(n) = a*n + b*n**2/2 seconds to read n tokens from an empty cache.

    ``a`` in s/token, ``b`` in s/token**2. ``error`` is the largest relative error over its points,
    ``deepest`` the deepest token it was fitted on (beyond it: extrapolation), ``points`` how many.
    """

    a: float
    b: float
    error: float | None
    deepest: Tokens
    points: int
    where: str
    basis: Basis


@dataclass(frozen=True, slots=True)
class DecodeFit:
    """c + d*depth seconds for one token written at a depth; fields as in PrefillFit."""

    c: float
    d: float
    error: float | None
    deepest: Tokens
    points: int
    where: str
    basis: Basis


@dataclass(frozen=True, slots=True)
class PublishedRates:
    """Fits of a published series, for a chip and a model, by an architecture and a size in parameters."""

    chip: str
    model: str
    architecture: str
    parameters: float
    quantization: str
    prefill: PrefillFit
    decode: DecodeFit | None
    source: str
