"""Says what a model is: parameters, tensors, attention, cache, context, tokenizer; and what of it is not known."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from truelimit.app.model import CacheSize, ClassSize, FoundModel, ModelFacts, ModelWish, StoredWeights
from truelimit.app.model_notes import model_notes
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known, Missing, worst
from truelimit.perf.cache_layout import layout_of
from truelimit.perf.kv_cache import CacheSettings, kv_bytes_per_token, kv_cache
from truelimit.perf.layouts.keys import Keys
from truelimit.perf.layouts.nouns import CacheLayout, SettingsRefusedError, UnknownLayoutError
from truelimit.perf.quantization import default_quantization, quantization, tensors_at, weights_at
from truelimit.perf.tensor_table.build import parameter_count, tensor_shapes
from truelimit.perf.tensor_table.classes import TensorClass, active_parameters, class_of, draft_from
from truelimit.perf.weights import weights
from truelimit.units import Bytes, Tokens

if TYPE_CHECKING:
    from truelimit.domain.model import ModelHeader, Tensor

_KV_TYPES = ("f16", "q8_0", "q4_0")


def describe(found: FoundModel, wish: ModelWish) -> ModelFacts:
    """Return what is known of a model. Raises SettingsRefusedError and UnknownLayoutError for a wish of no sense."""
    header, missing = found.header, list[Missing]()
    if wish.quantization:
        quantization(wish.quantization)
    quant = wish.quantization or (None if _is_stored(found) else _shown_at(found))
    layout = _layout(header, missing)
    tensors = _tensors(header, quant, missing)
    return ModelFacts(
        header,
        _parameters(header),
        _active(found, missing),
        _weights(found, quant, missing),
        quant or found.quantization,
        _types(found, tensors),
        _classes(header, tensors),
        _heads(header),
        _count(header, "block_count"),
        layout,
        tuple(_caches(layout, header, wish)) if layout else (),
        _rope(header),
        _text(header, "tokenizer.ggml.model"),
        _vocabulary(header),
        _chat_template(header),
        found.entry,
        found.stored,
        tuple(missing),
        (*found.notes, *model_notes(header)),
    )


def _is_stored(found: FoundModel) -> bool:
    """Tell whether the source is a file or a server's model, which has a size of its own."""
    header = found.header
    return bool(header.tensors or found.stored or (found.entry is None and header.file_bytes))


def _shown_at(found: FoundModel) -> str:
    """Return the quantisation to show a shape of no file at: that of its name, of the table's file, else the usual."""
    if found.entry is None:
        return default_quantization(found.header)
    return found.quantization or next(iter(found.entry.files_bytes), default_quantization(found.header))


def _layout(header: ModelHeader, missing: list[Missing]) -> CacheLayout | None:
    try:
        return layout_of(header)
    except UnknownLayoutError as error:
        missing.append(Missing(said("attention layout and cache"), error.reason))
        return None


def _tensors(header: ModelHeader, quant: str | None, missing: list[Missing]) -> tuple[Tensor, ...]:
    if quant is None:
        return header.tensors
    try:
        return tensors_at(header, quant)
    except UnknownLayoutError as error:
        missing.append(Missing(said("tensors by class"), error.reason))
        return ()


def _weights(found: FoundModel, quant: str | None, missing: list[Missing]) -> Known[Bytes] | None:
    """Return the bytes of the weights: those of the files, of the table's file at this quantisation, or computed."""
    header, stored = found.header, found.stored
    if stored is not None and quant is None:
        return _of_files(stored)
    try:
        return weights_at(header, quant) if quant else weights(header)
    except UnknownLayoutError as error:
        missing.append(Missing(said("size of the weights"), error.reason))
        return None


def _of_files(stored: StoredWeights) -> Known[Bytes]:
    if stored.is_stated:
        told = said("{where}: total_size, for {tensors:,} tensors", where=stored.where, tensors=stored.tensors)
        return Known(stored.n_bytes, told, Basis.REPORTED)
    told = said("{where}: sum of {tensors:,} tensors", where=stored.where, tensors=stored.tensors)
    return Known(stored.n_bytes, told, Basis.MEASURED)


def _parameters(header: ModelHeader) -> Known[int] | None:
    key = "general.parameter_count"
    told = header.metadata.get(key)
    if header.tensors:
        shapes = tensor_shapes(header)
        return Known(
            parameter_count(shapes),
            said("{where}: {shapes} tensors", where=header.where, shapes=len(shapes)),
            header.basis,
        )
    if isinstance(told, int) and not isinstance(told, bool) and told > 0:
        return Known(told, said("{where}: {key}", where=header.where, key=key), header.basis)
    return None


