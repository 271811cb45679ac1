"""The bytes of a model's weights."""

from __future__ import annotations

from truelimit.domain.model import ModelHeader
from truelimit.domain.provenance import Basis, Known
from truelimit.perf.layouts.nouns import UnknownLayoutError
from truelimit.perf.quantization import default_quantization, weights_at
from truelimit.units import Bytes


def weights(header: ModelHeader) -> Known[Bytes]:
    """Return the bytes of all weights: the sum of the tensor table, else the length of the file.

    A shape that is of no file (a model of the table, a config.json) is counted at the quantisation that people run.
    Raises UnknownLayoutError where the source tells neither.
    """
    table = header.weights_bytes
    if table is not None:
        return Known(table, f"{header.where}: sum of {len(header.tensors)} tensors", header.basis)
    if header.file_bytes is not None and header.file_bytes > 0:
        # Metadata is a few megabytes of it at most.
        return Known(header.file_bytes, f"{header.where}: length of the file", Basis.DERIVED)
    if header.basis is Basis.SPECIFIED:
        return weights_at(header, default_quantization(header))
    raise UnknownLayoutError(f"{header.where}: neither a tensor table nor a file length tells the size of the weights")
