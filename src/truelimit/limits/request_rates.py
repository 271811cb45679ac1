"""Points for rates out of whole requests: upper bounds of the time, because answers and waiting are in them.

A cached prefix would make reading look faster than it is, so only requests whose cached part is told, or that open a
session, count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.domain.message import said
from truelimit.domain.provenance import Basis
from truelimit.domain.server import PromptStarted, RequestEnded
from truelimit.limits.log_events import stack_events
from truelimit.limits.timeline import instant
from truelimit.perf.decode import decode_seconds
from truelimit.perf.prefill import PrefillPoint
from truelimit.units import Seconds, Tokens

if TYPE_CHECKING:
    from truelimit.domain.facts import Stack
    from truelimit.domain.rates import DecodeFit
    from truelimit.domain.session import Call

_MIN_PROMPT = 1_024  # tokens: below it, overheads and the answer outweigh the reading


def request_points(stack: Stack) -> list[PrefillPoint]:
    """Return the points of an older Ollama's log: a prompt began, and its request ended well."""
    points: list[PrefillPoint] = []
    begun: PromptStarted | None = None
    if not stack_events(stack, PromptStarted):
        return points
    for event in stack_events(stack, PromptStarted, RequestEnded):
        if isinstance(event, PromptStarted):
            begun = event if event.time is not None else None
        elif isinstance(event, RequestEnded) and begun is not None:
            points += _point_of(begun, event)
            begun = None
    return points


def _point_of(begun: PromptStarted, ended: RequestEnded) -> list[PrefillPoint]:
    if ended.time is None or begun.time is None or begun.cached is None or not 200 <= ended.status < 300:
        return []
    seconds = instant(ended.time) - instant(begun.time)
    evaluated = begun.prompt - begun.cached
    asked_before = ended.seconds + 1 >= seconds  # the request must have begun before its prompt was read
    if evaluated < _MIN_PROMPT or seconds <= 0 or not asked_before:
        return []
    where = said("{where} (upper bound: the answer is in it)", where=ended.where)
    return [PrefillPoint(begun.cached, Tokens(evaluated), Seconds(seconds), where, Basis.DERIVED)]


def transcript_points(stack: Stack, decode: DecodeFit | None) -> list[PrefillPoint]:
    """Return the points of answered calls that read their whole prompt: none cached, or the first of a session."""
    seen: set[str] = set()
    points: list[PrefillPoint] = []
    if not stack.calls:
        return points
    from truelimit.domain.session import Outcome

    for call in stack.calls:
        first = call.session not in seen
        seen.add(call.session)
        cold = call.cached_tokens == 0 or (call.cached_tokens is None and first)
        if call.outcome is Outcome.DONE and cold:
            points += _call_point(call, decode)
    return points


def _call_point(call: Call, decode: DecodeFit | None) -> list[PrefillPoint]:
    prompt = call.prompt_tokens
    if prompt is None or prompt.value < _MIN_PROMPT or prompt.basis not in {Basis.MEASURED, Basis.REPORTED}:
        return []
    if call.first_token is not None:
        return [
            PrefillPoint(
                Tokens(0), prompt.value, call.first_token, said("{where}: first token", where=call.where), Basis.DERIVED
            )
        ]
    if call.seconds is None:
        return []
    written = call.output_tokens or 0
    answer = decode_seconds(decode, written, prompt.value) if decode is not None else 0.0
    left = call.seconds - answer
    if left <= 0:
        return []
    how = (
        said("less {answer:.0f} s for its answer", answer=answer)
        if answer
        else said("upper bound: {written} tokens of answer are in it", written=written)
    )
    return [PrefillPoint(Tokens(0), prompt.value, Seconds(left), f"{call.where} ({how})", Basis.DERIVED)]
