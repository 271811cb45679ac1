"""What a request will take, from those before it; and when the time left no longer pays for the next one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from truelimit.bench.nouns import Observation, Purpose
from truelimit.bench.points import points_of
from truelimit.domain.frozen import dataclass
from truelimit.domain.message import said
from truelimit.perf.decode import decode_seconds, fit_decode
from truelimit.perf.prefill import PrefillPoint, fit_prefill, prefill_seconds, tells_depth
from truelimit.units import Seconds, Tokens

if TYPE_CHECKING:
    from truelimit.bench.plan import Step

_SURE, _UNSURE = 1.1, 1.3  # times the foreseen seconds: with points at two depths, at one depth only


@dataclass(frozen=True, slots=True)
class Outlook:
    """Foreseen seconds of a step; ``at_least``: only one depth is known, so deeper ones can only take longer."""

    seconds: Seconds
    at_least: bool

    def fits(self, left: float) -> bool:
        """Return whether the step should end within so many seconds."""
        return self.seconds * (_UNSURE if self.at_least else _SURE) <= left


def outlook(step: Step, seen: Sequence[Observation]) -> Outlook | None:
    """Return what a step would take, judged by the requests so far; None before the first."""
    reading = list(points_of(seen).prefill) or _warm_up(seen)
    fit = fit_prefill(reading)
    if fit is None:
        return None
    writing = fit_decode(points_of(seen).decode)
    read = prefill_seconds(fit, step.depth)
    half = {Purpose.CANCEL: 0.5, Purpose.AFTER_CANCEL: 0.75, Purpose.SAME_AGAIN: 0.25}.get(step.purpose, 1.0)
    write = decode_seconds(writing, step.answer, step.depth) if writing else _wrote(seen, step)
    return Outlook(Seconds(read * half + write), not tells_depth(reading))


def _warm_up(seen: Sequence[Observation]) -> list[PrefillPoint]:
    """The warm-up as a point: too small for a rate, but enough for a first idea."""
    for item in seen:
        reply = item.reply
        tokens = (reply.prompt_tokens or 0) - (reply.cached_tokens or 0)
        seconds = reply.prefill_seconds or (reply.first_token_seconds or 0.0) - (reply.load_seconds or 0.0)
        if item.purpose is Purpose.WARM_UP and tokens > 0 and seconds > 0:
            return [PrefillPoint(Tokens(0), Tokens(tokens), Seconds(seconds), reply.where)]
    return []


def _wrote(seen: Sequence[Observation], step: Step) -> float:
    """The rate of writing of the warm-up, too short for a point of its own."""
    for item in seen:
        reply = item.reply
        if reply.timed and reply.decode_seconds:
            return reply.decode_seconds / reply.timed * step.answer
        if reply.written and reply.last_token_seconds and reply.first_token_seconds and reply.written > 1:
            span = reply.last_token_seconds - reply.first_token_seconds
            return span / (reply.written - 1) * step.answer
    return 0.0


def stop_words(step: Step, expected: Outlook, left: float, deepest: int | None) -> str:
    """Return in words why a step is not begun."""
    need = f"{'at least ' if expected.at_least else 'about '}{expected.seconds:,.0f} s"
    text = said("{left:,.0f} s left, {depth:,} tokens need {need}", left=left, depth=step.depth, need=need)
    if step.purpose is not Purpose.MEASURE:
        return said("{purpose} left out: {text}", purpose=step.purpose.value, text=text)
    if step.run:
        return said("repeat left out: {text}", text=text)
    if deepest is None:
        return said("{text}: nothing was measured; allow more with --max-seconds", text=text)
    return said("{text}: stopped at depth {deepest:,}; beyond it rates are extrapolated", text=text, deepest=deepest)
