"""Speculative decoding: several tokens a pass. Never part of an estimate; for those who judge a claim.

One pass reads the weights once, whatever it writes: heads that draft the next tokens (multi-token prediction) beat the
one-pass roofline. Measured over 40 configurations of one 27B model: median 1.84, 1.0 to 2.45; on llama.cpp with Metal
1.00 to 1.06 (sudoingX/qwen38-mtp README.md @c7bc415).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.domain.frozen import dataclass
from truelimit.perf.rates.classes import LLAMA_CPP, engine_class

if TYPE_CHECKING:
    from truelimit.domain.estimates import RateCase

SOURCE = "sudoingX/qwen38-mtp README.md @c7bc415: 40 configurations of one 27B model"


@dataclass(frozen=True, slots=True)
class Gain:
    """A factor on decode: usual, least and most that were measured, and where."""

    usual: float
    least: float
    most: float
    source: str


_MULTI_TOKEN = Gain(1.84, 1.0, 2.45, SOURCE)
_ON_METAL = Gain(1.03, 1.0, 1.06, SOURCE)


def speculation_gain(case: RateCase) -> Gain:
    """Return what multi-token prediction gains in a case, at a batch of one."""
    slow = case.backend == "metal" and engine_class(case.engine) == LLAMA_CPP
    return _ON_METAL if slow else _MULTI_TOKEN
