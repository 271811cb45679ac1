"""From requests to points: what was really read and written, in which time, and which requests cannot be trusted.

The server's own timings are used where they agree with what the client saw. A server that claims to have read and
written for longer than the whole request took cannot be right: the client's time stands. One that accounts for much
less than the client waited had other work, or its clock is wrong: that request is left out, unless most are so.
"""

from __future__ import annotations

from collections.abc import Sequence

from truelimit.bench.nouns import Observation, Purpose, Reply
from truelimit.domain.frozen import dataclass
from truelimit.domain.message import said
from truelimit.limits.log_rates import MIN_CHUNK
from truelimit.perf.decode import DecodePoint
from truelimit.perf.prefill import PrefillPoint
from truelimit.units import Seconds, Tokens

_MIN_ANSWER = 8  # tokens timed
_CACHED_SHARE = 0.05  # of a prompt with a new head: more is a cache that should not know it
_CACHED_TOKENS = 64
_SLACK_SHARE, _SLACK = 0.05, 0.05  # seconds: what two clocks may differ by
_ELSEWHERE_SHARE, _ELSEWHERE = 0.25, 0.5  # seconds: waiting that the server does not account for
_CUT = 0.85  # of the tokens sent: fewer counted means that the server cut the prompt


@dataclass(frozen=True, slots=True)
class Points:
    """Points for the fits, and in words what was left out and why."""

    prefill: tuple[PrefillPoint, ...]
    decode: tuple[DecodePoint, ...]
    notes: tuple[str, ...] = ()
    client_timed: bool = False


def points_of(observations: Sequence[Observation], latency: float = 0.0) -> Points:
    """Return the points of the measuring requests. ``latency`` (s) is taken off where only the client has timed."""
    measuring = [item for item in observations if item.purpose is Purpose.MEASURE and not item.reply.cancelled]
    usable, notes = _usable(measuring)
    judged = [(item, prefill_trust(item.reply)) for item in usable]
    most_elsewhere = 2 * sum(trust == "elsewhere" for _, trust in judged) > len(judged)
    prefill: list[PrefillPoint] = []
    client = False
    for item, trust in judged:
        if trust == "elsewhere" and not most_elsewhere:
            notes.append(_elsewhere(item))
            continue
        by_client = trust != "server"
        client = client or by_client
        prefill += _prefill(item.reply, latency, by_client=by_client)
    if any(trust == "impossible" for _, trust in judged):
        notes.append(
            said("the server claims to have worked for longer than its requests took: the client's times are used")
        )
    if most_elsewhere:
        notes.append(
            said(
                "the server accounts for much less time than the client waited for the first token: the client's times "
                "are used, an upper bound (another request ahead of it, or a wrong clock)"
            )
        )
    decode = [point for item in measuring for point in decode_points_of(item.reply)]
    if measuring and not decode:
        notes.append(
            said("the answers ended before {min_answer} timed tokens: no rate of writing", min_answer=_MIN_ANSWER)
        )
    return Points(tuple(prefill), tuple(decode), tuple(dict.fromkeys(notes)), client)


def prefill_trust(reply: Reply) -> str:
    """Return whose time of reading holds: ``server``, ``client`` (it gives none), ``impossible`` or ``elsewhere``."""
    told, seen = reply.prefill_seconds, reply.first_token_seconds
    if told is None or told <= 0:
        return "client"
    if seen is None:
        return "server"
    if told + (reply.decode_seconds or 0.0) > reply.total_seconds * (1 + _SLACK_SHARE) + _SLACK:
        return "impossible"
    waited = seen - told - (reply.load_seconds or 0.0) - (reply.queue_seconds or 0.0)
    return "elsewhere" if waited > _ELSEWHERE + _ELSEWHERE_SHARE * seen else "server"


def _usable(items: Sequence[Observation]) -> tuple[list[Observation], list[str]]:
    """Leave out for reading: prompts that a cache knew, or that the server cut."""
    kept: list[Observation] = []
    notes: list[str] = []
    for item in items:
        prompt, cached = item.reply.prompt_tokens, item.reply.cached_tokens or 0
        if prompt is None:
            continue
        if not is_fresh(item.reply):
            notes.append(
                said(
                    "{cached:,} of {prompt:,} tokens came from a cache though the prompt's head was new: "
                    "that request tells no rate of reading",
                    cached=cached,
                    prompt=prompt,
                )
            )
        elif prompt < _CUT * item.depth:
            notes.append(
                said(
                    "the server counted {prompt:,} of about {depth:,} tokens sent: it cuts prompts",
                    prompt=prompt,
                    depth=item.depth,
                )
            )
        else:
            kept.append(item)
    return kept, notes


def is_fresh(reply: Reply) -> bool:
    """Return whether a prompt was really read: no more than a trifle of it came from a cache, as far as is told."""
    cached, prompt = reply.cached_tokens or 0, reply.prompt_tokens or 0
    return cached <= max(_CACHED_TOKENS, _CACHED_SHARE * prompt)


def _elsewhere(item: Observation) -> str:
    seen, told = item.reply.first_token_seconds or 0.0, item.reply.prefill_seconds or 0.0
    return said(
        "a request of {depth:,} tokens waited {seen:.1f} s for its first token, of which the server read for "
        "{told:.1f} s: left out (another request was ahead of it)",
        depth=item.depth,
        seen=seen,
        told=told,
    )


def _prefill(reply: Reply, latency: float, *, by_client: bool) -> list[PrefillPoint]:
    cached = reply.cached_tokens or 0
    evaluated = (reply.prompt_tokens or 0) - cached
    seconds = (reply.first_token_seconds or 0.0) - latency if by_client else reply.prefill_seconds or 0.0
    if evaluated < MIN_CHUNK or seconds <= 0:
        return []
    where = said("{where}: time to first token", where=reply.where) if by_client else reply.where
    return [PrefillPoint(Tokens(cached), Tokens(evaluated), Seconds(seconds), where)]


def decode_points_of(reply: Reply) -> list[DecodePoint]:
    """Return the point of an answer, or none: the server's time; else the client's, first token to last."""
    seconds, timed = reply.decode_seconds, reply.timed
    seen = (reply.last_token_seconds or 0.0) - (reply.first_token_seconds or 0.0)
    total = reply.total_seconds * (1 + _SLACK_SHARE) + _SLACK
    if seconds is None or timed is None or seconds > total:
        seconds, timed = Seconds(seen), Tokens(max(0, (reply.written or 0) - 1))
    if timed < _MIN_ANSWER or seconds <= 0 or reply.prompt_tokens is None:
        return []
    return [DecodePoint(reply.prompt_tokens, timed, seconds, reply.where)]
