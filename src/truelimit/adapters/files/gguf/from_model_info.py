"""A header from a server's description of a model: Ollama's answer to ``POST /api/show``.

Its ``model_info`` holds the metadata of the GGUF as JSON; arrays are null unless the answer is a verbose one. Its
``tensors`` are the tensor table, in file order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from truelimit.adapters.files.gguf.error import GgufError
from truelimit.adapters.files.gguf.parse import LONGEST_KEPT_LIST, LONGEST_KEPT_STRING, MOST_TENSORS
from truelimit.adapters.files.gguf.types import MAX_DIMENSIONS, TENSOR_TYPES_BY_NAME
from truelimit.domain.message import said
from truelimit.domain.model import MetadataValue, ModelHeader, Tensor
from truelimit.domain.provenance import Basis

_DO = said("read the model file itself (--model-file FILE)")


def header_from_model_info(
    model_info: Mapping[str, object], tensors: Sequence[Mapping[str, object]] | None, where: str
) -> ModelHeader:
    """Return the header that a server's answer describes, basis REPORTED, without ``file_bytes``.

    Nulls are left out; arrays as by the reader of files: strings and long ones give ``<key>.count``. Raises GgufError
    when there is no architecture; when an array that shapes the cache is null, as leaving it out would look like a
    model that has the same number of heads everywhere; and when a tensor cannot be understood (the caller may then
    pass None for ``tensors``: a table with gaps would give wrong weights).
    """
    architecture = model_info.get("general.architecture")
    if not isinstance(architecture, str) or not architecture:
        raise GgufError(where, said("model_info has no general.architecture"), said("a string such as 'llama'"), _DO)
    metadata: dict[str, MetadataValue] = {}
    for key, value in model_info.items():
        if value is None and key.startswith((f"{architecture}.attention.", f"{architecture}.feed_forward_length")):
            raise GgufError(
                where, said("{key} is null", key=key), said("the array itself"), said("ask again with verbose: true")
            )
        _keep(metadata, key, value)
    rows = tensors or ()
    if len(rows) > MOST_TENSORS:
        raise GgufError(
            where,
            said("{rows:,} tensors", rows=len(rows)),
            said("at most {most_tensors:,}", most_tensors=MOST_TENSORS),
            _DO,
        )
    table = tuple(_tensor(row, index, where) for index, row in enumerate(rows))
    return ModelHeader(where, Basis.REPORTED, architecture, metadata, table)


def _keep(metadata: dict[str, MetadataValue], key: str, value: object) -> None:
    if isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= LONGEST_KEPT_STRING):
        metadata[key] = value
    elif isinstance(value, list):
        numbers = _numbers(value) if len(value) <= LONGEST_KEPT_LIST else None
        if numbers is None:
            metadata[f"{key}.count"] = len(value)
        else:
            metadata[key] = numbers


def _numbers(values: list[object]) -> tuple[bool, ...] | tuple[int, ...] | tuple[float, ...] | None:
    """Return the values as a tuple of one type, or None when they are not all numbers or all booleans."""
    if all(isinstance(value, bool) for value in values):
        return tuple(bool(value) for value in values)
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) != len(values):
        return None
    ints = [value for value in numbers if isinstance(value, int)]
    # JSON writes a float without fraction as an int, so a mixed list is one of floats.
    return tuple(ints) if len(ints) == len(numbers) else tuple(float(value) for value in numbers)


def _tensor(row: object, index: int, where: str) -> Tensor:
    row = row if isinstance(row, Mapping) else {}
    name, type_name, shape = row.get("name"), row.get("type"), row.get("shape")
    place = said("{where}: tensors[{index}]", where=where, index=index)
    if not isinstance(name, str) or not isinstance(shape, list | tuple) or not 0 < len(shape) <= MAX_DIMENSIONS:
        raise GgufError(place, said("no usable name and shape"), said("name, type and shape"), _DO)
    if not all(type(size) is int and 0 < size < 2**48 for size in shape):
        raise GgufError(
            place,
            said("shape of {name!r} is not made of positive ints", name=name[:80]),
            said("such as [2048, 151936]"),
            _DO,
        )
    kind = TENSOR_TYPES_BY_NAME.get(type_name.upper()) if isinstance(type_name, str) else None
    if kind is None:
        raise GgufError(
            place,
            said("unknown type of {name!r}: {type_name!r}", name=name[:80], type_name=str(type_name)[:40]),
            said("a ggml type such as Q4_K"),
            _DO,
        )
    try:
        return Tensor(name, tuple(shape), kind.name, kind.stored_bytes(tuple(shape)))
    except ValueError as error:
        raise GgufError(place, f"{name[:80]!r}: {error}", said("whole blocks"), _DO) from None
