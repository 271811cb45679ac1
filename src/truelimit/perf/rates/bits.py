"""Average bits of a weight at a quantisation, where a model's tensors are not known."""

from __future__ import annotations

from truelimit.domain.model import ModelHeader
from truelimit.domain.provenance import Basis
from truelimit.perf.layouts.nouns import UnknownLayoutError
from truelimit.perf.quantization import quantization as named
from truelimit.perf.quantization import weights_at
from truelimit.units import TERA

_BITS_OF_BYTE = 8
_COUNT = TERA


def bits_per_weight(quantization: str) -> float:
    """Return the average bits of a weight over a file. Raises UnknownLayoutError for an unknown name."""
    header = ModelHeader("an average", Basis.ASSUMED, "unknown", {"general.parameter_count": _COUNT})
    return weights_at(header, quantization).value * _BITS_OF_BYTE / _COUNT


def is_known(quantization: str) -> bool:
    """Tell whether the mix of a quantisation's name is known."""
    try:
        named(quantization)
    except UnknownLayoutError:
        return False
    return True
