"""Rates at many depths at once, in closed form: what ``rates_at`` says of each, without its arithmetic in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from truelimit.limits.rates_at import ceiling
from truelimit.perf.decode import decode_rate
from truelimit.perf.prefill import last_batch

if TYPE_CHECKING:
    from truelimit.limits.paces import Reading, Writing


def decode_rates(
    writes: Writing, depths: Sequence[int], widths: Sequence[float]
) -> tuple[Sequence[float], Sequence[float]]:
    """Return tokens/s at each depth, and the upper end of each interval: neither is more than physics allows."""
    told, most = _told(writes, depths), _most(writes, depths)
    rates = [min(x, m) for x, m in zip(told, most, strict=True)]
    return rates, [max(x, min(x * (1 + h), m)) for x, h, m in zip(rates, widths, most, strict=True)]


def seconds(reads: Reading, tokens: Sequence[int]) -> Sequence[float]:
    """Return the seconds to read prompts of so many tokens into an empty cache."""
    fit, a, b = reads.fit, reads.fit.a, reads.fit.b / 2
    if fit.batch <= 0 or fit.batch_seconds <= 0:
        return [n * (a + b * n) for n in tokens]
    return [n * (a + b * n) + last_batch(fit, n) for n in tokens]


def _told(writes: Writing, depths: Sequence[int]) -> list[float]:
    if writes.fit.window:
        return [float(decode_rate(writes.fit, n)) for n in depths]
    c, d = writes.fit.c, writes.fit.d
    return [1 / (c + d * n) for n in depths]


def _most(writes: Writing, depths: Sequence[int]) -> list[float]:
    if writes.least is None:
        return [math.inf] * len(depths)
    if writes.least_window:
        return [ceiling(writes, n) for n in depths]
    c, d = writes.least
    return [1 / (c + d * n) for n in depths]
