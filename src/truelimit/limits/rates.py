"""How fast this stack reads and writes: the one place that every command asks.

The best kind of evidence that is there is used alone; kinds are never mixed. Evidence at one depth only (one rate, a
lower bound deeper down) yields to any that tells how the cost grows with depth, a published series included:
1. kept measurements of this machine and this model (``truelimit bench``);
2. the server's log, batch by batch or prompt by prompt, cached tokens left out;
3. the older Ollama's log, from the start of a prompt to the end of its request (an upper bound: the answer is in it);
4. the agent's transcripts, likewise an upper bound;
5. the estimate, corrected by a kept measurement of another model on this machine;
6. a published series for this chip and model, carried over to the batch, quantisation and cache that are asked;
7. the estimate, corrected by a published series of this model on a sibling chip;
8. the estimate, fitted to the chip's family, else from physics alone.
What was measured at one depth alone keeps its cost there; where an estimator is given, it tells how the cost grows.
All with an estimate need the machine's devices and an estimator; where neither is given, nothing is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.domain.estimates import Tier
from truelimit.limits.paces import Reading, Writing
from truelimit.limits.rate_case import rate_case
from truelimit.limits.rates_carried import published_reading, published_writing
from truelimit.limits.rates_corrected import (
    corrected_reading,
    corrected_writing,
    of_tier,
    with_reading_left_out,
    with_writing_left_out,
)
from truelimit.limits.rates_estimated import estimated_reading, estimated_writing
from truelimit.limits.rates_one_depth import grown_reading, grown_writing
from truelimit.perf.decode import fit_decode
from truelimit.perf.prefill import fit_prefill, tells_depth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truelimit.domain.estimates import RateCase
    from truelimit.domain.facts import Stack
    from truelimit.domain.measurements import Measurement
    from truelimit.domain.rates import DecodeFit, PrefillFit
    from truelimit.perf.decode import DecodePoint
    from truelimit.perf.placement import Placement
    from truelimit.perf.prefill import PrefillPoint

__all__ = ["Reading", "Writing", "decode_fit", "paces", "prefill_fit", "reading", "writing"]


def paces(
    stack: Stack, placed: Placement | None = None, asked: RateCase | None = None
) -> tuple[Reading | None, Writing | None]:
    """Return how fast a stack reads and writes: the answer that every command gives, ``rates_at`` evaluates it.

    ``placed`` is how the model lies over several memories, where it does. ``asked`` stands for the stack's own case
    where a model is told by numbers, or an engine is named.
    """
    return reading(stack, placed, asked), writing(stack, placed, asked)


def reading(stack: Stack, placed: Placement | None = None, asked: RateCase | None = None) -> Reading | None:
    """Return how fast the stack reads, from the best evidence there is, with its tier; None where nothing is known."""
    kept = _kept_prefill(stack)
    kinds = _read_here(stack)
    deep = next((points for points in kinds if tells_depth(points)), None)
    own = kept if kept is not None and kept.b > 0 else fit_prefill(deep) if deep is not None else None
    if own is not None:
        return Reading(own, Tier.THIS_STACK)
    told = estimated_reading(stack, placed, asked)
    corrected = corrected_reading(stack, told, asked)
    if corrected is not None:
        return corrected
    series = published_reading(stack, told, asked or rate_case(stack), asked.ubatch if asked else None)
    single = kept or fit_prefill(next((points for points in kinds if points), ()))
    if series is None and single is not None:
        return grown_reading(single, told)
    return with_reading_left_out(stack, series or told, asked)


def writing(stack: Stack, placed: Placement | None = None, asked: RateCase | None = None) -> Writing | None:
    """Return how fast the stack writes, from the best evidence there is, with its tier; None where nothing is known."""
    own = _own_decode(stack)
    if own is not None and own.d > 0:
        return Writing(own, Tier.THIS_STACK)
    told = estimated_writing(stack, placed, asked)
    if own is not None:
        return grown_writing(own, told)
    corrected = corrected_writing(stack, told, asked)
    if corrected is not None:
        return corrected
    series = published_writing(stack, told, asked or rate_case(stack))
    return with_writing_left_out(stack, series or told, asked)


def prefill_fit(stack: Stack) -> PrefillFit | None:
    """Return T(n) of this stack from the best evidence there is, or None."""
    found = reading(stack)
    return found.fit if found else None


def decode_fit(stack: Stack) -> DecodeFit | None:
    """Return the cost of a written token on this stack from the best evidence there is, or None."""
    found = writing(stack)
    return found.fit if found else None


def _read_here(stack: Stack) -> tuple[Sequence[PrefillPoint], ...]:
    """The points of the server's log, of an older one's requests, of transcripts; none where nothing was recorded."""
    if not (stack.calls or (stack.server and stack.server.events)):
        return ()
    from truelimit.limits.log_rates import prefill_points
    from truelimit.limits.request_rates import request_points, transcript_points

    return prefill_points(stack), request_points(stack), transcript_points(stack, _own_decode(stack))


def _written_here(stack: Stack) -> Sequence[DecodePoint]:
    if stack.server is None or not stack.server.events:
        return ()
    from truelimit.limits.log_rates import decode_points

    return decode_points(stack)


def _own_decode(stack: Stack) -> DecodeFit | None:
    """The cost of a written token as it was measured here: kept by a benchmark, else in the server's log."""
    kept = next((item.decode for item in _of_this_stack(stack) if item.decode is not None), None)
    return kept or fit_decode(_written_here(stack))


def _kept_prefill(stack: Stack) -> PrefillFit | None:
    return next((item.prefill for item in _of_this_stack(stack) if item.prefill is not None), None)


def _of_this_stack(stack: Stack) -> tuple[Measurement, ...]:
    return of_tier(stack, Tier.THIS_STACK)
