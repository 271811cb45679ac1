"""The one call of a session that the agent's last estimate was made for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from truelimit.adapters.agents.openclaw.estimates import with_estimate
from truelimit.adapters.agents.openclaw.session_counters import Estimate, counters_of
from truelimit.domain.provenance import Basis, Known
from truelimit.domain.session import Call, Outcome
from truelimit.units import Tokens

NOON = datetime(2026, 9, 20, 12, 0, tzinfo=UTC)


def call(begun: float, ended: float) -> Call:
    start, end = NOON + timedelta(seconds=begun), NOON + timedelta(seconds=ended)
    return Call("s", "openclaw", "ollama", "m", "ollama", "f", start, end, Outcome.DONE)


CALLS = (call(0, 20), call(60, 90), call(90, 120))


def sizes(made: float, **change: object) -> list[int | None]:
    known = Known(Tokens(50_000), "entry", Basis.DERIVED)
    estimate = replace(Estimate(NOON + timedelta(seconds=made), known, "ollama", "m", fits=True), **change)
    return [item.estimated_tokens for item in with_estimate(CALLS, estimate)]


def test_it_is_the_first_call_to_end_after_the_estimate() -> None:
    assert sizes(61) == [None, 50_000, None]
    assert sizes(58) == [None, 50_000, None], "the clock of a request may start after the estimate"
    assert sizes(91) == [None, None, 50_000]


def test_a_call_that_is_not_recorded_gives_its_estimate_to_no_other() -> None:
    assert sizes(25) == sizes(130) == [None, None, None]


def test_another_model_or_a_compaction_is_another_prompt() -> None:
    assert sizes(61, model="other") == sizes(61, fits=False) == [None, None, None]
    assert with_estimate(CALLS, None) == CALLS


def test_only_the_route_that_sends_the_prompt_as_it_was_fits() -> None:
    for route, fits in (("fits", True), ("compact_only", False), (None, False), (7, False)):
        status = {"updatedAt": 1_795_380_900_000, "estimatedPromptTokens": 50_000, "route": route}
        found = counters_of("k", {"sessionId": "s", "contextBudgetStatus": status}, "sessions.json")
        assert found is not None
        assert found.estimate is not None
        assert found.estimate.fits is fits