def _active(found: FoundModel, missing: list[Missing]) -> Known[int] | None:
    header, entry = found.header, found.entry
    if entry is not None and entry.active_parameters:
        return Known(entry.active_parameters, said("{where}: active_parameters", where=header.where), header.basis)
    try:
        basis = worst([header.basis, Basis.DERIVED])
        return Known(
            active_parameters(header),
            said("{where}: all tensors but unused experts and drafting", where=header.where),
            basis,
        )
    except UnknownLayoutError as error:
        missing.append(Missing(said("active parameters"), error.reason))
        return None


def _classes(header: ModelHeader, tensors: tuple[Tensor, ...]) -> tuple[ClassSize, ...]:
    first = _draft_from(header)
    sizes: dict[TensorClass, list[int]] = {}
    for tensor in tensors:
        both = sizes.setdefault(class_of(tensor.name, first), [0, 0])
        both[0] += math.prod(tensor.shape)
        both[1] += tensor.n_bytes
    return tuple(ClassSize(kind, sizes[kind][0], Bytes(sizes[kind][1])) for kind in TensorClass if kind in sizes)


def _draft_from(header: ModelHeader) -> int | None:
    try:
        return draft_from(header)
    except UnknownLayoutError:
        return None


def _types(found: FoundModel, tensors: tuple[Tensor, ...]) -> tuple[tuple[str, Bytes], ...]:
    if found.stored is not None and not tensors:
        return tuple(found.stored.by_type.items())
    counted: Counter[str] = Counter()
    for tensor in tensors:
        counted[tensor.type_name] += tensor.n_bytes
    return tuple((kind, Bytes(size)) for kind, size in counted.most_common())


def _caches(layout: CacheLayout, header: ModelHeader, wish: ModelWish) -> Iterator[CacheSize]:
    native = header.native_context
    context = wish.context or (native.value if native else None)
    if context is None:
        return
    kinds = (wish.kv_type,) if wish.kv_type else _KV_TYPES
    for kind in kinds:
        try:
            taken = kv_cache(layout, CacheSettings(context, kv_type_k=kind, kv_type_v=kind))
        except SettingsRefusedError as error:
            if wish.kv_type or kind == _KV_TYPES[0]:
                raise
            yield CacheSize(kind, 0.0, Tokens(context), Bytes(0), error.reason)
            continue
        size = Bytes(taken.kv + taken.state)
        yield CacheSize(kind, kv_bytes_per_token(layout, kind, kind), Tokens(context), size)


def _heads(header: ModelHeader) -> tuple[int, ...]:
    try:
        keys = Keys(header)
        return tuple(sorted({count for count in keys.per_layer("attention.head_count", keys.layers()[0]) if count}))
    except UnknownLayoutError:
        return ()


def _rope(header: ModelHeader) -> str | None:
    """Return how positions are scaled, in words, or None where they are not."""
    kind, factor = header.get("rope.scaling.type"), header.get("rope.scaling.factor")
    if not isinstance(kind, str) or kind == "none":
        return None
    times = (
        said(" by {factor:g}", factor=factor)
        if isinstance(factor, int | float) and not isinstance(factor, bool)
        else ""
    )
    first = header.get("rope.scaling.original_context_length")
    since = (
        said(" from {first:,} tokens", first=first) if isinstance(first, int) and not isinstance(first, bool) else ""
    )
    return said("{kind}{times}{since}", kind=kind[:40], times=times, since=since)


def _vocabulary(header: ModelHeader) -> int | None:
    embedding = next((item.shape for item in header.tensors if item.name == "token_embd.weight"), None)
    if embedding and len(embedding) == 2:
        return embedding[1]
    listed = header.metadata.get("tokenizer.ggml.tokens.count")
    return listed if isinstance(listed, int) and not isinstance(listed, bool) else _count(header, "vocab_size")


def _count(header: ModelHeader, key: str) -> int | None:
    value = header.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _text(header: ModelHeader, key: str) -> str | None:
    value = header.metadata.get(key)
    return value[:60] if isinstance(value, str) and value else None


def _chat_template(header: ModelHeader) -> bool | None:
    """Return whether the file brings a chat template; None where the source would not tell."""
    if "tokenizer.chat_template" in header.metadata:
        return True
    return False if header.basis is Basis.MEASURED and header.tensors else None
