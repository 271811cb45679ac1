"""Screening of measured rates: what physics forbids, and what only a prompt cache explains.

Rules: decode above 1.05 times bandwidth over bytes read (2.5 times where the server may speculate: drafts and
multi-token prediction pass the limit of one pass for one token); prefill above 1.05 times the matrix rate over two
operations a parameter; a prompt that costs far less per token than a shorter one at no greater depth.

A ceiling is only drawn for what is surely read: models whose active parameters are known, and too large for a
processor's own cache.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from truelimit.domain.frozen import dataclass
from truelimit.domain.measurements import MeasuredModel, MeasuredPoint, PointKind
from truelimit.domain.message import said
from truelimit.units import GB, MIB

if TYPE_CHECKING:
    from truelimit.domain.machine import Machine

_ALLOWED, _SPECULATING = 1.05, 2.5
_CACHEABLE = 512 * MIB  # weights below it may lie in a processor's cache, which no bandwidth of memory bounds
_ACTIVE = re.compile(r"(?:^|[^a-z0-9])a(\d{1,3}(?:\.\d{1,2})?)b(?![a-z0-9])")
_EXPERTS = re.compile(r"\d+x\d+(?:\.\d+)?b")
# Architectures whose files never hold experts (apart from those that say so in their name, such as 8x7B).
_DENSE_NAMES = (
    "llama qwen2 qwen3 gemma gemma2 gemma3 phi2 phi3 starcoder2 falcon mistral3 command-r cohere2 stablelm gptneox mpt "
    "olmo2 granite nemotron glm4 exaone exaone4 internlm2 baichuan"
)
_DENSE = frozenset(_DENSE_NAMES.split())
_CACHE_FACTOR = 3.0  # a token of a longer prompt cannot be that much cheaper once a batch is full
_FULL_BATCH = 512  # tokens


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What bounds one pass: bytes/s of the memory, operations/s, and what a token reads and computes."""

    bandwidth: float | None = None
    operations: float | None = None
    read_bytes: float | None = None
    active_parameters: float | None = None

    def decode(self) -> float | None:
        """Return the most tokens/s written one after another, or None."""
        return self.bandwidth / self.read_bytes if self.bandwidth and self.read_bytes else None

    def prefill(self) -> float | None:
        """Return the most tokens/s read, or None."""
        if not self.operations or not self.active_parameters:
            return None
        return self.operations / (2 * self.active_parameters)


def ceiling_of(machine: Machine | None, model: MeasuredModel, active_parameters: float | None = None) -> Ceiling:
    """Return the ceiling of a machine for a model, each part None where it is not known.

    ``active_parameters`` below all of them (mixture of experts) lower the bytes read in proportion.
    """
    devices = machine.accelerators if machine else ()
    rates = [max((k.value for k in (d.int8, d.fp8, d.fp16) if k is not None), default=0.0) for d in devices]
    active = active_parameters or active_of(model)
    size = model.weights_bytes or 0
    known = active is not None and model.parameters and size > _CACHEABLE
    return Ceiling(
        bandwidth=sum(d.bandwidth.value for d in devices if d.bandwidth) or None,
        operations=sum(rates) or None,
        read_bytes=size * min(1.0, active / model.parameters) if known and active and model.parameters else None,
        active_parameters=active,
    )


def active_of(model: MeasuredModel) -> float | None:
    """Return the parameters that a token uses: named (``A3B``), or all of a dense architecture; None if not known."""
    text = model.name.lower()
    named = _ACTIVE.search(text)
    if named:
        return float(named[1]) * GB  # billions
    if model.architecture not in _DENSE or _EXPERTS.search(text):
        return None
    return model.parameters


def screened(
    points: Sequence[MeasuredPoint], ceiling: Ceiling | None = None, *, may_speculate: bool = False
) -> tuple[tuple[MeasuredPoint, ...], tuple[str, ...]]:
    """Return the points that hold, and in words why each other was left out."""
    kept, notes = [], []
    for point in points:
        allowed = _SPECULATING if may_speculate and point.kind is PointKind.DECODE else _ALLOWED
        reason = _impossible(point, ceiling or Ceiling(), allowed) or _cached(point, points)
        if reason is None:
            kept.append(point)
        else:
            notes.append(
                said(
                    "{kind} of {tokens:,} tokens at depth {depth:,} left out: {reason}",
                    kind=point.kind,
                    tokens=point.tokens,
                    depth=point.depth,
                    reason=reason,
                )
            )
    return tuple(kept), tuple(dict.fromkeys(notes))


def _impossible(point: MeasuredPoint, ceiling: Ceiling, allowed: float) -> str | None:
    rate = point.tokens / point.seconds
    most = ceiling.decode() if point.kind is PointKind.DECODE else ceiling.prefill()
    if most is None or rate <= allowed * most:
        return None
    what = (
        said("memory bandwidth over bytes read")
        if point.kind is PointKind.DECODE
        else said("the matrix rate of the chip")
    )
    return said(
        "{rate:,.0f} tokens/s is {rate2:,.1f} times what {what} allows ({most:,.0f})",
        rate=rate,
        rate2=rate / most,
        what=what,
        most=most,
    )


def _cached(point: MeasuredPoint, points: Sequence[MeasuredPoint]) -> str | None:
    """Return a reason when a prompt is read several times faster than all shorter ones that were not deeper."""
    if point.kind is not PointKind.PREFILL or point.tokens <= _FULL_BATCH:
        return None
    shorter = [
        other.tokens / other.seconds
        for other in points
        if other.kind is PointKind.PREFILL and _FULL_BATCH <= other.tokens < point.tokens and other.depth <= point.depth
    ]
    if not shorter:
        return None
    rate = point.tokens / point.seconds
    if rate <= _CACHE_FACTOR * max(shorter):
        return None
    return said(
        "{rate:,.0f} tokens/s against {shorter:,.0f} of a shorter prompt: only a prompt cache explains that",
        rate=rate,
        shorter=max(shorter),
    )
