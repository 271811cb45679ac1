"""Models of recurrent layers, alone or beside layers with attention.

Source: ``create_memory`` (``src/llama-model.cpp``) and ``src/models/`` of llama.cpp, build b11434.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from truelimit.domain.frozen import dataclass
from truelimit.domain.message import said
from truelimit.perf.layouts.attention import attention
from truelimit.perf.layouts.keys import Keys
from truelimit.perf.layouts.nouns import CacheLayout, StateGroup, UnknownLayoutError
from truelimit.perf.layouts.states import convolution_state, delta_state, lightning_state, scan_state, wkv_state
from truelimit.perf.layouts.windows import pattern_flags

State = Callable[[Keys, int], StateGroup]


def scan_only(keys: Keys) -> CacheLayout:
    """Return the layout of Mamba: no cache, a constant state."""
    return _state_only(keys, lambda keys, layers: scan_state(keys, layers, grouped=False))


def grouped_scan_only(keys: Keys) -> CacheLayout:
    """Return the layout of Mamba 2."""
    return _state_only(keys, scan_state)


def wkv_only(keys: Keys) -> CacheLayout:
    """Return the layout of RWKV 6 and 7."""
    return _state_only(keys, wkv_state)


def _state_only(keys: Keys, state: State) -> CacheLayout:
    return CacheLayout(keys.header.architecture, states=(state(keys, keys.layers()[1]),))


@dataclass(frozen=True, slots=True)
class ByHeads:
    """A rule: a layer whose count of KV heads is 0 is recurrent; the others have attention.

    ``latent``: attention keeps keys only (needs ``attention.key_length_mla``).
    """

    state: State
    latent: bool = False

    def __call__(self, keys: Keys) -> CacheLayout:
        """Return the layout. Raises UnknownLayoutError."""
        every, trunk = keys.layers()
        if every != trunk:
            raise UnknownLayoutError(
                said("{where}: not documented for this architecture", where=keys.where("nextn_predict_layers"))
            )
        if not isinstance(keys.header.get("attention.head_count_kv"), tuple):
            raise UnknownLayoutError(
                said("{where} is no list: which layers are recurrent?", where=keys.where("attention.head_count_kv"))
            )
        if self.latent:
            require_latent(keys)
        recurrent = [heads == 0 for heads in keys.kv_heads(every)]
        return mixed(keys, recurrent, self.state, values=not self.latent)


@dataclass(frozen=True, slots=True)
class ByInterval:
    """A rule: every ``interval``-th layer has attention, the others a state; the header may list them instead."""

    state: State
    interval: int

    def __call__(self, keys: Keys) -> CacheLayout:
        """Return the layout. Raises UnknownLayoutError."""
        return mixed(keys, self.recurrent(keys), self.state)

    def recurrent(self, keys: Keys) -> Sequence[bool]:
        """Return which layers are recurrent."""
        trunk = keys.layers()[1]
        if keys.has("attention.recurrent_layers"):
            return keys.flags("attention.recurrent_layers", trunk)
        key = "full_attention_interval"
        interval = keys.count_or(key, self.interval, said("llama.cpp's default"), least=1).value
        return pattern_flags(trunk, interval)


def mixed(keys: Keys, recurrent: Sequence[bool], state: State, *, values: bool = True) -> CacheLayout:
    """Return the layout of layers that have either attention or a state."""
    layout = attention(keys, [layer for layer, is_state in enumerate(recurrent) if not is_state], values=values)
    layers = sum(recurrent)
    return replace(layout, states=(state(keys, layers),)) if layers else layout


def short_convolutions(keys: Keys) -> CacheLayout:
    """Return the layout of LFM2: short convolutions beside attention, which may have a window."""
    if keys.absent_or_zero("attention.sliding_window"):
        return ByHeads(convolution_state)(keys)
    every = keys.layers()[0]
    recurrent = [heads == 0 for heads in keys.kv_heads(every)]
    full = attention(
        keys,
        [layer for layer in range(every) if not recurrent[layer]],
        [not is_state for is_state in recurrent],
        keys.count("attention.sliding_window"),
    )
    return replace(full, states=(convolution_state(keys, sum(recurrent)),))


def both_in_every_layer(keys: Keys) -> CacheLayout:
    """Return the layout of Falcon-H1: attention and a scan side by side in every layer."""
    every, trunk = keys.layers()
    return replace(attention(keys, range(every)), states=(scan_state(keys, trunk),))


def nemotron_h(keys: Keys) -> CacheLayout:
    """Return the layout of Nemotron-H: no KV heads and no feed-forward is a scan; KV heads alone are attention."""
    every, trunk = keys.layers()
    heads = keys.kv_heads(every)
    widths = keys.per_layer("feed_forward_length", every)
    scans = [layer for layer in range(trunk) if heads[layer] == 0 and widths[layer] == 0]
    attends = [layer for layer in range(every) if layer not in scans and widths[layer] == 0]
    return replace(attention(keys, attends), states=(scan_state(keys, len(scans)),))


def require_latent(keys: Keys) -> None:
    """Raise UnknownLayoutError unless the header describes latent attention in full."""
    for key in ("key_length_mla", "value_length_mla", "key_length", "kv_lora_rank"):
        keys.count(f"attention.{key}")


jamba = ByHeads(lambda keys, layers: scan_state(keys, layers, grouped=False))
grouped_scan = ByHeads(scan_state)
delta_attention = ByHeads(delta_state, latent=True)
gated_delta_net = ByInterval(scan_state, 4)
lightning = ByInterval(lightning_state, 8)
