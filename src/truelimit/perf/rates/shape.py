"""What speed depends on in a model: bytes that a token reads, cache that it reads again, operations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from truelimit.domain.estimates import ModelShape
from truelimit.domain.message import said
from truelimit.perf.file_types import stored_quantization
from truelimit.perf.kv_types import kv_type as kv_type_of
from truelimit.perf.layouts.nouns import UnknownLayoutError
from truelimit.perf.quantization import tensors_at
from truelimit.perf.rates.bits import bits_per_weight, is_known
from truelimit.perf.rates.geometry import with_geometry
from truelimit.perf.rates.guess import guessed_shape
from truelimit.perf.tensor_table.classes import TensorClass, class_of, draft_from, share_used
from truelimit.perf.weights import weights

if TYPE_CHECKING:
    from truelimit.domain.model import ModelHeader, Tensor

_EVEN = "Q8_0"  # stands for a quantisation that is not known, where the bytes are told


def shape_of(header: ModelHeader, *, quantization: str | None = None, kv_type: str = "f16") -> ModelShape:
    """Return the shape of a model at a quantisation (None: that of the file, else the one people run).

    Tensors give the bytes exactly; where only metadata is known they are built from it; where neither tells, sizes are
    guessed from the parameters, and ``architecture`` is kept. Raises UnknownLayoutError where not even those are
    known, SettingsRefusedError for an unknown KV type.
    """
    name = quantization or stored_quantization(header)
    tensors = _tensors(header, name if quantization or not header.tensors else None)
    shape = _from_tensors(header, name, tensors) if tensors else _from_count(header, name)
    return with_geometry(shape, header, kv_type)


def shape_from_numbers(
    parameters: float,
    active: float | None = None,
    weights_bytes: float | None = None,
    quantization: str = "Q4_K_M",
    header: ModelHeader | None = None,
    *,
    kv_type: str = "f16",
    name: str = "model",
) -> ModelShape:
    """Return the shape of a model that is told by numbers: parameters, active ones, bytes, quantisation.

    ``header`` gives the architecture where it is known; bytes that are told win over those computed. Without it layers
    and widths are guessed. Raises ValueError for parameters of 0 or less, UnknownLayoutError for a quantisation that
    is not known and no bytes, SettingsRefusedError for an unknown KV type.
    """
    if not 0 < parameters < math.inf:
        raise ValueError(said("parameters are {parameters!r:.40}; expected a number above 0", parameters=parameters))
    value = kv_type_of(kv_type).bytes_per_value
    if not weights_bytes and not is_known(quantization):
        raise UnknownLayoutError(
            said("quantisation {name!r} is not known, and no size is told", name=quantization[:40])
        )
    if header is None:
        return guessed_shape(parameters, active, weights_bytes, quantization, value, name)
    try:
        known = quantization if is_known(quantization) else _EVEN
        found = replace(shape_of(header, quantization=known, kv_type=kv_type), quantization=quantization)
    except UnknownLayoutError:
        return guessed_shape(parameters, active, weights_bytes, quantization, value, name)
    return _rescaled(found, weights_bytes)


def _rescaled(shape: ModelShape, weights_bytes: float | None) -> ModelShape:
    """Return the shape with the bytes told; what is read shrinks or grows with them."""
    if not weights_bytes:
        return shape
    scale = weights_bytes / shape.weights_bytes
    return replace(shape, weights_bytes=weights_bytes, read_bytes=shape.read_bytes * scale)


def _tensors(header: ModelHeader, quantization: str | None) -> tuple[Tensor, ...]:
    if quantization is None:
        return header.tensors
    try:
        return tensors_at(header, quantization)
    except UnknownLayoutError:
        return header.tensors


def _from_tensors(header: ModelHeader, quantization: str, tensors: Sequence[Tensor]) -> ModelShape:
    """Return what is stored and what one token reads: its experts, no rows of the embedding, nothing for drafts."""
    tied = not any(tensor.name == "output.weight" for tensor in tensors)
    share, first = share_used(header), draft_from(header)
    stored = read = parameters = used = in_layers = 0.0
    for tensor in tensors:
        part, count = _part(class_of(tensor.name, first), tensor.name, tied, share), float(math.prod(tensor.shape))
        stored += tensor.n_bytes
        parameters += count
        read += part * tensor.n_bytes
        used += part * count
        in_layers += part * count if tensor.name.startswith("blk.") else 0.0
    return ModelShape(
        header.name, header.architecture, parameters, used, stored, read, quantization, layer_parameters=in_layers
    )


def _part(kind: TensorClass, name: str, tied: bool, share: float) -> float:
    """Return which part of a tensor one token uses."""
    if kind is TensorClass.DRAFTING:
        return 0.0
    if kind is TensorClass.EMBEDDING:
        return 1.0 if tied and name == "token_embd.weight" else 0.0
    return share if kind is TensorClass.EXPERTS else 1.0


def _from_count(header: ModelHeader, quantization: str) -> ModelShape:
    """Return a shape from the count of parameters or the size of the file. Raises UnknownLayoutError without either."""
    count = header.metadata.get("general.parameter_count")
    parameters = float(count) if isinstance(count, int) and not isinstance(count, bool) and count > 0 else None
    size = _size(header)
    if parameters is None and size is None:
        raise UnknownLayoutError(
            said("{where}: neither tensors, nor parameters, nor a size of its file are known", where=header.where)
        )
    told = parameters or (size or 0.0) * 8 / bits_per_weight(quantization if is_known(quantization) else _EVEN)
    guess = guessed_shape(told, None, size, quantization, 2.0, header.name)
    return replace(guess, architecture=header.architecture)


def _size(header: ModelHeader) -> float | None:
    try:
        return float(weights(header).value)
    except UnknownLayoutError:
        return None
