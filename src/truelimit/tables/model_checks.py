"""Checks the metadata of a model's table: counts that no model can have are refused by their key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from truelimit.domain.message import said
from truelimit.perf.layouts.nouns import UnknownLayoutError
from truelimit.perf.tensor_table.build import parameter_count, tensor_shapes
from truelimit.tables.fields import TableError, wrong

if TYPE_CHECKING:
    from truelimit.domain.model import MetadataValue, ModelHeader
    from truelimit.units import Bytes

_DIFFER = 0.02  # of the parameters: makers round
_LEAST_BITS, _MOST_BITS = 0.5, 33.0  # of a weight in a file: below the coarsest, above 32 bits and a header

_MOST = {  # by the key without its architecture: the largest that is taken for a model's
    "block_count": 1000,
    "embedding_length": 2**20,
    "feed_forward_length": 2**24,
    "context_length": 2**31,
    "attention.head_count": 2**14,
    "attention.head_count_kv": 2**14,
    "attention.key_length": 2**16,
    "attention.value_length": 2**16,
    "vocab_size": 2**24,
}


def check(file: str, architecture: str, metadata: Mapping[str, MetadataValue]) -> None:
    """Raise TableError, by file and key, for a count that no model has; one that is missing is said to be not known."""
    for name, most in _MOST.items():
        key = f"{architecture}.{name}"
        if key in metadata:
            _check_count(file, key, metadata[key], most)
    _check_heads(file, architecture, metadata)


def _check_heads(file: str, architecture: str, metadata: Mapping[str, MetadataValue]) -> None:
    """Heads share those of the cache evenly: in all layers, or in each where lists tell them."""
    heads, cached = (metadata.get(f"{architecture}.attention.{name}") for name in ("head_count", "head_count_kv"))
    every = cached if isinstance(cached, tuple) else (cached,)
    asked = heads if isinstance(heads, tuple) else (heads,) * len(every)
    for layer_heads, layer_cached in zip(asked, every, strict=False):
        if not isinstance(layer_heads, int) or not isinstance(layer_cached, int) or not layer_heads or not layer_cached:
            continue
        if layer_heads % layer_cached:
            raise TableError(
                said(
                    "{file}: {key} is {cached}; expected a number that divides the {heads} heads of attention",
                    file=file,
                    key=f"{architecture}.attention.head_count_kv",
                    cached=layer_cached,
                    heads=layer_heads,
                )
            )


def check_sizes(file: str, header: ModelHeader, lengths: Mapping[str, Bytes]) -> None:
    """Raise TableError, by file and key, for parameters that the tensors do not have, and files that cannot hold them.

    What the metadata do not tell is not checked.
    """
    told = header.metadata.get("general.parameter_count")
    stated = told if isinstance(told, int) else None
    built = _built(header)
    if stated and built and abs(stated - built) > _DIFFER * built:
        raise TableError(
            said(
                "{file}: parameters is {stated:,}; expected {built:,}, which the tensors of its [metadata] have "
                "(at most {differ:.0%} more or less; leave it out where it is not known)",
                file=file,
                stated=stated,
                built=built,
                differ=_DIFFER,
            )
        )
    for quant, length in lengths.items():
        _check_length(file, quant, length, stated or built)


def _built(header: ModelHeader) -> int | None:
    """The parameters of the tensors that the metadata tell; None where they do not."""
    try:
        return parameter_count(tensor_shapes(header))
    except UnknownLayoutError:
        return None


def _check_length(file: str, quant: str, length: int, parameters: int | None) -> None:
    bits = length * 8 / parameters if parameters else _LEAST_BITS
    if not _LEAST_BITS <= bits <= _MOST_BITS:
        raise TableError(
            said(
                "{file}: files_bytes.{quant} is {length:,}, {bits:.2g} bits for each of {parameters:,} parameters; "
                "expected {least:g} to {most:g} bits",
                file=file,
                quant=quant,
                length=length,
                bits=bits,
                parameters=parameters,
                least=_LEAST_BITS,
                most=_MOST_BITS,
            )
        )


def _check_count(file: str, key: str, value: MetadataValue, most: int) -> None:
    counts = value if isinstance(value, tuple) else (value,)
    if all(isinstance(item, int) and not isinstance(item, bool) and 0 <= item <= most for item in counts) and any(
        counts
    ):
        return
    raise wrong(file, key, value, said("a whole number from 1 to {most:,}", most=most))
