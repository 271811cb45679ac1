"""How fast this stack reads and writes: fitted on its own evidence, else taken from a published table, else unknown.

The best kind of evidence that is there is used alone; kinds are never mixed. Evidence at one depth only (one rate, a
lower bound deeper down) yields to any that tells how the cost grows with depth, a published series included:
1. the server's log, batch by batch or prompt by prompt, cached tokens left out;
2. the older Ollama's log, from the start of a prompt to the end of its request (an upper bound: the answer is in it);
3. the agent's transcripts, likewise an upper bound;
4. a published series for this chip and model.
"""

from __future__ import annotations

from truelimit.domain.facts import Stack
from truelimit.domain.rates import DecodeFit, PrefillFit
from truelimit.limits.log_rates import decode_points, prefill_points
from truelimit.limits.published import published_decode, published_prefill
from truelimit.limits.request_rates import request_points, transcript_points
from truelimit.perf.decode import fit_decode
from truelimit.perf.prefill import fit_prefill, tells_depth


def prefill_fit(stack: Stack) -> PrefillFit | None:
    """Return T(n) of this stack from the best evidence there is, or None."""
    decode = decode_fit(stack)
    kinds = (prefill_points(stack), request_points(stack), transcript_points(stack, decode))
    deep = next((points for points in kinds if tells_depth(points)), None)
    if deep is not None:
        return fit_prefill(deep)
    single = next((points for points in kinds if points), ())
    return published_prefill(stack) or fit_prefill(single)


def decode_fit(stack: Stack) -> DecodeFit | None:
    """Return the cost of a written token on this stack from its server's log, else a published one, or None."""
    return fit_decode(decode_points(stack)) or published_decode(stack)
