"""The cancel of a benchmark: at which depth, and how long the server goes on after its client has left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from truelimit.bench.nouns import Observation, Purpose
from truelimit.bench.plan import Step
from truelimit.units import Seconds, Tokens

if TYPE_CHECKING:
    from truelimit.app.bench_ports import Endpoint, World

_SHARE = 0.2  # of the time left: what the cancel may take
_SHORT = 0.6  # seconds of reading: below it there is no midway
# Asked more than once a second, llama-server no longer notices that its client has left.
_FIRST_LOOK, _INTERVAL = 1.5, 2.1


def wants_cancel(seen: Sequence[Observation], left: float) -> Step | None:
    """Return the step to cancel: the deepest that costs a fair share of the time ``left`` (s), else the shallowest.

    The deepest because servers notice only between batches (2,048 tokens in llama-server). None where reading is too
    fast to leave midway.
    """
    times = {
        item.depth: item.reply.first_token_seconds or 0.0
        for item in seen
        if item.purpose is Purpose.MEASURE and not item.reply.cancelled and item.reply.overflow is None
    }
    long = sorted(depth for depth, seconds in times.items() if seconds >= _SHORT)
    if not long:
        return None
    fair = [depth for depth in long if times[depth] <= _SHARE * left]
    return Step(Purpose.CANCEL, Tokens(fair[-1] if fair else long[0]), Tokens(1))


def idle_after(endpoint: Endpoint, world: World, most: float, left: float) -> Seconds | None:
    """Return when the server was first seen idle (s after the cancel), or None when it was not within the bounds.

    It is looked at rarely (2.1 s): looks themselves keep llama-server from noticing.
    """
    began = world.clock()
    world.pause(_FIRST_LOOK)
    while True:
        if endpoint.busy() is False:
            return Seconds(world.clock() - began)
        if world.clock() - began + _INTERVAL > min(most, left):
            return None
        world.pause(_INTERVAL)
