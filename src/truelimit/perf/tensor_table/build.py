"""From a header to the table of its tensors: read from the file where there is one, else built from the metadata."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING

from truelimit.domain.message import said
from truelimit.domain.model import MetadataValue, ModelHeader
from truelimit.domain.same import Same
from truelimit.perf.layouts.keys import Keys
from truelimit.perf.layouts.nouns import UnknownLayoutError
from truelimit.perf.tensor_table.nouns import Geometry, Recipe, Rows, TensorShape, row
from truelimit.perf.tensor_table.recipes import RECIPES

if TYPE_CHECKING:
    from truelimit.domain.provenance import Basis

TIED = "general.tied_embeddings"
SHARED_VALUES = "attention.keys_are_values"


def tensor_shapes(header: ModelHeader) -> tuple[TensorShape, ...]:
    """Return name and shape of every tensor: those of the file, else those that llama.cpp would ask for.

    Where the metadata leaves open whether the output shares the embedding's tensor (or a layer its values), the
    choice is the one nearest to ``general.parameter_count``; without that count, the fuller. What a config.json says
    of it, no GGUF does: see TIED and SHARED_VALUES. Raises UnknownLayoutError for an architecture without a recipe
    and for keys that are missing or hold nonsense.
    """
    if header.tensors:
        return tuple(TensorShape(tensor.name, tensor.shape) for tensor in header.tensors)
    return _built(Same(header.metadata), header.where, header.basis, header.architecture)


@lru_cache(maxsize=8)
def _built(
    metadata: Same[Mapping[str, MetadataValue]], where: str, basis: Basis, architecture: str
) -> tuple[TensorShape, ...]:
    """The table that the metadata tells, remembered: a plan asks for it at each quantisation."""
    header = ModelHeader(where, basis, architecture, metadata.value)
    recipe = RECIPES.get(header.architecture)
    if recipe is None:
        raise UnknownLayoutError(
            said(
                "{where}: the tensors of architecture {architecture!r} cannot be told from its "
                "metadata; name a GGUF file of it",
                where=header.where,
                architecture=header.architecture[:60],
            )
        )
    count = header.metadata.get("general.parameter_count")
    best: tuple[TensorShape, ...] = ()
    for geometry in _variants(_geometry(Keys(header)), recipe):
        built = tuple(_rows(geometry, recipe))
        if not isinstance(count, int) or parameter_count(built) == count:
            return built
        if not best or abs(parameter_count(built) - count) < abs(parameter_count(best) - count):
            best = built
    return best


def parameter_count(shapes: Sequence[TensorShape]) -> int:
    """Return the number of parameters of a table."""
    return sum(math.prod(item.shape) for item in shapes)


def _geometry(keys: Keys) -> Geometry:
    every, cached = keys.layers()
    pattern = "attention.sliding_window_pattern"
    known = isinstance(keys.header.get(pattern), tuple)
    return Geometry(
        keys,
        keys.count("embedding_length").value,
        keys.count("vocab_size").value,
        every,
        every - cached,
        keys.per_layer("attention.head_count", every),
        keys.kv_heads(every),
        keys.per_layer("feed_forward_length", every) if keys.has("feed_forward_length") else (0,) * every,
        keys.flags(pattern, every) if known else (False,) * every,
    )


def _variants(of: Geometry, recipe: Recipe) -> Iterator[Geometry]:
    """Yield what the metadata leaves open, the likeliest first."""
    header = of.keys.header
    tied = recipe.tied if recipe.tied is not None else header.metadata.get(TIED)
    ends = (not tied,) if isinstance(tied, bool) else (True, False)
    shares: tuple[bool, ...] = (False, True) if header.architecture == "gemma4" else (False,)
    if isinstance(header.get(SHARED_VALUES), bool):
        shares = (bool(header.get(SHARED_VALUES)),)
    drafts: tuple[bool, ...] = (False,)
    if of.drafting:
        drafts = (True, False) if header.architecture == "glm4moe" else (False, True)
    for drafting, shared, alone in product(drafts, shares, ends):
        yield replace(of, ends_alone=alone, shares_values=shared, drafts_alone=drafting)


def _rows(of: Geometry, recipe: Recipe) -> Rows:
    yield row("token_embd", of.embedding, of.vocabulary)
    if recipe.head is not None:
        yield from recipe.head(of)
    yield from _position_factors(of)
    for layer in range(of.layers):
        for item in _layer(of, recipe, layer):
            yield TensorShape(f"blk.{layer}.{item.name}", item.shape)
    yield row("output_norm", of.embedding)
    if of.ends_alone:
        yield row("output", of.embedding, of.vocabulary)


def _position_factors(of: Geometry) -> Rows:
    """Yield the factors that Llama 3.1 and later keep for long contexts, where the header names that scaling."""
    if of.keys.header.get("rope.scaling.type") == "llama3":
        yield row("rope_freqs", of.keys.count("rope.dimension_count").value // 2)


def _layer(of: Geometry, recipe: Recipe, layer: int) -> Rows:
    for norm in recipe.norms:
        yield row(norm, of.embedding)
    yield from recipe.mixing(of, layer)
    yield from recipe.feed_forward(of, layer)
    if layer >= of.layers - of.drafting:
        yield from _drafting(of)


def _drafting(of: Geometry) -> Rows:
    yield row("nextn.eh_proj", 2 * of.embedding, of.embedding)
    for norm in ("nextn.enorm", "nextn.hnorm", "nextn.shared_head_norm"):
        yield row(norm, of.embedding)
    if of.drafts_alone:
        yield row("nextn.embed_tokens", of.embedding, of.vocabulary)
        yield row("nextn.shared_head_head", of.embedding, of.vocabulary)
