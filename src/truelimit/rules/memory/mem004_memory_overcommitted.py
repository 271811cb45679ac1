"""Memory is promised twice, or the machine swaps.

## What it does
Adds weights, caches, compute buffers, prompt cache and the operating system, and compares the sum with the pool that
must hold it. Reports swap in use beside it, and layers that did not reach the accelerator.

## Why it matters
This is the one limit that is real: what does not fit is swapped, runs on the processor, or is killed.

## Fix safety
Safe where agent and server can be given the largest context that fits and no recorded prompt was longer than it; unsafe
where one was. Manual where no key lowers it (llama-server is started with its context, weights that do not fit at
all): a smaller cache type, a smaller quantization, or more memory, which the plan verb compares.

## Sources
The memory estimate (see the guide on memory); the operating system's own figures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from truelimit.domain.findings import Applicability, DefinitionEdit, Finding, FixIdea, Severity
from truelimit.domain.message import said
from truelimit.domain.server import Event, LayersOffloaded, ServerKind
from truelimit.rules.raise_window import raise_window
from truelimit.rules.rule import Rule, tokens
from truelimit.units import GIB, to_gib

if TYPE_CHECKING:
    from truelimit.domain.limits import MemoryLadder
    from truelimit.domain.machine import Machine
    from truelimit.limits.view import StackView

_SMALLER = said("use a q8_0 cache (see MEM002) or a smaller quantization of the model")


def check(view: StackView, memory: MemoryLadder, machine: Machine, events: tuple[Event, ...]) -> Iterator[Finding]:
    """Yield one finding when the sum exceeds the pool."""
    if memory.headroom is None or memory.total is None or memory.pool is None or memory.headroom >= 0:
        return
    yield Finding(
        "MEM004",
        "memory-overcommitted",
        Severity.FAILS,
        said(
            "{total:.1f} GiB are needed and {pool:.1f} GiB are there: {headroom:.1f} GiB too much.{machine}{events}",
            total=to_gib(memory.total),
            pool=to_gib(memory.pool),
            headroom=to_gib(-memory.headroom),
            machine=_swap(machine),
            events=_layers(events),
        ),
        view.stack.model,
        evidence=tuple(
            said("{rung} {rung2:.1f} GiB: {where}", rung=rung.name, rung2=to_gib(int(rung.value)), where=rung.where)
            for rung in memory.ladder.rungs
        ),
        calculations=(memory.calculation,) if memory.calculation else (),
        fix=_lower(view) or FixIdea(said("Make it fit"), Applicability.MANUAL, steps=_steps(view)),
    )


def _lower(view: StackView) -> FixIdea | None:
    """Agent and server at the largest context that fits; None where no key does that, or too little would be left."""
    target, route, server = view.target, view.route, view.server
    floor = route.window_floor.value if route is not None and route.window_floor is not None else 0
    if target is None or not target.fits or target.context < max(floor, 1) or server is None:
        return None
    idea = raise_window(route, server, view.definition, target, lower=True)
    sends = route is not None and route.request_context is not None
    if idea is None or server.kind is not ServerKind.OLLAMA or not (sends or _defines(idea)):
        return None
    longer = _longer_prompts(view, target.context)
    safety = Applicability.UNSAFE if longer else idea.applicability
    return replace(
        idea,
        applicability=safety,
        steps=(*idea.steps, *longer, said("or keep the length: {smaller}", smaller=_SMALLER)),
    )


def _defines(idea: FixIdea) -> bool:
    return any(isinstance(edit, DefinitionEdit) for edit in idea.edits)


def _longer_prompts(view: StackView, context: int) -> tuple[str, ...]:
    """What a smaller window would take away: prompts of this stack that were longer."""
    longest = max((size.value for size in view.prompts), default=0)
    if longest <= context:
        return ()
    return (
        said(
            "a prompt of {longest} tokens was asked here: with less it must be compacted first", longest=tokens(longest)
        ),
    )


def _swap(machine: Machine) -> str:
    used = machine.swap_used
    return said(" {used:.1f} GiB of swap are in use.", used=to_gib(used.value)) if used and used.value > GIB else ""


def _layers(events: tuple[Event, ...]) -> str:
    seen = [event for event in events if isinstance(event, LayersOffloaded)]
    if not seen or seen[-1].offloaded >= seen[-1].total:
        return ""
    return said(
        " {offloaded} of {total} layers reached the accelerator.", offloaded=seen[-1].offloaded, total=seen[-1].total
    )


def _steps(view: StackView) -> tuple[str, ...]:
    steps = [_SMALLER]
    if view.target is not None and view.target.fits and view.target.context > 0:
        steps.insert(
            0, said("lower the context to {context} tokens, the most that fits", context=tokens(view.target.context))
        )
    return tuple(steps)


RULE = Rule("MEM004", "memory-overcommitted", check, __doc__ or "")
