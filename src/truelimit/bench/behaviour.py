"""What the server does with a prompt that it knows, and with a client that leaves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from truelimit.bench.nouns import Observation, Purpose, Reply
from truelimit.domain.frozen import dataclass
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.perf.prefill import largest_prompt, prefill_seconds
from truelimit.units import Seconds, Tokens

if TYPE_CHECKING:
    from truelimit.domain.rates import PrefillFit

_READ_ON = 0.97  # of the prompt in the cache after a cancel: it was read to its end
_SURELY_READ_ON, _SURELY_STOPPED = 0.9, 0.75  # the same, derived from noisy times
_REUSED = 0.5  # of the prompt: from here on the cache was used


@dataclass(frozen=True, slots=True)
class CacheBehaviour:
    """``prompt`` tokens asked again gave ``reused`` tokens from the cache (None: cannot be told).

    ``changed_head`` is the most that any prompt with a new head got from the cache (None: not told).
    """

    prompt: Tokens
    reused: Known[Tokens] | None
    changed_head: Tokens | None

    @property
    def works(self) -> bool | None:
        """Whether the cache spares reading the same prompt again."""
        return None if self.reused is None else self.reused.value >= _REUSED * self.prompt


@dataclass(frozen=True, slots=True)
class CancelBehaviour:
    """A client left after ``after`` seconds of reading a prompt.

    ``stopped``: whether the server stopped reading (None: cannot be told); ``idle_within``: it was seen idle at most
    so long after that (None: not seen). ``kept``: tokens that the same prompt, asked again once the server had time
    to end, found in the cache.
    """

    prompt: Tokens
    after: Seconds
    stopped: bool | None
    idle_within: Seconds | None
    kept: Known[Tokens] | None


def cache_behaviour(seen: Sequence[Observation], fit: PrefillFit | None) -> CacheBehaviour | None:
    """Return what the cache did, or None when the same prompt was not asked again."""
    again = next((item for item in seen if item.purpose is Purpose.SAME_AGAIN), None)
    if again is None or again.reply.prompt_tokens is None:
        return None
    told = [
        item.reply.cached_tokens
        for item in seen
        if item.purpose in {Purpose.MEASURE, Purpose.CANCEL} and item.reply.cached_tokens is not None
    ]
    changed = Tokens(max(told)) if told else None
    return CacheBehaviour(again.reply.prompt_tokens, _from_cache(again.reply, fit), changed)


def cancel_behaviour(
    seen: Sequence[Observation], fit: PrefillFit | None, idle_within: Seconds | None
) -> CancelBehaviour | None:
    """Return what a cancelled request left behind; None when none was cancelled in time or none was asked after it.

    ``idle_within``: when the server was first seen idle (s after the cancel). Whether it stopped is judged by what the
    cache holds alone: a server may be busy with the work of others.
    """
    left = next((item for item in seen if item.purpose is Purpose.CANCEL and item.reply.cancelled), None)
    after = next((item for item in seen if item.purpose is Purpose.AFTER_CANCEL), None)
    if left is None or after is None or after.reply.prompt_tokens is None:
        return None
    prompt, kept = after.reply.prompt_tokens, _from_cache(after.reply, fit, _floor(seen))
    return CancelBehaviour(prompt, left.reply.total_seconds, _stopped(kept, prompt), idle_within, kept)


def _stopped(kept: Known[Tokens] | None, prompt: int) -> bool | None:
    """A count tells it; a number derived from times only where it is far from both ends."""
    if kept is None:
        return None
    if kept.value >= (_READ_ON if kept.basis is Basis.REPORTED else _SURELY_READ_ON) * prompt:
        return False
    if kept.basis is Basis.REPORTED or 0 < kept.value < _SURELY_STOPPED * prompt:
        return True
    return None


def _floor(seen: Sequence[Observation]) -> float:
    """Seconds that a prompt takes that is in the cache already: what no cache can spare."""
    times = [
        item.reply.prefill_seconds if item.reply.prefill_seconds is not None else item.reply.first_token_seconds
        for item in seen
        if item.purpose is Purpose.SAME_AGAIN
    ]
    return next((time for time in times if time is not None), 0.0)


def _from_cache(reply: Reply, fit: PrefillFit | None, floor: float = 0.0) -> Known[Tokens] | None:
    """Tokens from the cache: as told, else from how much shorter the reading was than the whole prompt's would be."""
    if reply.prompt_tokens is None:
        return None
    if reply.cached_tokens is not None:
        return Known(reply.cached_tokens, reply.where, Basis.REPORTED)
    seconds = reply.prefill_seconds if reply.prefill_seconds is not None else reply.first_token_seconds
    if fit is None or seconds is None:
        return None
    spared = prefill_seconds(fit, reply.prompt_tokens) - max(0.0, seconds - floor)
    kept = min(int(reply.prompt_tokens), largest_prompt(fit, spared))
    return Known(
        Tokens(kept), said("{where}: shorter reading than that of the whole prompt", where=reply.where), Basis.DERIVED
    )
