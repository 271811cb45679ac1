"""From a model's header to the layout of its cache: never a guess."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from truelimit.domain.message import said
from truelimit.domain.same import Same
from truelimit.perf.layouts.keys import Keys
from truelimit.perf.layouts.nouns import (
    CacheLayout,
    KvGroup,
    SettingsRefusedError,
    Span,
    StateGroup,
    UnknownLayoutError,
)
from truelimit.perf.layouts.table import DOCUMENTED_ARCHITECTURES, RULES, VERIFIED_ARCHITECTURES

if TYPE_CHECKING:
    from truelimit.domain.model import ModelHeader


def layout_of(header: ModelHeader) -> CacheLayout:
    """Return what a model keeps for its context, read from its header.

    Raises UnknownLayoutError, with the reason, for an architecture without a known rule and for keys that are
    missing, contradict each other or hold nonsense. The layout of one header is read once.
    """
    return _layout(Same(header))


@lru_cache(64)
def _layout(of: Same[ModelHeader]) -> CacheLayout:
    header = of.value
    rule = RULES.get(header.architecture)
    if rule is None:
        raise UnknownLayoutError(
            said(
                "{where}: no rule is known for the cache of architecture {architecture!r}",
                where=header.where,
                architecture=header.architecture[:60],
            )
        )
    layout = rule(Keys(header))
    if not layout.groups and not layout.states:
        raise UnknownLayoutError(said("{where}: the keys describe neither a KV cache nor a state", where=header.where))
    return replace(layout, verified=header.architecture in VERIFIED_ARCHITECTURES)


__all__ = [
    "DOCUMENTED_ARCHITECTURES",
    "VERIFIED_ARCHITECTURES",
    "CacheLayout",
    "KvGroup",
    "SettingsRefusedError",
    "Span",
    "StateGroup",
    "UnknownLayoutError",
    "layout_of",
]
