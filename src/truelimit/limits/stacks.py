"""Joins facts to stacks: one model as one agent reaches it, with its server, definition, header, machine and calls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from truelimit.domain.facts import Facts, Stack
from truelimit.domain.machine import UNKNOWN_MACHINE
from truelimit.domain.server import Definition, ModelLoaded, Server
from truelimit.limits.answers import definition_for, header_for, server_for
from truelimit.limits.attribution import names_model, share_events
from truelimit.limits.log_events import of_kinds
from truelimit.limits.names import normalise
from truelimit.limits.timeline import instant

if TYPE_CHECKING:
    from truelimit.domain.agent import Agent, Route
    from truelimit.domain.session import Call, Session

_MOST_DEFINITIONS = 24  # of a server that no agent uses: enough for a person, short of a catalogue

CallKey = tuple[str, str, str]


def stacks(facts: Facts) -> tuple[Stack, ...]:
    """Return the stacks in the facts: routes (those in use first), then unrouted calls, servers, files."""
    calls, homes = _calls(facts), _homes(facts)
    routed = [_routed(facts, agent, route, calls, homes) for agent in facts.agents for route in agent.routes]
    routed.sort(key=lambda stack: (not (stack.route and stack.route.is_primary), not stack.calls))
    found = [*routed, *_unrouted(facts, calls, homes, routed)]
    found += _without_agent(facts, found)
    found += _files(facts, found)
    return _with_own_events(found)


def _calls(facts: Facts) -> dict[CallKey, list[Call]]:
    """All calls by agent, provider and model, in order of time (those without a time keep their place at the front)."""
    grouped: dict[CallKey, list[Call]] = {}
    for session in facts.sessions:
        for call in session.calls:
            grouped.setdefault((call.agent, call.provider, normalise(call.model)), []).append(call)
    for found in grouped.values():
        found.sort(key=_start)
    return grouped


def _homes(facts: Facts) -> dict[int, set[int]]:
    """For each call, by identity, the places of the sessions that hold it."""
    homes: dict[int, set[int]] = {}
    for index, session in enumerate(facts.sessions):
        whole = {index}
        for call in session.calls:
            known = homes.setdefault(id(call), whole)
            if known is not whole:
                homes[id(call)] = known | whole
    return homes


def _start(call: Call) -> float:
    time = call.started or call.ended
    return instant(time) if time is not None else 0.0


def _routed(
    facts: Facts, agent: Agent, route: Route, calls: dict[CallKey, list[Call]], homes: dict[int, set[int]]
) -> Stack:
    server = server_for(route.provider, route.api, route.base_url, facts.servers)
    definition = definition_for(route.model, server)
    own = _calls_of(facts, agent, route, calls)
    return Stack(
        route.model,
        agent,
        route,
        server,
        definition,
        header_for(route.model, definition, facts.models),
        facts.machine,
        tuple(own),
        _sessions_of(facts, own, route, homes),
        facts.published,
        facts.proxies,
        measurements=facts.measurements,
    )


def _calls_of(facts: Facts, agent: Agent, route: Route, calls: dict[CallKey, list[Call]]) -> list[Call]:
    """The route's calls. How a transcript names its agent matters only where several agents are there."""
    wanted = normalise(route.model)
    own = [
        found
        for (name, provider, model), found in calls.items()
        if provider == route.provider and model == wanted and (len(facts.agents) == 1 or name == agent.name)
    ]
    # One group is in order already.
    return own[0] if len(own) == 1 else sorted((call for found in own for call in found), key=_start)


def _sessions_of(
    facts: Facts, calls: Sequence[Call], route: Route | None, homes: dict[int, set[int]]
) -> tuple[Session, ...]:
    own: set[int] = set()
    for call in calls:
        own |= homes[id(call)]
    pins = {route.ref, route.model} if route is not None else set()
    return tuple(
        session for index, session in enumerate(facts.sessions) if index in own or session.pinned_model in pins
    )


def _unrouted(
    facts: Facts, calls: dict[CallKey, list[Call]], homes: dict[int, set[int]], routed: Sequence[Stack]
) -> list[Stack]:
    """Calls of models that no route names any more, or whose agent's configuration was not found."""
    taken = {id(call) for stack in routed for call in stack.calls}
    found: list[Stack] = []
    for (name, provider, _), group in calls.items():
        left = [call for call in group if id(call) not in taken]
        if not left:
            continue
        model = left[-1].model
        server = server_for(provider, left[-1].api, None, facts.servers)
        stack = _bare(facts, model, server, definition_for(model, server))
        agent = next((agent for agent in facts.agents if agent.name == name), None)
        found.append(replace(stack, agent=agent, calls=tuple(left), sessions=_sessions_of(facts, left, None, homes)))
    return found


def _bare(facts: Facts, model: str, server: Server | None, definition: Definition | None) -> Stack:
    header = header_for(model, definition, facts.models)
    stack = Stack(model, None, None, server, definition, header, facts.machine)
    return replace(stack, published=facts.published, proxies=facts.proxies, measurements=facts.measurements)


def _without_agent(facts: Facts, found: Sequence[Stack]) -> list[Stack]:
    """Servers that no stack reaches: a stack for each model that is loaded or was, else for each definition."""
    reached = {id(stack.server) for stack in found}
    return [stack for server in facts.servers if id(server) not in reached for stack in _of_server(facts, server)]


def _of_server(facts: Facts, server: Server) -> list[Stack]:
    names = _in_use(server)
    if names:
        return [_bare(facts, name, server, definition_for(name, server)) for name in names]
    if server.definitions:
        return [_bare(facts, item.name, server, item) for item in server.definitions[:_MOST_DEFINITIONS]]
    return [_bare(facts, _last_loaded(server) or server.name, server, None)]


def _in_use(server: Server) -> list[str]:
    """The names of models that are loaded now, or that the log saw loaded."""
    names = [item.name for item in server.loaded]
    loads = [event for event in of_kinds(server.events, ModelLoaded) if event.model]
    for definition in server.definitions:
        stack = Stack(definition.name, None, None, server, definition, definition.header, UNKNOWN_MACHINE)
        if any(names_model(event.model or "", stack) for event in loads[-50:]):
            names.append(definition.name)
    unique = {normalise(name): name for name in reversed(names)}
    return list(reversed(unique.values()))


def _last_loaded(server: Server) -> str | None:
    loads = [event.model for event in of_kinds(server.events, ModelLoaded) if event.model]
    return loads[-1] if loads else None


def _files(facts: Facts, found: Sequence[Stack]) -> Iterable[Stack]:
    """Model files that belong to no stack."""
    used = {id(stack.header) for stack in found}
    return [replace(_bare(facts, h.name, None, None), header=h) for h in facts.models if id(h) not in used]


def _with_own_events(found: Sequence[Stack]) -> tuple[Stack, ...]:
    """Give each stack of a shared server the events that concern it, so that no incident is told twice."""
    result = list(found)
    by_server: dict[int, list[int]] = {}
    for index, stack in enumerate(found):
        if stack.server is not None:
            by_server.setdefault(id(stack.server), []).append(index)
    for indexes in by_server.values():
        server = found[indexes[0]].server
        if server is None or len(indexes) < 2:
            continue
        for index, shared in zip(indexes, share_events(server, [found[i] for i in indexes]), strict=True):
            result[index] = shared
    return tuple(result)
