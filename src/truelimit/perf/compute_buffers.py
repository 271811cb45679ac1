"""The engine's compute buffer: room for one physical batch on its way through the layers.

Measured on the CPU back end of llama.cpp b11549 with one device, for models of true shape; accelerators split it
differently and add pools of their own. Two parts: the mask of the attention, which grows with the context, and the
widest step of a layer, which does not. For the architectures in VERIFIED the sum is within 1 % of the engine's own
number (without flash attention within 6 %); for all others it is an assumption and says so.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from truelimit.domain.calculation import Calculation, Term, calculate, term
from truelimit.domain.frozen import dataclass
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.perf.kv_cache import CacheSettings, batch, full_cells, window_cells
from truelimit.perf.layouts.keys import Keys
from truelimit.perf.layouts.nouns import CacheLayout, Span, UnknownLayoutError
from truelimit.units import Bytes

if TYPE_CHECKING:
    from truelimit.domain.model import ModelHeader

DENSE, EXPERTS, LATENT, ATTENTION, SCAN = "dense", "experts", "latent", "attention", "scan"

# fmt: off
_DENSE_EXACT = (
    "chatglm", "deepseek", "ernie4_5", "ernie4_5-moe", "exaone4", "falcon-h1", "gemma", "gemma2", "gemma3",
    "gemma4", "glm4", "granite", "hunyuan-dense", "internlm2", "lfm2", "lfm2moe", "minicpm", "minicpm3", "mistral3",
    "olmo2", "phi3", "qwen2", "qwen2vl", "qwen3", "qwen35", "seed_oss", "smollm3", "stablelm",
)
# fmt: on

# Which step was the widest where the formula equalled the engine's number (tests/real/test_real_kv_oracle.py).
VERIFIED: dict[str, frozenset[str]] = {
    **dict.fromkeys(_DENSE_EXACT, frozenset({DENSE})),
    "llama": frozenset({DENSE, ATTENTION}),
    "qwen3moe": frozenset({EXPERTS, ATTENTION}),
    "deepseek2": frozenset({LATENT}),
    "kimi-linear": frozenset({LATENT}),
    "gpt-oss": frozenset({EXPERTS}),
}

# Architectures whose layers do more than the formulas know: index scores, scans, extra inputs of each layer.
_OTHER_WORK = "embedding_length_per_layer_input", "attention.indexer.key_length"


@dataclass(frozen=True, slots=True)
class ComputeBuffer:
    """Bytes of the buffer, its calculation, and what is uncertain about it (empty: nothing)."""

    size: Bytes
    calculation: Calculation
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Step:
    """One step of a layer: values of one token that are alive at once."""

    kind: str
    formula: str
    terms: tuple[Term, ...]
    values: int


def compute_buffer(
    header: ModelHeader,
    layout: CacheLayout,
    settings: CacheSettings,
    *,
    flash_attention: bool = True,
    logits_reserved: bool = False,
) -> ComputeBuffer:
    """Return the compute buffer for one physical batch.

    ``logits_reserved``: builds of llama.cpp before June 2026 also reserve the scores of all words for the whole batch.
    They come last, when nothing of the layers is left, so the larger of the two counts: Ollama 0.11.4 reports 98.25 MiB
    for SmolLM2 (576 wide, 49,152 words) from 2,048 to 4,096 tokens of context without flash attention, and then what
    the layers take; 505 MiB were published for 248,320 words, less than their 485 MiB and the layers' 132 together.
    Raises UnknownLayoutError where the header does not tell the widths.
    """
    keys = Keys(header)
    widest = max(_steps(keys, layout), key=lambda step: step.values)
    basis, note = _trust(keys, widest.kind)
    formula, terms = _with_flash(layout, settings, widest)
    if not flash_attention:
        formula, terms = _without_flash(keys, layout, settings, widest)
    if logits_reserved:
        formula = f"max({formula}, ubatch * 4 * (vocabulary + 2 * embedding))"
        terms = (*terms, term("vocabulary", vocabulary(header), "words"))
    if basis is Basis.ASSUMED:
        terms = tuple(replace(item, basis=basis) if item.name in _names(widest) else item for item in terms)
    calculation = calculate(formula, "bytes", *terms)
    calculation = replace(calculation, result=int(calculation.result))
    return ComputeBuffer(Bytes(int(calculation.result)), calculation, note)


def vocabulary(header: ModelHeader) -> Known[int]:
    """Return the words of the vocabulary, from its key or the embedding's tensor. Raises UnknownLayoutError."""
    keys = Keys(header)
    if keys.has("vocab_size"):
        return keys.count("vocab_size")
    found = next((t.shape[1] for t in header.tensors if t.name == "token_embd.weight" and len(t.shape) == 2), None)
    if found is None:
        raise UnknownLayoutError(
            said("{where} is missing, and so is the tensor token_embd.weight", where=keys.where("vocab_size"))
        )
    return Known(found, said("{where}: token_embd.weight", where=header.where), header.basis)


