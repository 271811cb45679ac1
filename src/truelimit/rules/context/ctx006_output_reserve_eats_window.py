"""The output reserve eats the window.

## What it does
Compares the tokens kept for the answer, and those kept for compaction, with the window that the agent believes in.

## Why it matters
A reserve of 32,000 in a window of 32,768 leaves no room for a prompt. One for compaction that is larger than the
window makes the agent compact at every turn (OpenClaw 2026.2.17 with 16,384 tokens answered, and counted a compaction).

## Fix safety
Unsafe: a smaller reserve can cut long answers; a larger window (CTX001, CTX005) is the better way where it fits.

## Sources
The agent's own keys (maxTokens, reserveTokens).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from truelimit.domain.calculation import calculate, term
from truelimit.domain.findings import ABSENT, Applicability, ConfigEdit, Finding, FixIdea, Severity
from truelimit.domain.message import said
from truelimit.rules.rule import Rule, tokens

if TYPE_CHECKING:
    from truelimit.domain.agent import Route
    from truelimit.domain.provenance import Known
    from truelimit.limits.view import StackView
    from truelimit.units import Tokens

_SHARE = 0.5  # of the window: beyond it the reserve, not the window, is the limit


def check(view: StackView, route: Route) -> Iterator[Finding]:
    """Yield one finding when reserves take half of the window or more."""
    reserves = [item for item in (route.output_reserve, route.compaction_reserve) if item is not None]
    if not reserves:
        return
    largest = max(reserves, key=lambda item: item.value)
    window = term("window", route.agent_context, "tokens")
    if largest.value < _SHARE * window.value:
        return
    left = calculate("window - reserve", "tokens", window, term("reserve", largest, "tokens"))
    yield Finding(
        "CTX006",
        "output-reserve-eats-window",
        Severity.FAILS if left.result <= 0 and largest is route.output_reserve else Severity.DEGRADES,
        said(
            "{largest} of {window} tokens are kept for {route}.",
            largest=tokens(largest.value),
            window=tokens(window.value),
            route=_what_for(route, largest, left.result),
        ),
        view.stack.model,
        evidence=(largest.where,),
        calculations=(left,),
        fix=_fix(route, largest, int(window.value)),
    )


def _what_for(route: Route, reserve: Known[Tokens], left: float) -> str:
    """A prompt within the compaction reserve is sent all the same, and the agent compacts after it."""
    if reserve is route.output_reserve:
        return said("the answer: {max} are left for the prompt", max=tokens(max(0, left)))
    if left > 0:
        return said("compaction: the agent compacts from {left} tokens on", left=tokens(left))
    return said("compaction: the agent tries to compact at every turn")


def _fix(route: Route, reserve: Known[Tokens], window: int) -> FixIdea | None:
    if reserve is not route.output_reserve or route.model_place is None or not route.configured.listed:
        return None
    edit = ConfigEdit(
        route.model_place.file,
        (*route.model_place.path, "maxTokens"),
        ABSENT if route.configured.max_tokens is None else route.configured.max_tokens,
        max(1024, window // 4),
        said("a quarter of the window is enough for an answer"),
    )
    return FixIdea(said("Keep a quarter of the window for the answer"), Applicability.UNSAFE, (edit,))


RULE = Rule("CTX006", "output-reserve-eats-window", check, __doc__ or "")
