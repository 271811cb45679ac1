"""Judges that look at the clock: loading, waiting behind another request, and reading longer than a wall."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.domain.calculation import Calculation, Term, calculate, term
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis
from truelimit.domain.server import EngineFailed, Event, ModelLoaded, RequestEnded
from truelimit.domain.session import Cause, ErrorKind
from truelimit.limits.causes import Judgement, Scene, seconds_term
from truelimit.limits.prefill_proof import proof
from truelimit.limits.timeline import instant
from truelimit.perf.prefill import prefill_seconds

if TYPE_CHECKING:
    from truelimit.limits.turns import Turn

_NEARLY = 0.9  # of an attempt spent on something else than reading leaves no doubt what ended it
_SLACK = 5.0  # s
_KEPT = 300.0  # s: Ollama keeps a model loaded for that long after its last request at least
_CLIENT_GONE_BEFORE_READING = 499
_BUSY = 503


def loading(turn: Turn, scene: Scene) -> Judgement | None:
    """The model took longer to load than somebody waited."""
    stalled = next((e for e in turn.events if isinstance(e, EngineFailed) and e.reason == "load-timeout"), None)
    if stalled is not None or turn.has(ErrorKind.LOAD_TIMEOUT):
        words = turn.where
        if stalled is not None:
            words = said("{place}: {text}", place=stalled.where, text=stalled.text)
        reason = said("the model did not finish loading in time: {words}", words=words)
        return Judgement(Cause.LOAD_EXCEEDS_WALL, True, (reason,), _against_load_timeout(turn, scene))
    wall = wall_seconds(turn)
    if wall is None:
        return None
    load = load_in(turn)
    if load is not None and load.seconds is not None and load.seconds >= wall:
        terms = (seconds_term("load", load.seconds, load.where), wall_term(turn, wall))
        over = calculate("load - wall", "s", *terms)
        return Judgement(Cause.LOAD_EXCEEDS_WALL, True, (_load_words(load, wall),), (over,))
    with_reading = _load_and_reading(turn, scene, load, wall)
    if with_reading is not None:
        return with_reading
    if _gone_before_reading(turn) and not others(turn) and not _was_loaded(turn, scene):
        reason = said("the server logged 499: the client left while the model was still loading or its request waiting")
        return Judgement(Cause.LOAD_EXCEEDS_WALL, True, (reason, _ended_at(turn)), match_calculation(turn))
    return None


def _load_and_reading(turn: Turn, scene: Scene, load: ModelLoaded | None, wall: float) -> Judgement | None:
    """Each alone would have been done in time; one attempt had to wait for both."""
    if load is None or not load.seconds or scene.prefill is None or turn.prompt is None or turn.attempts > 1:
        return None
    needed = prefill_seconds(scene.prefill, turn.prompt.value)
    if needed > wall or load.seconds + needed <= wall:
        return None
    loading_took = seconds_term("load", load.seconds, load.where)
    reading = Term("prefill", needed, "s", scene.prefill.where, scene.prefill.basis)
    total = calculate("load + prefill", "s", loading_took, reading)
    reason = said(
        "loading took {seconds:,.0f} s first ({where}); without it the prompt would have been read in time",
        seconds=load.seconds,
        where=load.where,
    )
    return Judgement(Cause.LOAD_EXCEEDS_WALL, True, (reason, _ended_at(turn)), (total,))


def _against_load_timeout(turn: Turn, scene: Scene) -> tuple[Calculation, ...]:
    timeout = scene.stack.server.settings.load_timeout if scene.stack.server else None
    if timeout is None or turn.seconds is None:
        return ()
    lasted = seconds_term("duration", turn.seconds, turn.where)
    return (calculate("duration - load_timeout", "s", lasted, term("load_timeout", timeout, "s")),)


def _load_words(load: ModelLoaded, wall: float) -> str:
    return said(
        "loading the model alone took {seconds:,.0f} s, the wall is {wall:,.0f} s ({where})",
        seconds=load.seconds,
        wall=wall,
        where=load.where,
    )


def load_in(turn: Turn) -> ModelLoaded | None:
    """Return the load that went on during the turn, or None."""
    for event in turn.events:
        if isinstance(event, ModelLoaded) and event.seconds is not None and event.time is not None:
            began = instant(event.time) - event.seconds
            if turn.start is not None and began >= turn.start - _SLACK:
                return event
    return None


def queued(turn: Turn, scene: Scene) -> Judgement | None:
    """Another request held the server's slot."""
    if turn.has(ErrorKind.BUSY) or turn.status == _BUSY:
        return Judgement(
            Cause.QUEUE_EXCEEDS_WALL, True, (said("the server's queue was full: {where}", where=turn.where),)
        )
    if _gone_before_reading(turn) and not others(turn) and _was_loaded(turn, scene):
        reason = said(
            "the server logged 499, which is a client that left before its prompt was read; the model was loaded"
        )
        return Judgement(
            Cause.QUEUE_EXCEEDS_WALL, True, (reason, said("so its request waited for a slot")), match_calculation(turn)
        )
    wall = wall_seconds(turn)
    waited = _waited(turn)
    parallel = scene.stack.server.settings.parallel if scene.stack.server else None
    if wall is None or waited is None or turn.seconds is None or (parallel is not None and parallel.value > 1):
        return None
    seconds, other = waited
    words = said(
        "another request held the server for the first {seconds:,.0f} s of it ({where})",
        seconds=seconds,
        where=other.where,
    )
    waiting = seconds_term("waited", seconds, other.where)
    if seconds >= _NEARLY * turn.seconds:
        over = calculate("waited / attempt_seconds", "of the attempt", waiting, attempt_term(turn))
        return Judgement(Cause.QUEUE_EXCEEDS_WALL, True, (words, _ended_at(turn)), (over,))
    if scene.prefill is None or turn.prompt is None or turn.attempts > 1:
        return None
    needed = prefill_seconds(scene.prefill, turn.prompt.value)
    if needed > wall or seconds + needed <= wall:
        return None
    reading = Term("prefill", needed, "s", scene.prefill.where, scene.prefill.basis)
    total = calculate("waited + prefill", "s", waiting, reading)
    return Judgement(
        Cause.QUEUE_EXCEEDS_WALL, True, (words, said("without that wait it would have been read in time")), (total,)
    )