def _names(step: _Step) -> set[str]:
    return {item.name for item in step.terms}


def _trust(keys: Keys, kind: str) -> tuple[Basis, str]:
    """Return how far the width is to be trusted, and what to say of it."""
    architecture = keys.header.architecture
    extra = next((key for key in _OTHER_WORK if keys.has(key) and keys.header.get(key) != 0), None)
    if extra is None and kind in VERIFIED.get(architecture, frozenset()):
        return Basis.DERIVED, ""
    why = (
        said("its layers do more than the formula knows ({extra})", extra=extra)
        if extra
        else said("the formula is not verified for it")
    )
    return Basis.ASSUMED, said(
        "compute buffer of {architecture}: {why}; real buffers of such models were 0.5 to 1.6 times this, "
        "and up to several times with index keys or linear attention",
        architecture=architecture,
        why=why,
    )


def _steps(keys: Keys, layout: CacheLayout) -> list[_Step]:
    """Return the steps of a layer that may be the widest. Raises UnknownLayoutError where none can be told."""
    found = [
        step for build in (_attention, _latent, _experts, _scan, _dense) if (step := build(keys, layout)) is not None
    ]
    if not found:
        raise UnknownLayoutError(said("{where}: the keys do not tell the width of a layer", where=keys.header.where))
    return found


def _dense(keys: Keys, _layout: CacheLayout) -> _Step | None:
    """Return the feed-forward step of layers without experts: 3 * width + 5 * embedding."""
    width = _widest(keys, "feed_forward_length")
    only_experts = keys.has("expert_count") and keys.absent_or_zero("leading_dense_block_count")
    if width is None or (only_experts and keys.header.architecture not in {"jamba"}):
        return None
    return _step(DENSE, "3 * feed_forward + 5 * embedding", _embedding(keys), term("feed_forward", width, "values"))


def _experts(keys: Keys, _layout: CacheLayout) -> _Step | None:
    """Return the step of the experts: used * (2 * embedding + 2 * width)."""
    used = _widest(keys, "expert_used_count")
    width = _widest(keys, "expert_feed_forward_length") or _widest(keys, "feed_forward_length")
    if used is None or width is None:
        return None
    terms = _embedding(keys), term("experts_used", used, "experts"), term("expert_width", width, "values")
    formula = "experts_used * (2 * embedding + 2 * expert_width)"
    # gpt-oss adds a bias to each expert's output.
    return _step(EXPERTS, f"{formula} + embedding" if keys.header.architecture == "gpt-oss" else formula, *terms)


def _attention(keys: Keys, layout: CacheLayout) -> _Step | None:
    """Return the attention step: queries twice, and 5 * embedding. It is the widest in narrow models only."""
    heads = _widest(keys, "attention.head_count")
    if heads is None or not layout.groups:
        return None
    terms = _embedding(keys), term("heads", heads, "heads"), term("head_length", _longest_key(layout), "values")
    return _step(ATTENTION, "5 * embedding + 2 * heads * head_length", *terms)


def _latent(keys: Keys, layout: CacheLayout) -> _Step | None:
    """Return the step of latent attention: queries before and after they are taken into the latent space."""
    heads = _widest(keys, "attention.head_count")
    if heads is None or not layout.is_latent or not keys.has("attention.key_length_mla"):
        return None
    terms = (
        _embedding(keys),
        term("heads", heads, "heads"),
        term("head_length", _longest_key(layout), "values"),
        term("head_length_before", keys.count("attention.key_length_mla"), "values"),
    )
    return _step(LATENT, "5 * embedding + 2 * heads * head_length + heads * head_length_before", *terms)


