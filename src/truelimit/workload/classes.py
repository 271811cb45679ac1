"""What a turn was, by a stated rule over the files that its tool calls read and changed.

A turn is one message of the user with all that the agent did for it. It counts as the edit of so many distinct files:
1, 2 to 4, 5 and more; from 20 on a large refactor. No file changed but some read: read. Neither: chat. Calls that the
agent made for itself (titles, summaries) are side calls whatever they touch. A turn that touched no file because none
of its calls was ever answered is of no class: what the agent would have done nobody knows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from truelimit.domain.workload import Ending, WorkClass, WorkRequest

FEW = 2
MANY = 5
REFACTOR = 20
MULTI_FILE = frozenset({WorkClass.EDIT_MANY, WorkClass.REFACTOR})
_UNANSWERED = frozenset({Ending.OVERFLOW, Ending.TIMED_OUT, Ending.CANCELLED, Ending.CRASHED})


def class_of(edited: int, read: int) -> WorkClass:
    """Return the class of a turn that changed and read so many distinct files."""
    if edited >= REFACTOR:
        return WorkClass.REFACTOR
    if edited >= MANY:
        return WorkClass.EDIT_MANY
    if edited >= FEW:
        return WorkClass.EDIT_FEW
    if edited == 1:
        return WorkClass.EDIT_ONE
    return WorkClass.READ if read else WorkClass.CHAT


def classified(requests: Iterable[WorkRequest]) -> list[WorkRequest]:
    """Return the requests with the class of their whole turn. Side calls and requests without a turn keep theirs."""
    items = list(requests)
    files: dict[str, tuple[int, int]] = {}
    answered: set[str] = set()
    for item in items:
        if item.turn is not None and item.work_class is not WorkClass.SIDE_CALL:
            edited, read = files.get(item.turn, (0, 0))
            files[item.turn] = (max(edited, item.files_edited), max(read, item.files_read))
            if _is_answered(item):
                answered.add(item.turn)
    classes = {
        turn: class_of(*touched) if turn in answered or any(touched) else WorkClass.UNKNOWN
        for turn, touched in files.items()
    }
    return [_with_class(item, classes) for item in items]


def _is_answered(item: WorkRequest) -> bool:
    """Whether there was an answer: where nobody knows how a call ended, one that wrote something was."""
    if item.ending is Ending.UNKNOWN:
        return bool(item.output_tokens)
    return item.ending not in _UNANSWERED


def _with_class(item: WorkRequest, classes: dict[str, WorkClass]) -> WorkRequest:
    if item.turn is None or item.work_class is WorkClass.SIDE_CALL:
        return item
    return replace(item, work_class=classes[item.turn])