def others(turn: Turn) -> list[RequestEnded]:
    """Return the requests that were already running when the turn began, by the server's access log."""
    if turn.start is None:
        return []
    found = []
    for event in turn.events:
        if isinstance(event, RequestEnded) and event.time is not None:
            end = instant(event.time)
            if end - event.seconds < turn.start - _SLACK and end > turn.start + _SLACK:
                found.append(event)
    return found


def _waited(turn: Turn) -> tuple[float, RequestEnded] | None:
    running = others(turn)
    if not running or turn.start is None or turn.end is None:
        return None
    last = max(running, key=lambda event: instant(event.time) if event.time else 0.0)
    end = instant(last.time) if last.time else 0.0
    return min(end, turn.end) - turn.start, last


def _was_loaded(turn: Turn, scene: Scene) -> bool:
    """The log shows that loading had ended before the turn began, and none since: then nobody waited for a load."""
    if turn.start is None or scene.stack.server is None or load_in(turn) is not None:
        return False
    events = scene.stack.server.events
    used = [e for e in events if (isinstance(e, ModelLoaded) and e.seconds is not None) or _answered(e)]
    return any(e.time is not None and turn.start - _KEPT <= instant(e.time) <= turn.start for e in used)


def _answered(event: Event) -> bool:
    return isinstance(event, RequestEnded) and event.status == 200


def _gone_before_reading(turn: Turn) -> bool:
    """Every request that the access log shows within the turn ended with 499."""
    running = {id(event) for event in others(turn)}
    ended = [event for event in turn.events if isinstance(event, RequestEnded) and id(event) not in running]
    own = [event for event in ended if event.seconds >= _SLACK]
    return bool(own) and all(event.status == _CLIENT_GONE_BEFORE_READING for event in own)


def prefill_exceeds_wall(turn: Turn, scene: Scene) -> Judgement | None:
    """The client hung up at a wall while the server was still reading the prompt; or the arithmetic denies that."""
    wall = wall_seconds(turn)
    if turn.match is None or wall is None:
        return None
    found = proof(turn, scene, wall)
    quiet = (said("the server's log shows no failure of the engine then"),) if turn.events else ()
    reasons = (_ended_at(turn), *quiet, *found.reasons)
    if not found.holds:
        return Judgement(Cause.UNEXPLAINED, False, reasons, found.calculations)
    calculations = found.calculations or match_calculation(turn)
    load = load_in(turn)
    if load is not None and load.seconds is not None and load.seconds >= _SLACK:
        reasons += (
            said(
                "of the first attempt, {seconds:,.0f} s went into loading the model ({where})",
                seconds=load.seconds,
                where=load.where,
            ),
        )
    return Judgement(Cause.PREFILL_EXCEEDS_WALL, True, reasons, calculations)


def wall_seconds(turn: Turn) -> float | None:
    """Return the wall that ended the attempts, in seconds, or None."""
    return float(turn.match.wall.seconds.value) if turn.match is not None else None


def wall_term(turn: Turn, wall: float) -> Term:
    """Return the wall as a term."""
    if turn.match is None:
        return seconds_term("wall", wall, said("the duration itself"), Basis.DERIVED)
    known = turn.match.wall.seconds
    return Term("wall", wall, "s", said("{wall}: {where}", wall=turn.match.wall.name, where=known.where), known.basis)


def attempt_term(turn: Turn) -> Term:
    """Return the mean length of an attempt as a term (a wall's, where the duration is not known)."""
    value = turn.attempt_seconds or wall_seconds(turn) or 0.0
    basis = Basis.MEASURED if turn.attempts == turn.visible else Basis.DERIVED
    return seconds_term("attempt_seconds", value, turn.where, basis)


def match_calculation(turn: Turn) -> tuple[Calculation, ...]:
    """Return by how much an attempt outlived the wall: what says that this wall, and no crash, ended it."""
    wall = wall_seconds(turn)
    if wall is None or turn.attempt_seconds is None:
        return ()
    return (calculate("attempt_seconds - wall", "s", attempt_term(turn), wall_term(turn, wall)),)


def _ended_at(turn: Turn) -> str:
    if turn.match is None:
        return said("no timer that is known was due")
    timer, run = turn.match.wall, turn.match.run
    length = (
        said(" of {attempt_seconds:,.1f} s on average", attempt_seconds=turn.attempt_seconds)
        if turn.attempt_seconds is not None
        else ""
    )
    hidden = turn.attempts - turn.visible
    tries = (
        said("{attempts} attempts{length} ended", attempts=turn.attempts, length=length)
        if turn.attempts > 1
        else said("one attempt{length} ended", length=length)
    )
    unseen = said(" ({hidden} of them hidden inside one call)", hidden=hidden) if hidden > 0 else ""
    text = said(
        "{tries}{unseen} at the {timer} of {seconds:,.0f} s: the client hung up",
        tries=tries,
        unseen=unseen,
        timer=timer.name,
        seconds=timer.seconds.value,
    )
    return text + (
        said(
            "; the last one was cut by the {run} of {seconds:,.0f} s over them all",
            run=run.name,
            seconds=run.seconds.value,
        )
        if run
        else ""
    )
