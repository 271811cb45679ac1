"""The time ladder: every timer on the path of a request, and the wall that ends a long prefill first.

What ends a prefill depends on when the server sends its first byte:
- Ollama, both engines: nothing before the first token; comments that its engine sends are swallowed (measured on
  0.24.0 and 0.33.0-rc2; ollama issue 16443). Timers of headers, silence and first event all run against the prefill.
- llama-server from b9478 (PRs 23884 and 24013), streamed: headers and a first event within 0.2 s, a comment every
  30 s. Timers of headers, silence and first event do not run against it; those between events do, once the first
  event is there, since comments are none (measured on Codex and Qwen Code).
- llama-server before, and any server that is not known: as Ollama.
A timer of one whole request, and the one over all attempts (``run``), always count. One that holds for the turns of a
single command of the agent counts where a recorded call ended at it: other turns never meet it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from truelimit.domain.limits import Ladder, LimitKind, Rung, SetBy
from truelimit.domain.message import said
from truelimit.domain.server import Server, ServerKind
from truelimit.domain.session import Outcome

if TYPE_CHECKING:
    from truelimit.domain.agent import Timeout
    from truelimit.domain.facts import Stack
    from truelimit.domain.provenance import Known
    from truelimit.units import Seconds

EARLY_BYTES_BUILD = 9478
COMMAND = "command"
_EARLY = 1.0  # s: clocks of transcript and timer may differ by this
_RUN_LATE = 1.5  # s: a timer over the whole run writes its entry at once
_SILENCE = {"headers", "idle", "first-event"}
_BETWEEN = {"events"}
_WHOLE = {"request", "run"}
_BUILD = re.compile(r"(?:^|\bb|build\s*|version:\s*)(\d{4,6})\b")


def time_ladder(stack: Stack) -> Ladder:
    """Return the time ladder in seconds; the binding rung is the lowest that bounds a prefill, None where none does.

    ``tied`` are the others that end it in the same second.
    """
    own = timers(stack)
    rungs = [_rung(timer) for timer in own]
    met = {timer.name for timer in own if timer.bounds == COMMAND and _was_met(timer, stack)}
    load = stack.server.settings.load_timeout if stack.server else None
    if load is not None and load.value > 0:
        note = said("ends a model that does not finish loading, never a prefill")
        rungs.append(_fixed("server-load", load, SetBy.SERVER_LOAD, "load", note))
    walls = sorted(
        (rung for rung in rungs if rung.name in met or bounds_prefill(rung.bounds, stack.server)),
        key=lambda rung: rung.value,
    )
    first = walls[0] if walls else None
    tied = tuple(rung for rung in walls[1:] if first is not None and rung.value == first.value)
    return Ladder("seconds", tuple(rungs), first, tied=tied)


def ends_run(duration: float, timer: Timeout) -> bool:
    """Return whether a timer over all attempts ended what took so long: it writes its entry at once."""
    return -_EARLY <= duration - timer.seconds.value <= _RUN_LATE


def _was_met(timer: Timeout, stack: Stack) -> bool:
    return any(
        call.outcome is not Outcome.DONE and call.seconds is not None and ends_run(call.seconds, timer)
        for call in stack.calls
    )


def timers(stack: Stack) -> tuple[Timeout, ...]:
    """Return the timers of agent and client library, then those of proxies that the user named."""
    own = stack.route.timeouts if stack.route else ()
    return tuple(timer for timer in (*own, *stack.proxies) if timer.seconds.value > 0)


def bounds_prefill(bounds: str, server: Server | None) -> bool:
    """Return whether a timer of this kind can end a prefill on this server (see the rule above)."""
    if bounds in _WHOLE:
        return True
    return bounds in (_SILENCE if silent_until_first_token(server) else _BETWEEN)


def silent_until_first_token(server: Server | None) -> bool:
    """Return whether the server may send nothing until the prompt is read. Unknown servers and builds: yes."""
    if server is None or server.kind is not ServerKind.LLAMA_SERVER:
        return True
    build = build_number(server.version.value if server.version else None)
    return build is None or build < EARLY_BYTES_BUILD


def build_number(version: str | None) -> int | None:
    """Return llama.cpp's build number in a version text (``b10434-abc``, ``10434``), or None."""
    match = _BUILD.search(version.strip().lower()) if version else None
    return int(match.group(1)) if match else None


def _rung(timer: Timeout) -> Rung:
    where = str(timer.place) if timer.place is not None and timer.place.line is not None else timer.seconds.where
    note = timer.remedy or ("" if timer.place is not None else said("no key of this version moves it"))
    kind = LimitKind.CONFIGURED
    return Rung(timer.name, timer.seconds.value, timer.set_by, kind, where, timer.seconds.basis, timer.bounds, note)


def _fixed(name: str, known: Known[Seconds], set_by: SetBy, bounds: str, note: str) -> Rung:
    return Rung(name, known.value, set_by, LimitKind.CONFIGURED, known.where, known.basis, bounds, note)
