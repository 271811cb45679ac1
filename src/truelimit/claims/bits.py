"""What the loose names of quantisations in claims stand for."""

from __future__ import annotations

from functools import lru_cache

from truelimit.perf.layouts.nouns import UnknownLayoutError
from truelimit.perf.rates import bits

# The usual download first, the smallest of the class last.
CLASSES = {
    "Q2": ("Q2_K",),
    "Q3": ("Q3_K_M", "Q3_K_S"),
    "Q4": ("Q4_K_M", "Q4_0"),
    "Q5": ("Q5_K_M", "Q5_0"),
    "Q6": ("Q6_K",),
    "Q7": ("Q8_0",),
    "Q8": ("Q8_0",),
    "Q3_K": ("Q3_K_M", "Q3_K_S"),
    "Q4_K": ("Q4_K_M", "Q4_K_S"),
    "Q5_K": ("Q5_K_M", "Q5_K_S"),
    "FP4": ("MXFP4", "NVFP4"),
}
USUAL = ("Q4_K_M", "Q4_0")


def of_class(name: str | None) -> tuple[str, ...]:
    """Return the quantisations that a word may mean, the usual one first; those of 4 bits where none is told."""
    return USUAL if name is None else CLASSES.get(name, (name,))


@lru_cache(maxsize=128)
def bits_per_weight(quantization: str) -> float | None:
    """Return the average bits of a weight over a whole file, or None for a name that is not known."""
    try:
        return bits.bits_per_weight(of_class(quantization)[0])
    except UnknownLayoutError:
        return None
