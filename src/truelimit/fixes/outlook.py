"""What a larger window brings: window, wall and prefix cache are one fix.

A larger window makes longer prompts possible, not faster. Where the longest prompt would then take longer than a timer
allows, the failure has only moved from overflow to timeout; that is said, and what else is needed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from truelimit.domain.calculation import Calculation, calculate, term
from truelimit.domain.findings import ConfigEdit, Expectation
from truelimit.domain.frozen import dataclass
from truelimit.domain.message import figure, joined, said
from truelimit.domain.provenance import Basis, Known
from truelimit.fixes.change import Outlook
from truelimit.perf.prefill import extrapolates, is_lower_bound, largest_prompt, prefill_calculation, tells_wall
from truelimit.units import Bytes, Seconds, Tokens, to_gib

if TYPE_CHECKING:
    from truelimit.domain.agent import Timeout
    from truelimit.domain.rates import PrefillFit

_ENDS_READING = ("headers", "idle", "request", "run")


@dataclass(frozen=True, slots=True)
class Prospect:
    """What the caller knows of one stack once the fix is in: numbers, not conclusions.

    ``model`` is the stack's model as findings name it. ``old_limit`` is the context that bound so far.
    ``prompt`` is the longest prompt to expect (the longest that occurred, else the window less its reserve).
    ``timeouts`` are those of the route as they are now; the plan's own edits are taken into account here.
    The rest is for the live proof: ``server``, ``served_name`` (the name there before the fix), ``request_context``
    (the num_ctx that the agent sends, None when it sends none), ``aliases`` (names that share the model file),
    ``native`` (what the model was trained for).
    """

    model: str
    served_context: Tokens | None
    agent_context: Tokens | None
    prompt: Known[Tokens] | None = None
    old_limit: Tokens | None = None
    prefill: PrefillFit | None = None
    timeouts: tuple[Timeout, ...] = ()
    memory_total: Known[Bytes] | None = None
    memory_pool: Known[Bytes] | None = None
    server: str | None = None
    served_name: str | None = None
    request_context: Tokens | None = None
    aliases: tuple[str, ...] = ()
    native: Tokens | None = None


def outlook(prospect: Prospect, edits: Iterable[ConfigEdit]) -> Outlook:
    """Return what the stack will be, with arithmetic, and what else is needed for the fix to hold."""
    walls = tuple(
        after_edits(timeout, tuple(edits)) for timeout in prospect.timeouts if timeout.bounds in _ENDS_READING
    )
    wall = min(walls, key=lambda timeout: timeout.seconds.value, default=None)
    memory = _memory(prospect)
    notes = list(_memory_notes(prospect, memory))
    calculations = [memory] if memory else []
    needs: tuple[str, ...] = ()
    moves = False
    if prospect.prompt is None or prospect.prefill is None:
        notes.append(_time_unknown(prospect, wall))
    else:
        reading = prefill_calculation(prospect.prefill, term("prompt", prospect.prompt, "tokens"))
        calculations.append(reading)
        moves = wall is not None and reading.result > wall.seconds.value
        notes.append(_time_note(prospect.prompt.value, prospect.prefill, reading, wall))
        needs = _needs(walls, Seconds(float(reading.result))) if moves else ()
    expectation = Expectation(prospect.served_context, prospect.agent_context, tuple(note for note in notes if note))
    return Outlook(prospect.model, expectation, tuple(calculations), moves, needs)


def after_edits(timeout: Timeout, edits: tuple[ConfigEdit, ...]) -> Timeout:
    """Return the timer as it will be once the plan's edits are in."""
    if timeout.place is None:
        return timeout
    for edit in edits:
        key = str(edit.path[-1]) if edit.path else ""
        if (edit.file, edit.path) == (timeout.place.file, timeout.place.path) and _is_number(edit.value):
            value = float(str(edit.value)) / (1000 if key.endswith("Ms") else 1)
            seconds = Known(
                Seconds(value or float("inf")), said("{file} after the fix", file=edit.file), Basis.SPECIFIED
            )
            return replace(timeout, seconds=seconds)
    return timeout


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _memory(prospect: Prospect) -> Calculation | None:
    if prospect.memory_total is None or prospect.memory_pool is None:
        return None
    return calculate(
        "pool - total",
        "bytes",
        term("pool", prospect.memory_pool, "bytes"),
        term("total", prospect.memory_total, "bytes"),
    )


