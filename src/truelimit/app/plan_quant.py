"""The same model in other quantisations: what its weights take is reckoned from its shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from truelimit.domain.message import said
from truelimit.perf.layouts.nouns import UnknownLayoutError
from truelimit.perf.quantization import default_quantization, tensors_at, weights_at

if TYPE_CHECKING:
    from truelimit.domain.facts import Stack
    from truelimit.domain.model import ModelHeader
    from truelimit.units import Bytes

# What people choose between, from the finest to the coarsest that still answers well.
_LADDER = ("Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "IQ4_XS", "Q3_K_M", "IQ3_XXS", "Q2_K")
_TRIED = 2
_SMALLER = 0.95  # of the bytes: less of a difference is none worth another file


def at_quantization(header: ModelHeader, quant: str, files: Mapping[str, Bytes] | None = None) -> ModelHeader:
    """Return the header with the weights of a quantisation.

    A published file's length (``files``) comes first, then the tensors that the shape gives, then an average of bits.
    Raises UnknownLayoutError where none of them tells it, or for an unknown name.
    """
    known = {name.lower(): size for name, size in (files or {}).items()}.get(quant.lower())
    if known is not None:
        return replace(header, tensors=(), file_bytes=known)
    try:
        return replace(header, tensors=tensors_at(header, quant), file_bytes=None)
    except UnknownLayoutError:
        size = weights_at(header, quant)
        return replace(header, where=size.where, tensors=(), file_bytes=size.value)


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
    if header is None or header.tensors or header.file_bytes:
        return stack
    return with_quantization(stack, default_quantization(header))


def smaller(stack: Stack) -> tuple[tuple[str, Stack], ...]:
    """Return the stack in the next smaller quantisations, by name; empty where its shape does not tell them."""
    header = stack.header
    if header is None or header.architecture == "gpt-oss":  # its experts have one published form only
        return ()
    size = header.weights_bytes or header.file_bytes or 0
    found: list[tuple[str, Stack]] = []
    for name in _below(stack):
        try:
            made = with_quantization(stack, name)
        except UnknownLayoutError:
            return tuple(found)
        if made.header is not None and (made.header.weights_bytes or made.header.file_bytes or 0) < _SMALLER * size:
            found.append((name, made))
        if len(found) == _TRIED:
            break
    return tuple(found)


def _below(stack: Stack) -> tuple[str, ...]:
    """The rungs below the stack's own quantisation; all of them where it is none of the ladder."""
    own = stack.definition.quantization if stack.definition else None
    return _LADDER[_LADDER.index(own) + 1 :] if own in _LADDER else _LADDER
