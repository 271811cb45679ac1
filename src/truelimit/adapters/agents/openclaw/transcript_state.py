"""The state of a transcript after some of its lines, in a form that can be kept: numbers and names, never text.

What a report shows of the calls stands apart from what is needed to read on: most transcripts never grow again, and
making again what only reading on needs would be most of the time that a second run takes.
"""

from __future__ import annotations

import json
from typing import Any

from truelimit.adapters.agents.openclaw.transcript import Draft, Transcript
from truelimit.adapters.agents.openclaw.transcript_lines import Answer, Input
from truelimit.adapters.store.evidence_codec import Codec, CodecError
from truelimit.domain.session import CallError, ErrorKind, Outcome

CODEC = Codec(Input, CallError, ErrorKind, Outcome)
SIMPLE = (
    "session",
    "version",
    "lines",
    "damaged",
    "_copied_until",
    "_api",
    "_model",
    "_previous",
    "_failures",
    "_turn",
    "_baseline",
    "_compactions",
)
# Of each call, in this order: what a report shows, then what reading on needs too.
_ANSWER_SHOWN = ("time", "provider", "model", "api", "prompt", "cached", "output")
_DRAFT_SHOWN = ("started", "outcome", "error")
_DRAFT_REST = ("turn", "baseline", "seen")
UNREADABLE = (CodecError, ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, MemoryError)


def snapshot(transcript: Transcript, number: int) -> Any:
    """Return the state after line ``number``, or None where it holds text that must not be kept."""
    if transcript._prompt_error is not None:
        return None
    try:
        drafts = transcript._drafts
        shown = [[getattr(draft.answer, name) for draft in drafts] for name in _ANSWER_SHOWN]
        shown += [[getattr(draft, name) for draft in drafts] for name in _DRAFT_SHOWN]
        return {
            "number": number,
            "simple": [CODEC.encode(getattr(transcript, name)) for name in SIMPLE],
            "at": [int(draft.where.rpartition(" ")[2]) for draft in drafts],
            "calls": [CODEC.column(column) for column in shown],
            "rest": json.dumps(_rest(transcript), separators=(",", ":")),
        }
    except (CodecError, ValueError):
        return None


def _rest(transcript: Transcript) -> dict[str, Any]:
    """Return what reading on needs. The inputs matter only before a call whose prompt was not counted."""
    drafts, turns = transcript._drafts, transcript._turn_started
    lists: dict[int, list[Input]] = {id(transcript._inputs): transcript._inputs}
    lists.update({id(draft.inputs): draft.inputs for draft in drafts if draft.answer.prompt <= 0})
    numbers = {key: number for number, key in enumerate(lists)}
    columns = [[draft.answer.clock for draft in drafts]]
    columns += [[getattr(draft, name) for draft in drafts] for name in _DRAFT_REST]
    return {
        "turns": [CODEC.column(list(turns)), CODEC.column(list(turns.values()))],
        "inputs": [CODEC.rows(inputs) for inputs in lists.values()],
        "of": CODEC.column([numbers.get(id(draft.inputs), -1) for draft in drafts]),
        "calls": [CODEC.column(column) for column in columns],
    }


def restore(transcript: Transcript, state: Any) -> int | None:
    """Put a new transcript into a kept state; return the number of its last line, or None where it cannot be read."""
    try:
        simple, rest = simple_in(state), json.loads(state["rest"])
        turns, times = (CODEC.made_column(form) for form in rest["turns"])
        started = dict(zip(turns, times, strict=True))
        lists = [CODEC.made_rows(form) for form in rest["inputs"]]
        drafts = _made_drafts(transcript.where, state, rest, lists)
        number = int(state["number"])
    except UNREADABLE:
        return None
    set_simple(transcript, simple)
    transcript._turn_started = started
    transcript._inputs = lists[0]
    transcript._drafts = drafts
    return number


def simple_in(state: Any) -> list[Any]:
    """Return the values of the fields ``SIMPLE``. Raises as the codec does."""
    return [CODEC.decode(form) for form in state["simple"]]


def set_simple(transcript: Transcript, values: list[Any]) -> None:
    """Put the values of ``simple_in`` into a transcript. Raises ValueError for too few or too many."""
    for name, value in zip(SIMPLE, values, strict=True):
        setattr(transcript, name, value)


def _made_drafts(where: str, state: Any, rest: Any, lists: list[list[Input]]) -> list[Draft]:
    shown = [CODEC.made_column(form) for form in state["calls"]]
    hidden = [CODEC.made_column(form) for form in (*rest["calls"], rest["of"])]
    time, provider, model, api, prompt, cached, output, started, outcome, error = shown
    clock, turn, baseline, seen, of = hidden
    check_lengths([state["at"], *shown, *hidden])
    none = [""] * len(time)
    answers = map(Answer, time, clock, provider, model, api, none, none, prompt, cached, output)
    places = [f"{where}: line {number}" for number in state["at"]]
    inputs = [lists[number] if number >= 0 else [] for number in of]
    return list(map(Draft, answers, places, started, turn, outcome, error, baseline, inputs, seen))


def check_lengths(columns: list[list[Any]]) -> None:
    """Raise CodecError where columns have different lengths."""
    if len({len(column) for column in columns}) > 1:
        raise CodecError("columns of different lengths")
