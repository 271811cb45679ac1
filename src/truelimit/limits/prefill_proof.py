"""Does the arithmetic carry it that reading the prompt outlasted the wall? Yes, yes as far as known, or no."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.domain.calculation import Calculation, Term, calculate, term
from truelimit.domain.frozen import dataclass
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.domain.server import PromptProgress, PromptRead
from truelimit.limits.causes import Scene, seconds_term
from truelimit.limits.timeline import instant
from truelimit.perf.decode import decode_seconds
from truelimit.perf.prefill import (
    extrapolates,
    is_lower_bound,
    prefill_calculation,
    prefill_seconds,
    wall_as_context_calculation,
)

if TYPE_CHECKING:
    from truelimit.domain.rates import PrefillFit
    from truelimit.limits.turns import Turn
    from truelimit.units import Tokens

_TRUST_OWN = 0.75  # a fit of this stack, within its range: a prediction below this share of the wall denies it
_TRUST_FAR = 0.5  # a published fit, or beyond the range
_BEFORE_THE_FIRST_BYTE = {"headers", "first-event"}  # these timers end nothing but the wait for it
_SLOWEST = 5.0  # tokens/s: slower reading than any on record (7.5 tok/s: a 30B model on two processors of 2017)


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether it holds, the reasons, and the calculations, the telling one first."""

    holds: bool
    reasons: tuple[str, ...]
    calculations: tuple[Calculation, ...] = ()


def proof(turn: Turn, scene: Scene, wall: float) -> Proof:
    """Return whether the prompt can have been read until the wall, by the best evidence there is."""
    denied = _had_answer(turn)
    if denied is not None:
        return denied
    if turn.prompt is None or turn.prompt.value <= 0:
        reason = said("the size of the prompt is not recorded, so how fast it was read cannot be said")
        if not turn.events and turn.match is not None and turn.match.wall.bounds not in _BEFORE_THE_FIRST_BYTE:
            return Proof(False, (reason, said("and no log of a server shows that it was being read then")))
        return Proof(True, (reason, *_progress(turn)))
    read = _really_read(turn.prompt, scene)
    fit = scene.prefill
    if fit is None or is_lower_bound(fit, read.value):
        return _by_itself(turn, scene, read, wall)
    return _by_fit(turn, fit, read, wall)


def _had_answer(turn: Turn) -> Proof | None:
    """The wall met an answer that was being written: then no prefill was too long."""
    first = turn.calls[-1].first_token if turn.calls else None
    if first is not None:
        return Proof(
            False,
            (said("but its first token came after {first:,.0f} s: the prompt had been read by then", first=first),),
        )
    if turn.attempts > 1 or turn.end is None or turn.start is None:
        return None
    for event in turn.events:
        if isinstance(event, PromptRead) and event.time and turn.start < instant(event.time) < turn.end - 3:
            return Proof(
                False, (said("but the log says that the prompt had been read before ({where})", where=event.where),)
            )
    return None


def _really_read(prompt: Known[Tokens], scene: Scene) -> Known[Tokens]:
    """What the server had to read at most: a server that cuts or refuses reads no more than its context."""
    served = scene.served
    return served if served is not None and served.value < prompt.value else prompt


def _by_fit(turn: Turn, fit: PrefillFit, read: Known[Tokens], wall: float) -> Proof:
    name = "prompt_tokens" if read is turn.prompt else "served_context"
    needed = prefill_calculation(fit, term(name, read, "tokens"))
    result = float(needed.result)
    own = fit.basis is Basis.MEASURED and not extrapolates(fit, read.value)
    rate = said("the rate of this stack") if fit.basis is Basis.MEASURED else said("the rate that is known")
    cut = (
        said(", all that the server takes of {prompt:,},", prompt=turn.prompt.value)
        if turn.prompt and read is not turn.prompt
        else ""
    )
    words = said(
        "reading {read:,} tokens{cut} takes {result:,.0f} s at {rate} ({where})",
        read=read.value,
        cut=cut,
        result=result,
        rate=rate,
        where=fit.where,
    )
    words += said(", extrapolated") if extrapolates(fit, read.value) else ""
    if result < (_TRUST_OWN if own else _TRUST_FAR) * wall:
        reason = said(
            "but {words}, far below the wall of {wall:,.0f} s: something else kept the server silent",
            words=words,
            wall=wall,
        )
        return Proof(False, (reason,), (needed, *implied(turn)))
    within = "" if result > wall else said("; the wall of {wall:,.0f} s lies within the error of that", wall=wall)
    context = wall_as_context_calculation(fit, wall, turn.match.wall.seconds.where if turn.match else said("the wall"))
    mine, theirs = (needed, context), implied(turn)
    ordered = (*mine, *theirs) if fit.basis is Basis.MEASURED else (*theirs, *mine)
    reasons = (words + within, *_progress(turn), *_implied_words(turn), *_resumption(turn, fit, read))
    return Proof(True, reasons, ordered)


