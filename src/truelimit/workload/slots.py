"""Who is on the server's slots: for how long a request keeps one, whose conversation it holds, who waits for it.

What a server does when its client hangs up decides how long: most end with the batch that they are reading; Ollama
before 0.30 reads the whole prompt to its end (``ReplayStack.reads_on``), and whoever comes next waits for that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truelimit.workload.columns import Columns, Flags, Floats
from truelimit.workload.patience import NEVER, Patience
from truelimit.workload.stack import Outcome, ReplayStack


@dataclass(frozen=True, slots=True)
class Reading:
    """How requests are read: tokens that are new, those that a cache held, seconds until the first is written.

    ``first`` has the loading of the model in it, and no waiting; ``read`` is without that, ``written`` of the answer.
    ``anew`` tells whose retries begin at the first token again.
    """

    new: Floats
    cached: Floats
    first: Floats
    read: Floats
    written: Floats
    anew: Flags | bool


@dataclass(slots=True)
class Line:
    """What one block of requests leaves to the next.

    ``service``: seconds that each keeps its slot, ``over``: those of them after its client hung up.
    ``holder``: the conversation that took a slot last, ``refuses`` whether any request was turned away so far.
    """

    service: Floats
    over: Floats
    holder: int = -1
    refuses: bool = False


def line_of(work: Columns) -> Line:
    """Return the line before anybody came."""
    return Line(np.zeros(len(work), np.float32), np.zeros(len(work), np.float32))


def in_slot(rows: Columns, stack: ReplayStack, refused: NDArray[np.uint8], line: Line) -> Flags:
    """Return whose last prompt a slot still holds. A request that was refused took none.

    With one slot that is told exactly. With more, or beside a prompt cache, the refused count among the others: a
    cache may then be thought lost that is not.
    """
    if stack.slots > 1:
        return rows.others < stack.slots
    away = np.flatnonzero((refused != Outcome.DONE) & (refused != Outcome.TRUNCATED) & (refused != Outcome.UNKNOWN))
    line.refuses = line.refuses or bool(len(away))
    if not line.refuses:
        line.holder = int(rows.session[-1]) if len(rows) else line.holder
        return rows.others < stack.slots
    holder = np.empty(len(rows) + 1, rows.session.dtype)  # the last one is who holds it after these
    holder[0], holder[1:] = line.holder, rows.session
    if len(away):
        run = away - np.arange(len(away))  # the same for all that follow one another
        begins = np.concatenate(([True], run[1:] != run[:-1]))
        holder[away + 1] = holder[away[begins]][np.cumsum(begins) - 1]
    line.holder = int(holder[-1])
    found: Flags = (holder[:-1] == rows.session) | (rows.others == 0)
    return found


def wait(rows: Columns, stack: ReplayStack, line: Line, start: int) -> Floats:
    """Seconds until a slot is free of the requests of other conversations that came just before.

    With one slot they are served one after the other; with two, the first of them to end makes room. A conversation
    also waits for what a server still reads of its own last request, once nobody listens any more.
    """
    here = np.arange(start, start + len(rows))
    nearest, before = (np.where(back > 0, line.service[here - back], np.float32(0)) for back in rows.ahead)
    by_nearest, by_before = rows.ahead_by
    if stack.slots > 1:
        left = np.minimum(nearest - by_nearest, before - by_before)
    else:
        left = np.maximum(-by_nearest, before - by_before) + nearest
    if stack.reads_on:
        own = np.where(rows.own > 0, line.over[here - rows.own], np.float32(0))
        left = np.maximum(left, own - rows.idle)
    found: Floats = np.maximum(left, np.float32(0))
    return found


def busy(work: Reading, stack: ReplayStack, patience: Patience) -> tuple[Floats, Floats | None]:
    """Return the seconds that each request keeps its slot, and how many of them are after its client hung up.

    None for those: nobody's are.
    """
    total = work.first + work.written
    if patience.endless:
        return total, None
    most = np.minimum(patience.attempts * patience.total, patience.run)
    last = patience.attempts * patience.first
    unread = work.first > _enough(work.anew, patience.first, last)
    listens: Floats = np.minimum(np.where(unread, last, total), most)
    if not stack.reads_on:
        return listens, None
    hung_up = unread | (work.first > patience.run)
    over = np.where(hung_up, np.maximum(_over(work, stack, listens, patience), np.float32(0)), np.float32(0))
    return listens + over, over


def _enough(anew: Flags | bool, wall: np.float32 | Floats, last: np.float32 | Floats) -> np.float32 | Floats:
    """The seconds of reading that come to an end before nobody listens: those of one attempt, or of all."""
    if isinstance(anew, bool):
        return wall if anew else last
    found: Floats = np.where(anew, wall, last)
    return found


def _over(work: Reading, stack: ReplayStack, listens: Floats, patience: Patience) -> Floats:
    """Seconds from the moment that nobody listens any more to the end of the reading."""
    wall = np.minimum(patience.first, NEVER)
    tries = np.maximum(np.ceil(listens / wall), 1)
    begun = np.ones(len(listens))
    if work.anew is not False:  # attempts that came on while the ones before them were still read wait for those
        more = np.maximum(work.first - wall, np.float32(1e-6))
        begun = np.where(work.anew, np.minimum(np.ceil(wall / more), tries), begun)
    to_the_end: Floats = (begun * work.first - listens).astype(np.float32)
    if math.isinf(stack.reads_on):
        return to_the_end
    spent = listens if work.anew is False else np.where(work.anew, listens - (tries - 1) * wall, listens)
    batch = _to_the_end_of_the_batch(work, stack, spent - (work.first - work.read))
    found: Floats = np.minimum(batch, to_the_end)  # an attempt that waited for the one before it began none of its own
    return found


def _to_the_end_of_the_batch(work: Reading, stack: ReplayStack, spent: Floats) -> Floats:
    """Seconds that are left of the batch that is being read after so many seconds of reading."""
    each, growth = stack.prefill_a + stack.prefill_b * work.cached, stack.prefill_b
    spent = np.maximum(spent, np.float32(0))
    if growth > 0:
        read = (np.sqrt(each**2 + 2 * growth * spent) - each) / growth
    else:
        read = spent / np.maximum(each, np.float32(1e-12))
    end = np.minimum(np.ceil(read / stack.reads_on) * stack.reads_on, work.new)
    found: Floats = (each * (end - read) + growth / 2 * (end**2 - read**2)).astype(np.float32)
    return found
