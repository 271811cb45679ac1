"""The nouns of cache layouts, and the errors that say why there is none."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from truelimit.domain.frozen import dataclass

if TYPE_CHECKING:
    from truelimit.domain.calculation import Term
    from truelimit.domain.provenance import Known


class UnknownLayoutError(ValueError):
    """No layout can be given without guessing; ``reason`` says why, with the key or the architecture."""

    def __init__(self, reason: str) -> None:
        """Keep the reason."""
        super().__init__(reason)
        self.reason = reason


class SettingsRefusedError(UnknownLayoutError):
    """The engine refuses these settings for this model; ``reason`` says which and why."""


class Span(StrEnum):
    """How many cells a group of layers keeps: the whole context, the sliding window, or compressed rows."""

    FULL = "full"
    WINDOW = "window"
    COMPRESSED = "compressed"


@dataclass(frozen=True, slots=True)
class KvGroup:
    """Layers that cache alike.

    ``kv_heads`` is the count in each layer, or over all layers together when ``heads_summed``.
    ``value_length`` is None where no values are cached (latent attention, index keys).
    ``ratio`` is how many tokens share one compressed row.
    """

    name: str
    span: Span
    layers: Known[int]
    kv_heads: Known[int]
    key_length: Known[int]
    value_length: Known[int] | None
    heads_summed: bool = False
    ratio: int = 1


@dataclass(frozen=True, slots=True)
class StateGroup:
    """Layers with a state of constant size: 32-bit numbers, for each layer and each slot.

    ``formula`` over the names of ``terms`` gives the numbers of one layer and slot.
    """

    name: str
    layers: Known[int]
    formula: str
    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class CacheLayout:
    """What a model keeps while it reads and writes.

    ``window`` is the sliding window in tokens where a group has one. ``widest_values`` is the largest row of values
    of any layer: without flash attention the engine pads all rows of values to it when they differ.
    ``always_split``: the cache is one per slot even where slots share a pool.
    """

    architecture: str
    groups: tuple[KvGroup, ...] = ()
    states: tuple[StateGroup, ...] = ()
    window: Known[int] | None = None
    widest_values: int = 0
    values_vary: bool = False
    always_split: bool = False
    verified: bool = False

    @property
    def is_latent(self) -> bool:
        """Whether keys alone are cached (latent attention): both cache types must then be the same."""
        return bool(self.groups) and all(group.value_length is None for group in self.groups)
