"""Memory is promised twice, or the machine swaps.

## What it does
Adds weights, caches, compute buffers, prompt cache and the operating system, and compares the sum with the pool that
must hold it. Reports swap in use beside it, and layers that did not reach the accelerator.

## Why it matters
This is the one limit that is real: what does not fit is swapped, runs on the processor, or is killed.

## Fix safety
Manual: a smaller context, a smaller cache type, a smaller quantization, or more memory: the plan verb compares them.

## Sources
The memory estimate (see the guide on memory); the operating system's own figures.
"""

from __future__ import annotations

from collections.abc import Iterator

from truelimit.domain.findings import Applicability, Finding, FixIdea, Severity
from truelimit.domain.limits import MemoryLadder
from truelimit.domain.machine import Machine
from truelimit.domain.server import Event, LayersOffloaded
from truelimit.limits.view import StackView
from truelimit.rules.rule import Rule, tokens
from truelimit.units import GIB, to_gib


def check(view: StackView, memory: MemoryLadder, machine: Machine, events: tuple[Event, ...]) -> Iterator[Finding]:
    """Yield one finding when the sum exceeds the pool."""
    if memory.headroom is None or memory.total is None or memory.pool is None or memory.headroom >= 0:
        return
    yield Finding(
        "MEM004",
        "memory-overcommitted",
        Severity.FAILS,
        f"{to_gib(memory.total):.1f} GiB are needed and {to_gib(memory.pool):.1f} GiB are there: "
        f"{to_gib(-memory.headroom):.1f} GiB too much.{_swap(machine)}{_layers(events)}",
        view.stack.model,
        evidence=tuple(f"{rung.name} {to_gib(int(rung.value)):.1f} GiB: {rung.where}" for rung in memory.ladder.rungs),
        calculations=(memory.calculation,) if memory.calculation else (),
        fix=FixIdea("Make it fit", Applicability.MANUAL, steps=_steps(view)),
    )


def _swap(machine: Machine) -> str:
    used = machine.swap_used
    return f" {to_gib(used.value):.1f} GiB of swap are in use." if used and used.value > GIB else ""


def _layers(events: tuple[Event, ...]) -> str:
    seen = [event for event in events if isinstance(event, LayersOffloaded)]
    if not seen or seen[-1].offloaded >= seen[-1].total:
        return ""
    return f" {seen[-1].offloaded} of {seen[-1].total} layers reached the accelerator."


def _steps(view: StackView) -> tuple[str, ...]:
    steps = ["use a q8_0 cache (see MEM002) or a smaller quantization of the model"]
    if view.target is not None and view.target.fits and view.target.context > 0:
        steps.insert(0, f"lower the context to {tokens(view.target.context)} tokens, the most that fits")
    return tuple(steps)


RULE = Rule("MEM004", "memory-overcommitted", check, __doc__ or "")
