"""How fast a model reads and writes on a chip: physics, with factors fitted to published runs."""

from truelimit.perf.rates.costs import Calibration
from truelimit.perf.rates.decode import decode_estimate, decode_fit_of
from truelimit.perf.rates.device import NoBandwidthError
from truelimit.perf.rates.prefill import prefill_estimate, prefill_fit_of
from truelimit.perf.rates.shape import shape_from_numbers, shape_of

__all__ = [
    "Calibration",
    "NoBandwidthError",
    "decode_estimate",
    "decode_fit_of",
    "prefill_estimate",
    "prefill_fit_of",
    "shape_from_numbers",
    "shape_of",
]