def _memory_notes(prospect: Prospect, left: Calculation | None) -> Iterable[str]:
    if prospect.memory_total is None:
        yield said("memory afterwards: unknown (the model's layout or its settings were not read)")
    elif left is None:
        yield said(
            "memory afterwards: {memory_total:.1f} GiB; how much this machine has is unknown",
            memory_total=to_gib(prospect.memory_total.value),
        )
    else:
        room = (
            said("{result:.1f} GiB left", result=to_gib(int(left.result)))
            if left.result >= 0
            else said("it does NOT fit")
        )
        pool = to_gib(prospect.memory_pool.value) if prospect.memory_pool else 0.0
        yield said(
            "memory afterwards: {memory_total:.1f} GiB of {pool:.1f} GiB, {room}",
            memory_total=to_gib(prospect.memory_total.value),
            pool=pool,
            room=room,
        )


def _time_unknown(prospect: Prospect, wall: Timeout | None) -> str:
    what = said("no rate of this stack is known") if prospect.prompt else said("no prompt to reckon with is known")
    if wall is None:
        return said("time afterwards: unknown ({what}); no timer ends the reading of a prompt", what=what)
    return said(
        "time afterwards: unknown ({what}); {wall} ends a prompt after {seconds:,.0f} s, so the "
        "larger window may only move the failure from overflow to timeout",
        what=what,
        wall=wall.name,
        seconds=wall.seconds.value,
    )


def _time_note(prompt: int, fit: PrefillFit, reading: Calculation, wall: Timeout | None) -> str:
    least = said("at least ") if is_lower_bound(fit, prompt) else ""
    far = (
        said(" (extrapolated: the rate is known up to {deepest:,} tokens)", deepest=fit.deepest)
        if extrapolates(fit, prompt)
        else ""
    )
    read = said(
        "a cold prompt of {prompt:,} tokens takes {least}{result:,.0f} s to read{far}",
        prompt=prompt,
        least=least,
        result=reading.result,
        far=far,
    )
    if wall is None:
        return said("{read}; no timer ends it", read=read)
    limit = said("{wall} ends it after {seconds:,.0f} s", wall=wall.name, seconds=wall.seconds.value)
    if reading.result <= wall.seconds.value:
        fits = said("whether it fits is not known") if least else said("it fits")
        return said("{read}; {limit}: {fits}", read=read, limit=limit, fits=fits)
    most = figure(largest_prompt(fit, wall.seconds.value))
    if not tells_wall(fit, wall.seconds.value):
        most = said("at most {most}", most=most)
    return said(
        "{read}; {limit}: the larger window alone would only move the failure from overflow to timeout. Cold prompts "
        "up to {most} tokens are read in time; beyond that a retry with the same "
        "beginning reads on from the prefix cache, as long as the model stays loaded with this context",
        read=read,
        limit=limit,
        most=most,
    )


def _needs(walls: tuple[Timeout, ...], reading: Seconds) -> tuple[str, ...]:
    """Return what must change besides the window: timers that would end the reading, those with one remedy together."""
    short = [wall for wall in walls if wall.seconds.value < reading]
    keyed = [
        said(
            "raise {place} above {reading:,.0f} s (now {seconds:,.0f} s)",
            place=wall.place,
            reading=reading,
            seconds=wall.seconds.value,
        )
        for wall in short
        if wall.place
    ]
    remedies: dict[str, list[str]] = {}
    for wall in short:
        if wall.place is None:
            remedies.setdefault(wall.remedy or _REMEDY, []).append(
                said("{timer} ({seconds:,.0f} s)", timer=wall.name, seconds=wall.seconds.value)
            )
    fixed = [
        said("{timers}: {remedy}", timers=joined(", ", names), remedy=remedy) for remedy, names in remedies.items()
    ]
    return tuple(dict.fromkeys((*keyed, *fixed)))


_REMEDY = said("no key moves it: shorter prompts, a warm prefix cache, or a version without this timer")
