"""States of constant size: what recurrent layers keep for each slot, whatever the context.

Source: ``llama_hparams::n_embd_r`` and ``n_embd_s`` (``src/llama-hparams.cpp``) and ``llama_memory_recurrent`` of
llama.cpp, build b11434: numbers of 32 bits, for each recurrent layer and each slot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.domain.calculation import Term, term
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.perf.layouts.nouns import StateGroup

if TYPE_CHECKING:
    from truelimit.perf.layouts.keys import Keys

_SSM = "(conv_kernel - 1) * (inner_size + 2 * state_groups * state_size) + state_size * inner_size"


def scan_state(keys: Keys, layers: int, *, grouped: bool = True) -> StateGroup:
    """Return the state of Mamba-like layers and gated delta nets (``ssm.*`` keys): convolution and scan."""
    none = Known(0, said("llama.cpp reads no group count for this architecture"), Basis.SPECIFIED)
    terms = (
        _term(keys, "conv_kernel", "ssm.conv_kernel"),
        _term(keys, "inner_size", "ssm.inner_size"),
        term("state_groups", keys.count("ssm.group_count", 0) if grouped else none, "groups"),
        _term(keys, "state_size", "ssm.state_size"),
    )
    return StateGroup("scan", _layers(keys, layers), _SSM, terms)


def convolution_state(keys: Keys, layers: int) -> StateGroup:
    """Return the state of short convolutions (LFM2): the last inputs of the kernel."""
    terms = (
        _term(keys, "embedding_length", "embedding_length"),
        _term(keys, "conv_cache", "shortconv.l_cache"),
    )
    return StateGroup("convolution", _layers(keys, layers), "embedding_length * (conv_cache - 1)", terms)


def delta_state(keys: Keys, layers: int) -> StateGroup:
    """Return the state of Kimi delta attention: one matrix a head, and the convolutions of queries, keys, values."""
    terms = (
        _term(keys, "delta_head_length", "kda.head_dim"),
        term("delta_heads", _first_heads(keys), "heads"),
        _term(keys, "conv_kernel", "ssm.conv_kernel"),
    )
    formula = "delta_head_length ** 2 * delta_heads + 3 * (conv_kernel - 1) * delta_heads * delta_head_length"
    return StateGroup("delta", _layers(keys, layers), formula, terms)


def lightning_state(keys: Keys, layers: int) -> StateGroup:
    """Return the state of MiniMax-01's linear attention: one matrix a head."""
    terms = (
        term("linear_head_length", keys.head_length("key_length"), "values"),
        term("linear_heads", _first_heads(keys), "heads"),
    )
    return StateGroup("linear", _layers(keys, layers), "linear_head_length ** 2 * linear_heads", terms)


def wkv_state(keys: Keys, layers: int) -> StateGroup:
    """Return the state of RWKV layers: shifted tokens and one matrix a head."""
    terms = (
        _term(keys, "embedding_length", "embedding_length"),
        _term(keys, "wkv_head_length", "wkv.head_size"),
        term("token_shifts", keys.count_or("token_shift_count", 2, said("llama.cpp's default"), least=1), "tokens"),
    )
    formula = "embedding_length * token_shifts + embedding_length * wkv_head_length"
    return StateGroup("wkv", _layers(keys, layers), formula, terms)


def ngram_state(keys: Keys) -> StateGroup:
    """Return the history that the convolution of n-gram embeddings keeps (``ple.*`` keys), in its one layer."""
    terms = (
        _term(keys, "ngram_kernel", "ple.conv_kernel"),
        _term(keys, "ngram_size", "ple.ngram_size"),
        _term(keys, "hyper_connections", "hyper_connection.count"),
        _term(keys, "embedding_length", "embedding_length"),
    )
    formula = "(ngram_kernel - 1) * ngram_size * hyper_connections * embedding_length"
    return StateGroup("ngram", keys.known(1, "ple.layers"), formula, terms)


def _term(keys: Keys, name: str, key: str) -> Term:
    return term(name, keys.count(key), "values")


def _layers(keys: Keys, layers: int) -> Known[int]:
    return keys.known(layers, "block_count")


def _first_heads(keys: Keys) -> Known[int]:
    """Return the heads of the first layer, which the engine takes for the state of all layers."""
    heads = keys.per_layer("attention.head_count", keys.layers()[0])[0]
    return keys.known(heads, "attention.head_count")
