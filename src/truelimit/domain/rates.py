"""How fast a stack reads and writes, as functions of depth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.domain.frozen import dataclass

if TYPE_CHECKING:
    from truelimit.domain.machine import Accelerator
    from truelimit.domain.provenance import Basis
    from truelimit.units import Tokens


@dataclass(frozen=True, slots=True)
class PrefillFit:
    """T(n) = a*n + b*n**2/2 seconds to read n tokens from an empty cache.

    ``a`` in s/token, ``b`` in s/token**2. ``error`` is the largest relative error over its points,
    ``deepest`` the deepest token it was fitted on (beyond it: extrapolation), ``points`` how many.
    ``a`` holds a share of what each batch of ``batch`` tokens costs whatever its size, ``batch_seconds``: a prompt
    that does not fill its last batch pays for it all the same. 0: not known.
    """

    a: float
    b: float
    error: float | None
    deepest: Tokens
    points: int
    where: str
    basis: Basis
    batch: int = 0
    batch_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class DecodeFit:
    """c + d*depth seconds for one token written at a depth; fields as in PrefillFit.

    ``window`` are the seconds that windowed layers add once they are full, at ``window_tokens``; before that a share.
    """

    c: float
    d: float
    error: float | None
    deepest: Tokens
    points: int
    where: str
    basis: Basis
    window: float = 0.0
    window_tokens: int = 0


@dataclass(frozen=True, slots=True)
class PublishedRates:
    """Fits of a published series, for a chip and a model, by an architecture and a size in parameters.

    ``device`` is the accelerator that it was measured on, where that is known. The batch of ``prefill`` is that of its
    prompts.
    """

    chip: str
    model: str
    architecture: str
    parameters: float
    quantization: str
    prefill: PrefillFit
    decode: DecodeFit | None
    source: str
    device: Accelerator | None = None
