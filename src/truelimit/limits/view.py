"""One stack with all that is known of its limits: what rules look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.domain.frozen import dataclass
from truelimit.domain.limits import Ladder, Ladders, MemoryLadder
from truelimit.limits.context import context_ladder
from truelimit.limits.incidents import incidents
from truelimit.limits.memory import memory_ladder
from truelimit.limits.origin import OriginVerdict, origin_of_window
from truelimit.limits.origin_served import origin_of_served
from truelimit.limits.rates import decode_fit, prefill_fit
from truelimit.limits.served import served_context
from truelimit.limits.target import Target, target_context
from truelimit.limits.time import time_ladder
from truelimit.perf.prefill import wall_as_context_calculation

if TYPE_CHECKING:
    from truelimit.domain.agent import Agent, Route
    from truelimit.domain.calculation import Calculation
    from truelimit.domain.facts import Stack
    from truelimit.domain.machine import Machine
    from truelimit.domain.model import ModelHeader
    from truelimit.domain.provenance import Known, Missing
    from truelimit.domain.rates import DecodeFit, PrefillFit
    from truelimit.domain.server import Definition, Event, Server
    from truelimit.domain.session import Call, Incident, Session
    from truelimit.units import Tokens


@dataclass(frozen=True, slots=True)
class StackView:
    """A stack, its three ladders, its rates, and what happened on it. A part that is not known is None.

    ``served`` is the context that the server gives to one request. ``origin`` tells where the agent's window came
    from (the server's where there is no agent), ``served_origin`` where the server's did. ``events`` are the server's
    that concern this model. ``missing`` are facts without which a part could not be computed.
    """

    stack: Stack
    agent: Agent | None
    route: Route | None
    server: Server | None
    definition: Definition | None
    header: ModelHeader | None
    machine: Machine
    calls: tuple[Call, ...]
    sessions: tuple[Session, ...]
    context: Ladder
    time: Ladder
    memory: MemoryLadder
    served: Known[Tokens] | None = None
    prefill: PrefillFit | None = None
    decode: DecodeFit | None = None
    origin: OriginVerdict | None = None
    target: Target | None = None
    incidents: tuple[Incident, ...] = ()
    events: tuple[Event, ...] = ()
    served_origin: OriginVerdict | None = None
    missing: tuple[Missing, ...] = ()

    @property
    def prompts(self) -> tuple[Known[Tokens], ...]:
        """The sizes of all prompts that are known: of failed turns, then of recorded calls."""
        sizes = [item.prompt_tokens for item in self.incidents] + [item.prompt_tokens for item in self.calls]
        return tuple(item for item in sizes if item is not None)

    @property
    def limit_origin(self) -> OriginVerdict | None:
        """Where the limit that binds the context came from: the server's, where only the server holds it that low."""
        binding, route = self.context.binding, self.route
        if binding is None or route is None or binding.value == route.agent_context.value:
            return self.origin
        return self.served_origin or self.origin

    @property
    def ladders(self) -> Ladders:
        """The three ladders with the names of agent and model, as the report shows them."""
        name = self.agent.name if self.agent else ""
        model = self.route.ref if self.route else self.stack.model
        wall = _wall_as_context(self.prefill, self.time)
        return Ladders(name, model, self.context, self.time, self.memory, self.prefill, self.decode, wall)


def _wall_as_context(fit: PrefillFit | None, time: Ladder) -> Calculation | None:
    """The largest cold prompt that is read before the binding timer ends the request."""
    if fit is None or time.binding is None:
        return None
    return wall_as_context_calculation(fit, time.binding.value, time.binding.where, time.binding.basis)


def view(stack: Stack) -> StackView:
    """Return the stack with its limits, rates and incidents computed. Pure: the same stack gives the same view."""
    served = served_context(stack)
    origin, served_origin = origin_of_window(stack), origin_of_served(stack)
    target = target_context(stack)
    memory, missing = memory_ladder(stack, served)
    prefill, decode = prefill_fit(stack), decode_fit(stack)
    return StackView(
        stack,
        stack.agent,
        stack.route,
        stack.server,
        stack.definition,
        stack.header,
        stack.machine,
        stack.calls,
        stack.sessions,
        context_ladder(stack, served, origin, target),
        time_ladder(stack),
        memory,
        served,
        prefill,
        decode,
        origin or served_origin,
        target,
        incidents(stack, served, prefill, decode, memory),
        stack.server.events if stack.server else (),
        served_origin,
        missing,
    )
