"""Counts of tokens that are written with a k or M: the one reading of 128k for all that asks for a local context.

A k is 1,024 tokens, as engines and model cards count: 128k is 131,072. Providers of cloud models count 1,000.
"""

from __future__ import annotations

from truelimit.domain.message import Message, said
from truelimit.units import KIB

POWERS = {"": 0, "k": 1, "m": 2}
# Powers of two that people write in thousands: a 262K window has 262,144 tokens, not 268,288.
_ROUNDED = {2**power // 1000: 2**power for power in range(16, 22)}


def in_full(number: float, letter: str, k: int = KIB) -> float:
    """Return how many tokens a number before a k or M stands for; ``k`` is what a k stands for."""
    power = POWERS[letter.lower()]
    if power == 1 and k == KIB and number in _ROUNDED:
        return float(_ROUNDED[int(number)])
    return number * float(k**power)


def read_as(told: str, tokens: int) -> Message:
    """Return what a count with a k or M was read as, in words."""
    if told.lower().rstrip("k").replace(",", "") in {f"{number}" for number in _ROUNDED}:
        return said("{told} is read as {tokens:,} tokens, the power of two that it rounds", told=told, tokens=tokens)
    return said("{told} is read as {tokens:,} tokens: k is 1,024, as engines count", told=told, tokens=tokens)
