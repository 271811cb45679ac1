"""Facts of a stack, and plans of it on other machines, as the numbers that a replay needs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from truelimit.app.plan import needed, room_for
from truelimit.app.plan_parts import Wanted
from truelimit.domain.facts import Stack
from truelimit.domain.frozen import dataclass
from truelimit.domain.message import said
from truelimit.domain.server import ServerKind
from truelimit.domain.session import Cause
from truelimit.limits.need import memory_settings
from truelimit.limits.ollama_version import ollama_version
from truelimit.limits.rates import paces
from truelimit.limits.rates_at import half_widths, reading_half_widths
from truelimit.limits.served import last_load
from truelimit.limits.silent import truncation_events
from truelimit.limits.target import target_context
from truelimit.perf.cache_layout import UnknownLayoutError, layout_of
from truelimit.perf.kv_cache import kv_bytes_per_token
from truelimit.perf.load_time import DISK
from truelimit.perf.prefill import is_lower_bound
from truelimit.units import MINUTE, Tokens
from truelimit.workload.stack import ReplayStack

if TYPE_CHECKING:
    from truelimit.app.replay_walls import Walls
    from truelimit.domain.machine import Machine
    from truelimit.limits.paces import Reading, Writing
    from truelimit.limits.view import StackView
    from truelimit.workload.stack import AgentWalls

_OLLAMA_KEEPS = 5.0 * MINUTE  # OLLAMA_KEEP_ALIVE's default
_REFUSING = {(0, 30, 9), (0, 30, 10)}  # these answer 400 where all others of Ollama cut
_READS_TO_THE_END = ((0, 5, 12), (0, 30, 0))  # Ollama's own runner: it looks for its client only when it writes
_BATCH = 2048  # tokens, the default of llama-server; the most that Ollama from 0.30 asks of it
_NO_LIMIT = 2**31 - 1
_NO_RATE = said("how fast it reads a prompt (truelimit bench measures it)")
Enrich = Callable[[Stack], Stack]
"""Gives a stack what the tables tell of it: devices of its machine, an estimator of rates."""


@dataclass(frozen=True, slots=True)
class Built:
    """A stack for the replay and what it rests on; ``stack`` None where a number is missing that decides everything.

    ``basis`` says what its rates rest on, in words; ``unknown`` names what is not known.
    """

    stack: ReplayStack | None
    basis: str = ""
    reading: Reading | None = None
    writing: Writing | None = None
    context: int | None = None
    unknown: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Terms:
    """What a stack is built with: the deepest prompt of the work (tokens), walls, what a server does to a long prompt.

    ``cuts`` is whether the server cuts it without a word, ``keep_alive`` the seconds after which it unloads a model,
    ``reads_on`` the tokens that it still reads for a client that has hung up. ``agents``: the walls of other agents.
    """

    deepest: int
    walls: Walls
    cuts: bool
    keep_alive: float
    reads_on: float = 0.0
    agents: tuple[AgentWalls, ...] = ()


def terms_of(view: StackView, deepest: int, walls: Walls, agents: tuple[AgentWalls, ...] = ()) -> Terms:
    """Return the terms of a stack as it is, with some walls."""
    return Terms(deepest, walls, cuts_silently(view), keep_alive(view), reads_on(view), agents)


def cuts_silently(view: StackView) -> bool:
    """Return whether the server cuts a prompt that it can't hold: as its log shows, else as its version does."""
    server = view.server
    if server is None or server.kind is not ServerKind.OLLAMA:
        return False
    causes = {item.cause for item in view.incidents}
    if Cause.TRUNCATION in causes or truncation_events(view.events):
        return True
    if Cause.OVERFLOW in causes:
        return False
    return ollama_version(server) not in _REFUSING


def keep_alive(view: StackView) -> float:
    """Return the seconds after its last request at which the server unloads a model; infinite where it does not."""
    server = view.server
    if server is None or server.kind is not ServerKind.OLLAMA:
        return math.inf
    told = server.settings.keep_alive
    if told is None:
        return _OLLAMA_KEEPS
    return math.inf if told.value < 0 else float(told.value)


def reads_on(view: StackView) -> float:
    """Return the tokens that the server still reads of a prompt whose client has hung up.

    llama-server looks once a second and ends with the batch that it reads, and so does Ollama from 0.30, which runs it.
    Ollama's own runner before that reads the prompt to its end (ollama/ollama issue 11889). 0 where nothing is known.
    """
    server = view.server
    if server is None:
        return 0.0
    if server.kind is ServerKind.OLLAMA:
        version, (first, last) = ollama_version(server), _READS_TO_THE_END
        if version is None or version < first:
            return 0.0
        return math.inf if version < last else float(_BATCH)
    batch = server.settings.batch
    return float(batch.value if batch is not None else _BATCH)


def recorded(view: StackView, stack: Stack, terms: Terms) -> Built:
    """Return the stack as it is configured today; ``stack`` is the view's, with devices and an estimator."""
    if view.served is None:
        return Built(None, unknown=(said("what context the server gives to one request is not known"),))
    make = at_context if stack.header is not None else _unplanned
    built = make(stack, "as-it-is", view.served.value, terms)
    load = last_load(stack)
    limit = _agent_limit(view)
    if built.stack is None:
        return built
    seconds = load.seconds if load is not None and load.seconds else built.stack.load
    return replace(built, stack=replace(built.stack, load=seconds, prompt_limit=limit, fits=True))