def _scan(keys: Keys, _layout: CacheLayout) -> _Step | None:
    """Return the step of a scan, as measured on Mamba; wide scans of other models took up to a fifth more."""
    inner = _widest(keys, "ssm.inner_size")
    if inner is None:
        return None
    return _step(SCAN, "6 * inner_size + 3 * embedding", _embedding(keys), term("inner_size", inner, "values"))


def _step(kind: str, formula: str, *terms: Term) -> _Step:
    return _Step(kind, formula, terms, int(calculate(formula, "values", *terms).result))


def _embedding(keys: Keys) -> Term:
    return term("embedding", keys.count("embedding_length"), "values")


def _longest_key(layout: CacheLayout) -> Known[int]:
    return max((group.key_length for group in layout.groups), key=lambda known: known.value)


def _widest(keys: Keys, key: str) -> Known[int] | None:
    """Return the largest value of a key that may differ by layer, or None where it is absent or 0."""
    if not keys.has(key):
        return None
    value = max(keys.per_layer(key, keys.layers()[0]))
    return keys.known(value, key) if value else None


def _masks(layout: CacheLayout, settings: CacheSettings) -> tuple[str, tuple[Term, ...]]:
    """Return the cells that a mask covers: those of the full cache and those of the windows."""
    cells = _setting("cells", full_cells(settings), said("cells of one slot or of the pool"))
    kinds = {group.span for group in layout.groups}
    if Span.WINDOW in kinds:
        window = _setting("window_cells", window_cells(layout, settings), said("cells of the windows"))
        return "(cells + window_cells)", (cells, window)
    return ("cells", (cells,)) if kinds else ("0", ())


def _with_flash(layout: CacheLayout, settings: CacheSettings, step: _Step) -> tuple[str, tuple[Term, ...]]:
    """Return ubatch * (2 bytes a cell + 4 bytes a value)."""
    cells, masks = _masks(layout, settings)
    ubatch = _setting("ubatch", batch(settings), said("physical batch"))
    return f"ubatch * (2 * {cells} + 4 * ({step.formula}))", (ubatch, *masks, *step.terms)


def _without_flash(
    keys: Keys, layout: CacheLayout, settings: CacheSettings, step: _Step
) -> tuple[str, tuple[Term, ...]]:
    """Return the larger of the step of the scores (4 bytes a cell and head) and the widest other step."""
    cells, masks = _masks(layout, settings)
    heads = _widest(keys, "attention.head_count")
    if heads is None or not masks:
        return _with_flash(layout, settings, step)
    scores, extra = (step.formula, step.terms) if step.kind == LATENT else _scores(keys, layout, heads)
    ubatch = _setting("ubatch", batch(settings), said("physical batch"))
    terms = {item.name: item for item in (ubatch, *masks, *step.terms, *extra)}
    other = f"4 * ({step.formula})"
    return f"ubatch * (4 * {cells} + max(4 * cells * heads + 4 * ({scores}), {other}))", tuple(terms.values())


def _scores(keys: Keys, layout: CacheLayout, heads: Known[int]) -> tuple[str, tuple[Term, ...]]:
    """Return what is alive beside the scores: 5 * embedding, queries, and the row of keys and values."""
    row = max(
        _row(group.kv_heads.value, group.heads_summed, group.layers.value, group.key_length.value)
        for group in layout.groups
    )
    terms = (
        _embedding(keys),
        term("heads", heads, "heads"),
        term("head_length", _longest_key(layout), "values"),
        Term(
            "key_row",
            row,
            "values",
            said("{where}: heads times key length", where=keys.header.where),
            keys.header.basis,
        ),
    )
    queries = 2 if _normalises_queries(keys.header) else 1
    return f"5 * embedding + {queries} * heads * head_length + 2 * key_row", terms


def _row(heads: int, summed: bool, layers: int, length: int) -> int:
    return (-(-heads // layers) if summed else heads) * length


def _normalises_queries(header: ModelHeader) -> bool:
    """Tell whether queries are normalised, which keeps a second copy of them."""
    return any(tensor.name == "blk.0.attn_q_norm.weight" for tensor in header.tensors)


def _setting(name: str, value: int, source: str) -> Term:
    return Term(name, value, "cells" if "cells" in name else "tokens", source, Basis.SPECIFIED)
