"""The bytes of a model's weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.perf.layouts.nouns import UnknownLayoutError
from truelimit.perf.quantization import default_quantization, derived_weights, weights_at

if TYPE_CHECKING:
    from truelimit.domain.model import ModelHeader
    from truelimit.units import Bytes


def weights(header: ModelHeader) -> Known[Bytes]:
    """Return the bytes of all weights: the sum of the tensor table, else the length of the file.

    Tensors that were derived at a quantisation say so. A shape that is of no file (a model of the table, a
    config.json) is counted at the quantisation that people run.
    Raises UnknownLayoutError where the source tells neither.
    """
    table = header.weights_bytes
    if table is not None and header.quantization is not None:
        return derived_weights(header)
    if table is not None:
        return Known(
            table,
            said("{where}: sum of {tensors} tensors", where=header.where, tensors=len(header.tensors)),
            header.basis,
        )
    if header.file_bytes is not None and header.file_bytes > 0:
        # Metadata is a few megabytes of it at most.
        return Known(header.file_bytes, said("{where}: length of the file", where=header.where), Basis.DERIVED)
    if header.quantization is not None or header.basis is Basis.SPECIFIED:
        return weights_at(header, header.quantization or default_quantization(header))
    raise UnknownLayoutError(
        said("{where}: neither a tensor table nor a file length tells the size of the weights", where=header.where)
    )