def _agent_limit(view: StackView) -> int:
    """The agent's window, unless it has sent longer prompts than that."""
    route = view.route
    if route is None or any(size.value > route.agent_context.value for size in view.prompts):
        return _NO_LIMIT
    return route.agent_context.value


def elsewhere(stack: Stack, machine: Machine) -> Stack:
    """Return the stack on another machine: with the same model and settings, without what happened on the old one."""
    server = replace(stack.server, events=(), loaded=(), live=False) if stack.server else None
    return replace(stack, machine=machine, server=server, calls=(), sessions=())


def at_best(stack: Stack, name: str, terms: Terms, kv_type: str | None = None) -> Built:
    """Return a stack with the largest context that is of use: what memory holds of what the model was trained for."""
    try:
        target = _target(stack, kv_type)
    except ValueError as error:
        return Built(None, unknown=(said("its memory: {error}", error=error),))
    if target is None:
        return Built(None, unknown=(said("what the model was trained for, or what its cache takes, is not known"),))
    if not target:
        return Built(ReplayStack(name, fits=False), said("the memory estimate"), unknown=())
    return at_context(stack, name, target, terms, kv_type)


def _target(stack: Stack, kv_type: str | None) -> int | None:
    if kv_type is not None:
        stack, _ = needed(stack, Wanted(Tokens(1), kv_type=kv_type))
    found = target_context(stack)
    return None if found is None or found.memory_need is None else found.context


def at_context(stack: Stack, name: str, context: int, terms: Terms, kv_type: str | None = None) -> Built:
    """Return a stack that serves a context, with rates and memory by plan's own numbers."""
    try:
        planned, need = needed(stack, Wanted(Tokens(context), kv_type=kv_type))
        room, pool = room_for(planned, Wanted(Tokens(context), kv_type=kv_type), need)
    except ValueError as error:
        return Built(None, unknown=(said("its memory: {error}", error=error),))
    fits = None if room is None else room.headroom >= 0
    unknown = (said("whether it fits: the machine's memory is not known"),) if fits is None else ()
    placed = pool.placement(need) if pool else None
    reads, writes = paces(planned, placed)
    if reads is None:
        return Built(None, unknown=(*unknown, _NO_RATE), context=context)
    made = replace(
        _numbers(planned, name, context, terms, reads, writes), load=need.weights / DISK.value, fits=fits is not False,
        memory_need=int(need.total), memory_there=None if room is None else int(room.pool),
    )  # fmt: skip
    missing = _not_told(reads, writes, min(terms.deepest, context))
    return Built(made, _basis(reads, writes), reads, writes, context, (*unknown, *missing), reads.notes)


def _not_told(reads: Reading, writes: Writing | None, deepest: int) -> tuple[str, ...]:
    """What rates leave open: no rate of writing, or one of reading that can only be too fast deeper down."""
    found = [] if writes else [said("how fast it writes: answers count no time")]
    if is_lower_bound(reads.fit, deepest):
        found.append(
            said(
                "how fast it reads beyond {deepest:,} tokens: times of longer prompts are the least",
                deepest=reads.fit.deepest,
            )
        )
    return tuple(found)


def _unplanned(stack: Stack, name: str, context: int, terms: Terms) -> Built:
    """A stack that runs already, whose memory cannot be computed: its rates are known all the same."""
    reads, writes = paces(stack)
    if reads is None:
        return Built(None, unknown=(_NO_RATE,), context=context)
    made = _numbers(stack, name, context, terms, reads, writes)
    missing = _not_told(reads, writes, min(terms.deepest, context))
    return Built(made, _basis(reads, writes), reads, writes, context, missing, reads.notes)


def _numbers(
    stack: Stack,
    name: str,
    context: int,
    terms: Terms,
    reads: Reading,
    writes: Writing | None,
) -> ReplayStack:
    settings = memory_settings(stack, context)
    walls, deepest = terms.walls, min(terms.deepest, context)
    return ReplayStack(
        name,
        served_context=context,
        cuts_silently=terms.cuts,
        prefill_a=reads.fit.a,
        prefill_b=reads.fit.b,
        decode_c=writes.fit.c + writes.fit.window if writes else 0.0,  # windows are full in a session
        decode_d=writes.fit.d if writes else 0.0,
        prefill_spread=reading_half_widths(reads, (deepest,))[0],
        decode_spread=half_widths(writes, (deepest,))[0] if writes else 0.0,
        first_wall=walls.first,
        total_wall=walls.total,
        run_wall=walls.run,
        attempts=walls.attempts,
        resumes=walls.resumes,
        keep_alive=terms.keep_alive,
        slots=settings.cache.slots,
        cache_tokens=_cache_tokens(stack, context),
        reads_on=terms.reads_on,
        agents=terms.agents,
    )


def _cache_tokens(stack: Stack, context: int) -> int:
    """Tokens of other conversations that the server's prompt cache in main memory holds."""
    settings = memory_settings(stack, context)
    if stack.header is None or not settings.prompt_cache:
        return 0
    try:
        each = kv_bytes_per_token(layout_of(stack.header), settings.cache.kv_type_k, settings.cache.kv_type_v)
    except UnknownLayoutError:
        return 0
    return int(settings.prompt_cache / each) if each else _NO_LIMIT


def _basis(reads: Reading, writes: Writing | None) -> str:
    """What the rates rest on, in words."""
    if writes is None or writes.tier is reads.tier:
        return said(reads.tier.value)
    return said("reads: {tier}; writes: {tier2}", tier=reads.tier, tier2=writes.tier)
