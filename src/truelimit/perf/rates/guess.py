"""A model's shape guessed from its parameters, for models that are told by numbers alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

from truelimit.domain.estimates import ModelShape
from truelimit.perf.rates.bits import bits_per_weight
from truelimit.units import GB

# Open models of 2024 to 2026: billions of parameters (all of them) against layers, and against the embedding's width.
_LAYERS = ((0.5, 24.0), (1.2, 18.0), (3.0, 30.0), (8.0, 34.0), (14.0, 44.0), (32.0, 60.0), (70.0, 78.0), (405.0, 126.0))
_SPARSE_LAYERS = ((7.0, 16.0), (20.0, 28.0), (35.0, 46.0), (120.0, 50.0), (240.0, 80.0), (700.0, 61.0))
_WIDTHS = ((0.5, 1024.0), (1.2, 2048.0), (3.0, 2816.0), (8.0, 4096.0), (32.0, 5120.0), (70.0, 8192.0), (405.0, 16384.0))
_SPARSE_WIDTHS = ((20.0, 2048.0), (35.0, 2304.0), (120.0, 3584.0), (240.0, 4096.0), (700.0, 7168.0))
_VOCABULARY = 150_000.0
_KV_WIDTH = 1024.0  # 8 heads of 128
_TIED_BELOW = 4.5  # smaller models share the embedding with the output


def guessed_shape(
    parameters: float,
    active: float | None,
    weights_bytes: float | None,
    quantization: str,
    kv_bytes_per_value: float,
    name: str,
) -> ModelShape:
    """Return the shape that a model of so many parameters usually has.

    Experts are told from ``active`` below the parameters. Raises UnknownLayoutError where the size is not told and the
    quantisation is unknown, ValueError for parameters of 0 or less.
    """
    used = min(active, parameters) if active and active > 0 else parameters
    sparse = used < 0.95 * parameters
    size = weights_bytes or parameters * bits_per_weight(quantization) / 8
    billions = parameters / GB
    layers = _between(billions, _SPARSE_LAYERS if sparse else _LAYERS)
    width = _between(billions, _SPARSE_WIDTHS if sparse else _WIDTHS)
    embedding = 0.0 if billions < _TIED_BELOW else min(0.2 * parameters, _VOCABULARY * width)
    share = used / parameters
    read = size * share if sparse else size * (1.0 - embedding / parameters)
    return ModelShape(
        name,
        None,
        parameters,
        used,
        size,
        read,
        quantization,
        layers=round(layers),
        attention_layers=round(layers),
        attention_width=round(layers) * 2 * width * (2.0 if sparse else 1.0),
        kv_bytes_per_token=round(layers) * 2 * (_KV_WIDTH / 2 if sparse else _KV_WIDTH) * kv_bytes_per_value,
        layer_parameters=used if sparse else used - embedding,
    )


def _between(billions: float, points: Sequence[tuple[float, float]]) -> float:
    """Return the value between two points, on a logarithmic scale of parameters; the end's beyond them."""
    below = max((point for point in points if point[0] <= billions), default=points[0])
    above = min((point for point in points if point[0] >= billions), default=points[-1])
    if below[0] == above[0]:
        return below[1]
    share = math.log(billions / below[0]) / math.log(above[0] / below[0])
    return below[1] + share * (above[1] - below[1])
