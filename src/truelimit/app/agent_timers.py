"""The timers of other agents on this stack: those that they come with, those of the user's settings in their place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from truelimit.domain.agent import AgentDefaults, AgentTimer, Timeout
from truelimit.domain.limits import SetBy
from truelimit.domain.provenance import Known
from truelimit.limits.addresses import Address, address_of
from truelimit.limits.names import same_model

if TYPE_CHECKING:
    from truelimit.domain.agent import AgentSetting, OtherAgents
    from truelimit.limits.view import StackView


def as_set(known: OtherAgents, view: StackView) -> tuple[AgentDefaults, ...]:
    """Return the agents with what their settings say of the models that this stack's server has.

    Settings for a provider at another address are passed over. Where the server's own address is not known, those for
    the one provider that is near hold.
    """
    here, model = _addresses(view), view.stack.model
    fitting = [item for item in known.settings if item.model is None or same_model(item.model, model)]
    return tuple(_as_set(item, _holding(item.agent, fitting, here)) for item in known.defaults)


def _addresses(view: StackView) -> set[Address]:
    server, route = view.server, view.route
    urls = (server.url if server else None, route.base_url if route else None)
    return {address for url in urls if (address := address_of(url)) is not None}


def _holding(agent: str, settings: Sequence[AgentSetting], here: set[Address]) -> list[AgentSetting]:
    """The settings that hold: those for all providers, then over them those for the provider of this server."""
    own = [item for item in settings if item.agent == agent]
    named = {address for item in own if (address := address_of(item.url)) is not None}
    near = {address for address in named if address.is_near}
    wanted = named & here if here else near if len(near) == 1 else set()
    return [item for item in own if item.url is None] + [item for item in own if address_of(item.url) in wanted]


def _as_set(agent: AgentDefaults, settings: Iterable[AgentSetting]) -> AgentDefaults:
    timers = {timer.timeout.name: timer for timer in agent.timers}
    for item in settings:
        found = None if item.off else _timer(timers.get(item.timer), item)
        if found is not None:
            timers[item.timer] = found
        elif item.off:
            timers.pop(item.timer, None)
    return replace(agent, timers=tuple(timers.values()))


def _timer(before: AgentTimer | None, item: AgentSetting) -> AgentTimer | None:
    """Return a timer as it is set; None where there is none whose attempts were to be set."""
    attempts = item.attempts or (before.attempts if before else None)
    if item.seconds is not None:
        once = Known(1, item.seconds.where, item.seconds.basis)
        return AgentTimer(Timeout(item.timer, item.seconds, SetBy.AGENT_CONFIG, item.bounds), attempts or once)
    return replace(before, attempts=attempts) if before is not None and attempts is not None else None
