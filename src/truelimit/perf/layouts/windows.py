"""Layers with a sliding window among layers that keep the whole context.

Source: ``load_swa_pattern`` and ``set_swa_pattern`` (``src/llama-model.cpp``, ``src/llama-hparams.cpp``) and the file
of each architecture in ``src/models/`` of llama.cpp, build b11434. With a pattern n, layer i has a window when
i % n < n - 1, or, where a full layer comes first, when i % n != 0.
"""

from __future__ import annotations

from collections.abc import Sequence

from truelimit.domain.frozen import dataclass
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.perf.layouts.attention import attention, plain
from truelimit.perf.layouts.keys import MAX_LAYERS, Keys
from truelimit.perf.layouts.nouns import CacheLayout, UnknownLayoutError

_WINDOW = "attention.sliding_window"
_PATTERN = "attention.sliding_window_pattern"
LLAMA4_CHUNK = 8192
EXAONE4_LAYERS_WITH_WINDOW = 64


@dataclass(frozen=True, slots=True)
class Windowed:
    """A rule: every ``pattern``-th layer keeps the whole context, the others a window.

    ``pattern`` None: the header must list the layers. ``default`` is the engine's window where the key is absent;
    ``fixed`` one that it uses whatever the key says. ``optional``: without the key, or with 0, there is no window.
    """

    pattern: int | None
    full_first: bool = False
    optional: bool = False
    default: int | None = None
    fixed: int | None = None

    def __call__(self, keys: Keys) -> CacheLayout:
        """Return the layout. Raises UnknownLayoutError."""
        if self.optional and keys.absent_or_zero(_WINDOW):
            return plain(keys)
        trunk = keys.layers()[1]
        return attention(keys, range(trunk), self.layers(keys, trunk), self.window(keys))

    def window(self, keys: Keys) -> Known[int]:
        """Return the window in tokens. Raises UnknownLayoutError."""
        if self.fixed is not None:
            return Known(
                self.fixed,
                said("llama.cpp src/models: window of {architecture}", architecture=keys.header.architecture),
                Basis.SPECIFIED,
            )
        if self.default is not None and not keys.has(_WINDOW):
            return Known(
                self.default,
                said("llama.cpp's default for {architecture}", architecture=keys.header.architecture),
                Basis.SPECIFIED,
            )
        return keys.count(_WINDOW)

    def layers(self, keys: Keys, trunk: int) -> Sequence[bool]:
        """Return which layers have a window. Raises UnknownLayoutError."""
        if self.pattern is None or isinstance(keys.header.get(_PATTERN), tuple):
            return keys.flags(_PATTERN, trunk)
        pattern = keys.count_or(_PATTERN, self.pattern, "llama.cpp src/models", least=0).value
        if pattern > MAX_LAYERS:
            raise UnknownLayoutError(
                said(
                    "{pattern} is {pattern2} (expected 0 to {max_layers})",
                    pattern=keys.where(_PATTERN),
                    pattern2=pattern,
                    max_layers=MAX_LAYERS,
                )
            )
        return pattern_flags(trunk, pattern, self.full_first)


def pattern_flags(layers: int, pattern: int, full_first: bool = False) -> list[bool]:
    """Return which layers have a window (or a recurrent state); 0 stands for all of them."""
    if pattern == 0:
        return [True] * layers
    if full_first:
        return [layer % pattern != 0 for layer in range(layers)]
    return [layer % pattern < pattern - 1 for layer in range(layers)]


def llama4(keys: Keys) -> CacheLayout:
    """Return the layout of Llama 4: chunks of 8192 in three of four layers, unless the key says 0."""
    if keys.has(_WINDOW) and keys.absent_or_zero(_WINDOW):
        return plain(keys)
    return Windowed(4, fixed=LLAMA4_CHUNK)(keys)


def exaone4(keys: Keys) -> CacheLayout:
    """Return the layout of EXAONE 4: only the model of 64 layers (32 B) has windows."""
    if keys.layers()[1] != EXAONE4_LAYERS_WITH_WINDOW:
        return plain(keys)
    return Windowed(4, default=4096)(keys)


GEMMA3N_OWN_LAYERS = 20


def gemma3n(keys: Keys) -> CacheLayout:
    """Return the layout of Gemma 3n: the first 20 layers keep a cache, later ones read theirs."""
    return _shared(keys, Windowed(5), GEMMA3N_OWN_LAYERS)


def gemma4(keys: Keys) -> CacheLayout:
    """Return the layout of Gemma 4: the last ``attention.shared_kv_layers`` layers keep nothing of their own."""
    every = keys.layers()[0]
    shared = keys.count("attention.shared_kv_layers", 0, every).value if keys.has("attention.shared_kv_layers") else 0
    for key in ("attention.key_length_swa", "attention.value_length_swa"):
        keys.count(key)
    return _shared(keys, Windowed(None), every - shared)


def _shared(keys: Keys, rule: Windowed, own: int) -> CacheLayout:
    trunk = keys.layers()[1]
    if own < 2:
        raise UnknownLayoutError(
            said("{where}: only {own} layers would keep a cache that others share", where=keys.header.where, own=own)
        )
    return attention(keys, range(min(own, trunk)), rule.layers(keys, trunk), rule.window(keys))
