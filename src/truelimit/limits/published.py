"""Published rates: taken where this machine's chip and this model's shape match a series, and only then."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, worst

if TYPE_CHECKING:
    from truelimit.domain.facts import Stack
    from truelimit.domain.model import ModelHeader
    from truelimit.domain.rates import DecodeFit, PrefillFit, PublishedRates

_SAME_SIZE = 0.05  # of the parameters
_VENDORS = {"apple", "nvidia", "amd", "intel", "geforce", "radeon", "graphics", "gpu", "processor", "the"}
_BACKENDS = {"cuda", "metal", "vulkan", "rocm"}
_WORD = re.compile(r"[a-z0-9]+")
_PARTS = re.compile(r"[(),/;]")


def published_prefill(stack: Stack, batch: int | None = None) -> PrefillFit | None:
    """Return a published prefill fit for this chip and model, or None. How it was measured is in ``where``.

    The quantization changes reading little, so another one is accepted and said. ``batch`` is the physical batch that
    is asked for, in tokens; None: as it was measured.
    """
    entry = published_entry(stack)
    if entry is None:
        return None
    basis = worst((entry.prefill.basis, Basis.DERIVED))
    return _in_batches(replace(entry.prefill, where=_where(entry, stack), basis=basis), batch)


def _in_batches(fit: PrefillFit, asked: int | None) -> PrefillFit:
    """A series in batches of another size: each batch costs the same whatever its size, so small ones cost more."""
    if asked is None or fit.batch <= 0 or asked == fit.batch:
        return fit
    where = fit.where + said(
        "; measured in batches of {size:,} tokens, carried over to {asked:,}", size=fit.batch, asked=asked
    )
    more = fit.batch_seconds * (1 / asked - 1 / fit.batch)
    return replace(fit, a=max(fit.a / 2, fit.a + more), batch=asked, where=where)


def published_decode(stack: Stack) -> DecodeFit | None:
    """Return a published decode fit for this chip, model and quantization, or None: bytes per token set this rate."""
    entry = published_entry(stack)
    quantization = _quantization(stack)
    if entry is None or entry.decode is None or quantization is None:
        return None
    if quantization.lower() != entry.quantization.lower():
        return None
    basis = worst((entry.decode.basis, Basis.DERIVED))
    return replace(entry.decode, where=_where(entry, stack), basis=basis)


def published_entry(stack: Stack) -> PublishedRates | None:
    """Return the series whose chip is this machine's and whose model has this architecture and size, or None."""
    chip = stack.machine.chip
    if chip is None:
        return None
    return next((entry for entry in series_of_model(stack) if same_chip(entry.chip, chip.value)), None)


def series_of_model(stack: Stack) -> tuple[PublishedRates, ...]:
    """Return the series of this architecture and size on any chip, the nearest size first."""
    header = stack.header
    size = parameter_count(header) if header is not None and stack.published else None
    if header is None or size is None:
        return ()
    fitting = [
        entry
        for entry in stack.published
        if entry.architecture == header.architecture and abs(entry.parameters - size) <= _SAME_SIZE * size
    ]
    return tuple(sorted(fitting, key=lambda entry: abs(entry.parameters - size)))


def same_chip(one: str, other: str) -> bool:
    """Return whether two texts name the same chip: the words of one part equal, vendors aside (M2 is not M2 Ultra)."""
    return bool(_chip_names(one) & _chip_names(other))


def _chip_names(text: str) -> set[frozenset[str]]:
    parts = (frozenset(_WORD.findall(part)) - _VENDORS for part in _PARTS.split(text.lower()))
    return {part for part in parts if part and not part <= _BACKENDS}


def parameter_count(header: ModelHeader) -> float | None:
    """Return the parameters of a model: as its metadata says, else the elements of its tensors, or None."""
    told = header.metadata.get("general.parameter_count")
    if isinstance(told, int | float) and not isinstance(told, bool) and told > 0:
        return float(told)
    if not header.tensors:
        return None
    return float(sum(math.prod(tensor.shape) for tensor in header.tensors))


def _quantization(stack: Stack) -> str | None:
    return stack.definition.quantization if stack.definition else None


def _where(entry: PublishedRates, stack: Stack) -> str:
    own = _quantization(stack)
    other = said("; yours is {own}", own=own) if own and own.lower() != entry.quantization.lower() else ""
    return said(
        "published for {chip}, {model} {quantization}{other} ({source})",
        chip=entry.chip,
        model=entry.model,
        quantization=entry.quantization,
        other=other,
        source=entry.source,
    )
