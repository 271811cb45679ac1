"""Replay: what would become of each request on a stack, how long one waits for it, what it costs.

Vectorised over requests; one pass of some 25 array operations a stack, in blocks that stay in the processor's cache.

The model. A request is refused or cut when its prompt exceeds what the agent sends or the server holds. Else the
server loads the model if it was silent for longer than it keeps it, waits for the requests of other conversations
that are under way on all slots (each conversation has one request under way, as an agent waits for its answer; see
``slots``), reads what its caches do not hold, T = a*n + b*(d*n + n**2/2), and writes, c*m + d*(depth*m + m**2/2). An
attempt ends at a wall; a retry starts again, or goes on where the last ended if the prefix cache kept that.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from truelimit.workload.columns import Columns, Flags, Floats
from truelimit.workload.patience import Patience, patience_of
from truelimit.workload.rate_limit import Bucket
from truelimit.workload.slots import Line, Reading, busy, in_slot, line_of, wait
from truelimit.workload.stack import Outcome, ReplayStack

BLOCK = 1 << 15
Codes = NDArray[np.uint8]


def _flags(*outcomes: Outcome) -> Floats:
    """1 for these outcomes, else 0, by their number: a look-up costs less than comparisons."""
    return np.array([item in outcomes for item in Outcome], dtype=np.float32)


_SERVED = _flags(Outcome.DONE, Outcome.TRUNCATED)
_SENT = _flags(Outcome.DONE, Outcome.TRUNCATED, Outcome.TIMED_OUT)
_STANDS = _SERVED.astype(bool)  # what was let in may still end at a wall
_OVERFLOW = np.uint8(Outcome.OVERFLOW)


@dataclass(frozen=True, slots=True)
class Replayed:
    """For each request: its outcome (see Outcome), the seconds waited for it, tokens read and reused, and USD."""

    outcome: Codes
    seconds: Floats
    first: Floats
    cached: Floats
    usd: Floats


def replay(work: Columns, stack: ReplayStack) -> Replayed:
    """Return what becomes of each request of the work on a stack."""
    parts = list(blocks(work, stack))
    if not parts:
        return Replayed(np.empty(0, np.uint8), *(np.empty(0, np.float32) for _ in range(4)))
    return Replayed(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Replayed)))


def blocks(work: Columns, stack: ReplayStack) -> Iterator[Replayed]:
    """Yield the result block by block, in order: for sums over more requests than one wants to hold."""
    line, bucket = line_of(work), Bucket(stack.tokens_per_minute)
    for start in range(0, len(work), BLOCK):
        yield _block(work.rows(start, min(start + BLOCK, len(work))), stack, line, bucket, start)


def _block(rows: Columns, stack: ReplayStack, line: Line, bucket: Bucket, start: int) -> Replayed:
    refused = _refused(rows, stack)
    prompt = np.minimum(rows.prompt, stack.served_context) if stack.cuts_silently else rows.prompt
    cached = np.minimum(_cached(rows, stack, refused, line), prompt)
    if stack.cuts_silently:
        cached[refused == Outcome.TRUNCATED] = 0  # what is cut is the front, so no prefix is left
    new = prompt - cached
    read = new * (stack.prefill_a + stack.prefill_b * (cached + new / 2))
    written = rows.output * (stack.decode_c + stack.decode_d * (prompt + rows.output / 2))
    if stack.load and not math.isinf(stack.keep_alive):
        first = read + np.where(rows.idle > stack.keep_alive, np.float32(stack.load), np.float32(0))
    else:
        first = read
    patience = patience_of(rows, stack)
    if stack.slots <= len(rows.ahead):
        kept, over = busy(Reading(new, cached, first, read, written, _begins_anew(refused, stack)), stack, patience)
        line.service[start : start + len(rows)] = kept * _SERVED[refused]
        if over is not None:
            line.over[start : start + len(rows)] = over * _SERVED[refused]
        first = first + wait(rows, stack, line, start)
    if not math.isinf(stack.tokens_per_minute):
        counted = (prompt if stack.counts_cached else new) + rows.output
        refused = np.where(_STANDS[refused] & (counted > stack.tokens_per_minute), _OVERFLOW, refused)
        first = first + bucket.waits(rows.time, counted * _SERVED[refused])
    ended, seconds = _walls(first, first + written, stack, patience, refused)
    outcome = np.where(_STANDS[refused] & ((ended > 0) | (refused == Outcome.DONE)), ended, refused)
    sent, served = _SENT[outcome], _SERVED[outcome]
    return Replayed(
        outcome, seconds * sent, first * sent, cached * sent, _cost(new, cached, rows.output, stack) * served
    )


def _begins_anew(refused: Codes, stack: ReplayStack) -> Flags | bool:
    """Whose retries begin at the first token: all of a stack that does not resume, else those that are cut."""
    if not stack.resumes:
        return True
    return refused == Outcome.TRUNCATED if stack.cuts_silently else False


def _cost(new: Floats, cached: Floats, output: Floats, stack: ReplayStack) -> Floats:
    """USD a request by the prices of its tokens."""
    if not (stack.usd_per_new or stack.usd_per_cached or stack.usd_per_output):
        return np.zeros(1, np.float32)
    usd: Floats = new * stack.usd_per_new + cached * stack.usd_per_cached + output * stack.usd_per_output
    return usd


def _cached(rows: Columns, stack: ReplayStack, refused: Codes, line: Line) -> Floats:
    """Tokens that a slot or the prompt cache still holds of the conversation; nothing once the model was unloaded."""
    if not stack.prefix_cache:
        return np.zeros(len(rows), np.float32)
    kept = in_slot(rows, stack, refused, line)
    if stack.cache_tokens:
        kept = kept | (rows.since + rows.reusable <= stack.cache_tokens)
    if not math.isinf(stack.keep_alive):
        kept &= rows.gap <= stack.keep_alive
    return np.where(kept, rows.reusable, np.float32(0))


def _walls(
    first: Floats, total: Floats, stack: ReplayStack, patience: Patience, refused: Codes
) -> tuple[Codes, Floats]:
    """Return outcome and seconds under the walls, with the attempts there are."""
    if patience.endless:
        return np.zeros(len(first), np.uint8), total
    begun = first <= patience.first
    in_time, seconds = begun & (total <= patience.total), total
    if stack.resumes and not patience.waits_for_ever:
        in_time, seconds = _resumed(first, total, stack, patience, refused)
    attempt = np.where(begun, patience.total, patience.first)
    seconds = np.where(in_time, seconds, attempt * patience.attempts)
    in_time = in_time & (seconds <= patience.run)
    ended = np.where(in_time, np.uint8(Outcome.DONE), np.uint8(Outcome.TIMED_OUT))
    return ended, np.minimum(seconds, patience.run)


def _resumed(
    first: Floats, total: Floats, stack: ReplayStack, patience: Patience, refused: Codes
) -> tuple[Flags, Floats]:
    """Whether there is an answer in time, and after how long, where an attempt goes on where the last ended.

    Reading takes as many attempts as the wall of one goes into it. If the answer does not fit the last of them, one
    more has only to write it. A prompt that is cut starts anew each time: its front is another one then.
    """
    wall, whole, attempts = patience.first, patience.total, patience.attempts
    tries = np.maximum(np.ceil(first / wall), 1)
    if stack.cuts_silently:
        tries = np.where((refused == Outcome.TRUNCATED) & (first > wall), np.float32(math.inf), tries)
    before = (np.minimum(tries, attempts) - 1) * wall
    same = (tries <= attempts) & (total - before <= whole)
    again = (tries < attempts) & (total - first <= whole)
    if stack.cuts_silently:
        again &= refused != Outcome.TRUNCATED
    return same | again, np.where(same, total, before + whole + (total - first))


def _refused(rows: Columns, stack: ReplayStack) -> Codes:
    """What never comes to reading: no room, a private request, a model that is gone, too long a prompt."""
    found = np.zeros(len(rows), np.uint8)
    found[~rows.known] = Outcome.UNKNOWN
    if stack.cuts_silently:
        found[rows.prompt > stack.served_context] = Outcome.TRUNCATED
    else:
        found[rows.prompt >= stack.served_context] = Outcome.OVERFLOW
    found[_too_long(rows, stack)] = Outcome.OVERFLOW
    if not stack.takes_private:
        found[rows.private] = Outcome.NOT_ALLOWED
    if not np.isinf(stack.ends):
        found[rows.time >= stack.ends] = Outcome.GONE
    if not stack.fits:
        found[:] = Outcome.NO_ROOM
    return found


def _too_long(rows: Columns, stack: ReplayStack) -> Flags:
    """Whose prompt is more than its agent sends; of agents with walls of their own no such limit is known."""
    found: Flags = rows.prompt > stack.prompt_limit
    return found & (rows.agent == 0) if stack.agents else found
