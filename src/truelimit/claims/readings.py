"""How the model of a claim may be understood: shapes at the quantisations that its words allow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from truelimit.claims.bits import bits_per_weight, of_class
from truelimit.claims.words import short
from truelimit.domain.claims import Claim, Reading
from truelimit.domain.estimates import ModelShape
from truelimit.domain.message import said
from truelimit.domain.model import ModelHeader
from truelimit.perf.layouts.nouns import SettingsRefusedError, UnknownLayoutError
from truelimit.perf.quantization import default_quantization
from truelimit.perf.rates.shape import shape_from_numbers, shape_of
from truelimit.units import GB as BILLION

_OPEN = said("the quantisation is not told: 4 bits, as people run it")
_NATIVE = "MXFP4"
_DENSE = 0.95


def of_model(claim: Claim, header: ModelHeader, *, named: bool = True) -> Iterator[Reading]:
    """Yield the readings of a model whose header is known, the usual quantisation first.

    ``named`` is False where the claim gives a size and this model stands for it; then all of its file counts as read
    for each token, as a size tells nothing of embeddings.
    """
    native = default_quantization(header) == _NATIVE
    for quant in (_NATIVE,) if native else of_class(claim.quantization):
        try:
            shape = shape_of(header, quantization=quant)
        except (UnknownLayoutError, SettingsRefusedError):
            continue
        used = shape if named else _whole(shape)
        source = header.where if named else header.where + _all_counts(shape, used)
        yield Reading(
            replace(used, name=f"{header.name} {quant}"), header.name, _assumed(claim, quant), named, source, header
        )


def _all_counts(shape: ModelShape, whole: ModelShape) -> str:
    """Why a size reads more than the model that stands for it."""
    unread = whole.read_bytes - shape.read_bytes
    if unread <= 0:
        return ""
    return said(
        "; only a size is named, so all of the file counts: {unread:.1f} GB of it are rows of the embedding that a "
        "token of this model does not read",
        unread=unread / BILLION,
    )


def _whole(shape: ModelShape) -> ModelShape:
    share = shape.active_parameters / shape.parameters if is_sparse(shape) else 1.0
    return replace(shape, read_bytes=shape.weights_bytes * share)


def is_sparse(shape: ModelShape) -> bool:
    """Whether a token uses only some of the experts. A small dense model uses all but the rows of its embedding."""
    return bool(shape.experts) or (shape.architecture is None and shape.active_parameters < _DENSE * shape.parameters)


def _assumed(claim: Claim, quant: str) -> str:
    if quant == _NATIVE:
        return said("its experts are made in MXFP4, and stay so in files that bear another name")
    if claim.quantization is None:
        return _OPEN
    return (
        ""
        if claim.quantization == quant
        else said("{quantization} is read as {quant}", quantization=claim.quantization, quant=quant)
    )


def of_size(claim: Claim) -> Iterator[Reading]:
    """Yield the readings of a size in parameters that no model of the table stands for, at average bits a weight."""
    if not claim.parameters:
        return
    active = claim.active_parameters
    name = f"{short(claim.parameters / BILLION)}B" + (f"-A{short(active / BILLION)}B" if active else "")
    for quant in of_class(claim.quantization):
        bits = bits_per_weight(quant)
        if bits is not None:
            shape = _whole(shape_from_numbers(claim.parameters, active, None, quant, name=f"{name} {quant}"))
            source = said("{bits:.2f} bits a weight, the average of {quant}", bits=bits, quant=quant)
            yield Reading(shape, name, _assumed(claim, quant), False, source)
