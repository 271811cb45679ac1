"""The judge of an engine that left no word: its log stops in the middle of a prompt, and the connection broke."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.domain.server import Event, PromptProgress, PromptStarted
from truelimit.domain.session import Cause, ErrorKind
from truelimit.limits.causes import Judgement, Scene

if TYPE_CHECKING:
    from truelimit.domain.facts import Stack
    from truelimit.limits.turns import Turn
    from truelimit.units import Tokens

_REFUSED_AT_ONCE = 1.0  # s: a connection that breaks sooner was refused, for nothing was listening


def engine_gone(turn: Turn, scene: Scene) -> Judgement | None:
    """The process ended without a word: a killed one (by the system too, when memory runs out) writes nothing.

    Only the last call can tell: after it the log must end, with a prompt begun and neither its end nor a shutdown.
    A server that answers now was not gone, or its log went on.
    """
    stack = scene.stack
    left = _last_word(stack)
    if left is None or stack.server is None or stack.server.live or not _broke_last(turn, stack):
        return None
    size = _size(left, stack)
    prompt = said(" of {size:,} tokens", size=size.value) if size is not None else ""
    return Judgement(
        Cause.ENGINE_CRASH,
        True,
        (
            said(
                "the server's log ends while a prompt{prompt} was being read ({where}), with no end and no shutdown",
                prompt=prompt,
                where=left.where,
            ),
            said("the connection broke then, after {seconds:,.1f} s ({where})", seconds=turn.seconds, where=turn.where),
            said("whether it crashed or was killed (the system does so when memory runs out) its own log cannot tell"),
            said("no window and no timer explains that"),
        ),
        prompt=size if turn.prompt is None or turn.prompt.basis not in {Basis.MEASURED, Basis.REPORTED} else None,
    )


def _last_word(stack: Stack) -> PromptStarted | PromptProgress | None:
    events: tuple[Event, ...] = stack.server.events if stack.server is not None else ()
    last = events[-1] if events else None
    return last if isinstance(last, PromptStarted | PromptProgress) else None


def _size(left: PromptStarted | PromptProgress, stack: Stack) -> Known[Tokens] | None:
    """The size of the prompt that was being read, as the log counted it when it began."""
    events: tuple[Event, ...] = stack.server.events if stack.server is not None else ()
    begun = next((e for e in reversed(events) if isinstance(e, PromptStarted) and e.task == left.task), None)
    return Known(begun.prompt, begun.where, Basis.REPORTED) if begun is not None and begun.prompt else None


def _broke_last(turn: Turn, stack: Stack) -> bool:
    """Whether the turn holds the stack's last call, and that lost a connection which had stood for a while."""
    if not turn.calls or not stack.calls or turn.calls[-1] is not stack.calls[-1] or turn.match is not None:
        return False
    return turn.has(ErrorKind.CONNECTION) and turn.seconds is not None and turn.seconds >= _REFUSED_AT_ONCE
