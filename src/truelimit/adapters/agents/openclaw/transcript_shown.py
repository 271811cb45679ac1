"""The calls of a transcript that has not changed since an earlier run, straight from the columns that it kept."""

from __future__ import annotations

from itertools import repeat
from typing import Any

from truelimit.adapters.agents.openclaw.transcript import AGENT, Transcript
from truelimit.adapters.agents.openclaw.transcript_state import (
    CODEC,
    UNREADABLE,
    check_lengths,
    set_simple,
    simple_in,
)
from truelimit.domain.provenance import Basis, Known
from truelimit.domain.session import Call


def show(transcript: Transcript, state: Any) -> bool:
    """Give a new transcript the calls of a kept state, which nothing may follow. Returns whether that can be done.

    It cannot where a call's prompt or the time of its end was not recorded: these need all that led to the call.
    """
    try:
        simple = simple_in(state)
        columns = [CODEC.made_column(form) for form in state["calls"]]
        time, _, _, _, prompt, *_ = columns
        check_lengths([state["at"], *columns])
        if None in time or (prompt and min(prompt) <= 0):
            return False
        set_simple(transcript, simple)
        transcript.shown = _calls(transcript, state["at"], columns)
    except UNREADABLE:
        return False
    return True


def _calls(transcript: Transcript, at: list[int], columns: list[list[Any]]) -> tuple[Call, ...]:
    """Return what ``Transcript.finish`` makes of calls whose prompts were all counted."""
    time, provider, model, api, prompt, cached, output, started, outcome, error = columns
    places = [f"{transcript.where}: line {number}" for number in at]
    prompts = map(Known, prompt, [f"{place}: usage" for place in places], repeat(Basis.REPORTED))
    return tuple(
        map(
            Call,
            repeat(transcript.session),
            repeat(AGENT),
            _or(provider, transcript._model[0]),
            _or(model, transcript._model[1]),
            _or(api, transcript._api),
            places,
            started,
            time,
            outcome,
            prompts,
            cached,
            output,
            error,
        )
    )


def _or(names: list[str], default: str) -> list[str]:
    """Return the names, with a default where there is none."""
    return [name or default for name in names] if "" in names else names