def _by_itself(turn: Turn, scene: Scene, read: Known[Tokens], wall: float) -> Proof:
    """No rate is known that could judge: the incident itself says how fast reading was at most."""
    rate = read.value / wall
    slowest = _slowest_reading(scene, read)
    if not _progress(turn) and (rate < _SLOWEST or (slowest is not None and slowest < wall)):
        than = (
            said("than this stack writes")
            if slowest is not None and slowest < wall
            else said("than any reading on record")
        )
        rated = said(
            "{read:,} tokens in {wall:,.0f} s would be {rate:.1f} tokens/s", read=read.value, wall=wall, rate=rate
        )
        reason = said("but {rated}, slower {than}: something else kept the server silent", rated=rated, than=than)
        return Proof(False, (reason,), implied(turn))
    note: tuple[str, ...] = ()
    if scene.prefill is not None:
        least = prefill_seconds(scene.prefill, read.value)
        note = (
            said(
                "the only rate known ({where}) says at least {least:,.0f} s: a lower bound",
                where=scene.prefill.where,
                least=least,
            ),
        )
    return Proof(True, (*_implied_words(turn), *_progress(turn), *note), implied(turn))


def _slowest_reading(scene: Scene, read: Known[Tokens]) -> float | None:
    """Reading is never slower than writing the same tokens one by one, where that rate is known."""
    return float(decode_seconds(scene.decode, read.value)) if scene.decode is not None else None


def implied(turn: Turn) -> tuple[Calculation, ...]:
    """Return the average rate that the incident implies, as an upper bound; and the one if the attempts resumed."""
    prompt = turn.prompt
    length = turn.attempt_seconds or (float(turn.match.wall.seconds.value) if turn.match else None)
    if prompt is None or not length:
        return ()
    size = term("prompt_tokens", prompt, "tokens")
    basis = Basis.MEASURED if turn.attempts == turn.visible else Basis.DERIVED
    attempt = seconds_term("attempt_seconds", length, turn.where, basis)
    found = [calculate("prompt_tokens / attempt_seconds", "tokens/s at most, implied", size, attempt)]
    if turn.attempts > 1:
        count = Term("attempts", turn.attempts, "attempts", said("the duration over the wall"), basis)
        unit = said("tokens/s at most if each attempt had resumed the last, implied")
        found.append(calculate("prompt_tokens / (attempts * attempt_seconds)", unit, size, count, attempt))
    return tuple(found)


def _implied_words(turn: Turn) -> tuple[str, ...]:
    rates = implied(turn)
    if not rates:
        return ()
    words = said(
        "the incident itself implies an average of less than {result:,.0f} tokens/s over such a prompt",
        result=rates[0].result,
    )
    if len(rates) < 2:
        return (words,)
    return (
        words,
        said("had each attempt resumed the last, of less than {result:,.0f} tokens/s", result=rates[1].result),
    )


def _progress(turn: Turn) -> tuple[str, ...]:
    """What the log shows of the reading when the client left."""
    seen = [event for event in turn.events if isinstance(event, PromptProgress) and event.fraction < 1]
    if not seen:
        return ()
    last = seen[-1]
    share = said(", {fraction:.0%} of the prompt", fraction=last.fraction) if last.fraction else ""
    read = said(
        "{tokens:,} tokens{share} after {seconds:,.0f} s", tokens=last.tokens, share=share, seconds=last.seconds
    )
    return (said("the log shows the reading under way: {read} ({where})", read=read, where=last.where),)


def _resumption(turn: Turn, fit: PrefillFit, read: Known[Tokens]) -> tuple[str, ...]:
    """Several attempts that together outlasted the reading cannot all have gone on where the last one stopped."""
    if turn.attempts < 2 or turn.attempt_seconds is None:
        return ()
    together, needed = turn.attempts * turn.attempt_seconds, prefill_seconds(fit, read.value)
    if together <= needed:
        return ()
    sure = fit.basis is Basis.MEASURED and not extrapolates(fit, read.value)
    return (
        said(
            "all attempts together lasted {together:,.0f} s, longer than the {needed:,.0f} s of one cold reading: "
            "a retry that went on where the last stopped would have been answered, so {so}",
            together=together,
            needed=needed,
            so=said("at least one began anew") if sure else said("by that rate at least one began anew"),
        ),
    )
