"""What the shares of classes are of, and what is in none of them: one rule for text, page and JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from truelimit.domain.message import Message, counted, figure, said
from truelimit.report.numbers import tokens
from truelimit.units import HOUR

if TYPE_CHECKING:
    from truelimit.workload.summary import Unclassed, Work

CLASS_NAMES = {
    "edit-1": said("edit of 1 file"),
    "edit-2-4": said("edit of 2 to 4 files"),
    "edit-5+": said("edit of 5 to 19 files"),
    "large-refactor": said("edit of 20 files or more"),
    "read": said("reading only"),
    "chat": said("chat"),
    "side-call": said("side calls"),
    "unknown": said("not known"),
}
RULE = said(
    "A turn counts by the distinct files that its tool calls edited. Shares of turns are of the turns whose class is "
    "known; shares of requests, tokens and time are of their requests and of side calls (titles, summaries, "
    "sub-agents), which belong to no turn."
)


_COARSE = 0.05  # of a share


def class_notes(work: Work) -> tuple[Message, ...]:
    """Return what the shares of classes leave out, and what they would be at most with it."""
    return tuple(_notes(work))


def _notes(work: Work) -> Iterator[Message]:
    lost, most = work.unanswered, work.multi_turns_at_most
    if lost.requests:
        yield said(
            "In no share: {turns} none of whose calls was answered ({size}). What they would have been nobody knows.",
            turns=counted("{count} turn", "{count} turns", lost.turns),
            size=_size(lost),
        )
    if lost.requests and most is not None and work.multi_turns is not None:
        yield said(
            "If every one of them had been work on 5 or more files, that would be {share:.1f} % of the turns.",
            share=100 * most.of_turns,
        )
    if work.turnless.requests:
        yield said("In no share: {size} of which no turn of the user is known.", size=_size(work.turnless))


def _size(lost: Unclassed) -> Message:
    return said(
        "{requests}, {tokens}, {hours} h of waiting",
        requests=counted("{count} request", "{count} requests", lost.requests),
        tokens=tokens(lost.tokens),
        hours=figure(lost.seconds / HOUR, ",.2f"),
    )


def unknown_lines(work: Work) -> tuple[Message, ...]:
    """Return what requests do not tell, with their counts."""
    return tuple(
        said("{what}: {silent:,} of {all:,} requests", what=item.what, silent=item.requests, all=item.of)
        for item in work.unknown
    )


def interval_digits(low: float, high: float) -> int:
    """Return the digits of percentages that an interval of a share (0 to 1) supports: none where it spans 5 points."""
    return 0 if high - low >= _COARSE else 1
