"""The same model in other quantisations: what its weights take is reckoned from its shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from truelimit.domain.message import said
from truelimit.perf.layouts.nouns import UnknownLayoutError
from truelimit.perf.quantization import default_quantization, tensors_at, weights_at
from truelimit.perf.weights import weights
from truelimit.units import MIB, Bytes

if TYPE_CHECKING:
    from truelimit.domain.facts import Stack
    from truelimit.domain.model import ModelHeader

# What people choose between, from the finest to the coarsest that still answers well.
_LADDER = ("Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "IQ4_XS", "Q3_K_M", "IQ3_XXS", "Q2_K")
_TRIED = 2
_MOST_HEADER = 32 * MIB  # of a file: vocabulary, merges and padding are some 20 MB at most
_SMALLER = 0.95  # of the bytes: less of a difference is none worth another file


def at_quantization(header: ModelHeader, quant: str, files: Mapping[str, Bytes] | None = None) -> ModelHeader:
    """Return the header with the weights of a quantisation.

    The tensors that the shape gives come first: they are what lies in memory. A published file's length (``files``)
    counts where they are not known, or cannot be those of that file; then an average of bits. Raises
    UnknownLayoutError where none of them tells it, or for an unknown name.
    """
    known = {name.lower(): size for name, size in (files or {}).items()}.get(quant.lower())
    named = replace(header, tensors=(), file_bytes=known, quantization=quant, missing_bytes=Bytes(0))
    try:
        tensors = tensors_at(header, quant)
    except UnknownLayoutError:
        if known is None:
            weights_at(header, quant)
        return named
    made = replace(named, tensors=tensors)
    return made if known is None or _is_file_of(made) else replace(made, tensors=())


def _is_file_of(header: ModelHeader) -> bool:
    """Tell whether a file of this length may hold these tensors: all of them, and a header of a file's before them."""
    return 0 <= (header.file_bytes or 0) - (header.weights_bytes or 0) <= _MOST_HEADER


def with_quantization(stack: Stack, quant: str, files: Mapping[str, Bytes] | None = None) -> Stack:
    """Return the stack with its weights in a quantisation. Raises UnknownLayoutError as ``at_quantization`` does."""
    if stack.header is None:
        raise UnknownLayoutError(
            said("{model}: its model file was not found, so its shape is not known", model=stack.model)
        )
    header = at_quantization(stack.header, quant, files)
    definition = stack.definition
    named = replace(definition, header=header, quantization=quant) if definition else None
    return replace(stack, header=header, definition=named)


def sized(stack: Stack) -> Stack:
    """Return the stack with weights: its own, else those of the quantisation that people run where none is named."""
    header = stack.header
    if header is None or header.tensors or header.file_bytes or header.quantization:
        return stack
    return with_quantization(stack, default_quantization(header))


def smaller(stack: Stack) -> tuple[tuple[str, Stack], ...]:
    """Return the stack in the next smaller quantisations, by name; empty where its shape does not tell them."""
    header = stack.header
    if header is None or header.architecture == "gpt-oss":  # its experts have one published form only
        return ()
    size = _size(header)
    found: list[tuple[str, Stack]] = []
    for name in _below(stack):
        try:
            made = with_quantization(stack, name)
        except UnknownLayoutError:
            return tuple(found)
        if made.header is not None and _size(made.header) < _SMALLER * size:
            found.append((name, made))
        if len(found) == _TRIED:
            break
    return tuple(found)


def _size(header: ModelHeader) -> int:
    """The bytes of the weights; 0 where they are not known."""
    try:
        return weights(header).value
    except UnknownLayoutError:
        return 0


def _below(stack: Stack) -> tuple[str, ...]:
    """The rungs below the stack's own quantisation; all of them where it is none of the ladder."""
    own = stack.definition.quantization if stack.definition else None
    return _LADDER[_LADDER.index(own) + 1 :] if own in _LADDER else _LADDER
