"""Messages that Ollama dropped whole: told where the agent's estimate and the counts agree, and never by one alone."""

from __future__ import annotations

from typing import Any

import pytest
from limits_builders import call, definition, llama_server, ollama, stack

from truelimit.domain.calculation import evaluate
from truelimit.domain.session import Call, Cause, ErrorKind, Incident
from truelimit.limits.view import view

SERVED, ESTIMATE = 32_768, 60_000
COUNTS = (20_000, 24_000, 28_000, 32_500, 31_900)  # grows by 4,000 and 4,500 a turn, then stops below what is served


def talk(*counts: int, estimate: int | None = ESTIMATE, **last: Any) -> list[Call]:
    calls = [call(60 * number, 20, prompt=count) for number, count in enumerate(counts[:-1])]
    return [*calls, call(6000, 20, **({"prompt": counts[-1], "estimated_tokens": estimate} | last))]


def cuts(calls: list[Call], **extra: Any) -> list[Incident]:
    fields = {"server": ollama(definition(num_ctx=SERVED)), "definition": definition(num_ctx=SERVED)} | extra
    found = view(stack(calls=tuple(calls), **fields)).incidents
    return [item for item in found if item.cause is Cause.TRUNCATION]


def test_a_conversation_that_stops_growing_below_what_is_served_was_cut() -> None:
    (found,) = cuts(talk(*COUNTS))
    (sum_,) = found.calculations
    assert sum_.formula == "0.75 * estimated_tokens - served_context"
    assert sum_.result == evaluate(sum_.formula, {item.name: item.value for item in sum_.terms}) == 45_000 - 32_768
    assert found.prompt_tokens is not None
    assert found.prompt_tokens.value == 31_900, "an estimate is no size"
    assert "estimated 60,000 tokens" in found.reasons[0]
    assert "no more than the 32,500 before" in found.reasons[0]


@pytest.mark.parametrize(
    ("why", "calls"),
    [
        ("no estimate", talk(*COUNTS, estimate=None)),
        ("the estimate less a quarter is served", talk(*COUNTS, estimate=43_000)),
        ("the prompt still grows: only the estimate is off", talk(20_000, 24_000, 28_000, 32_500)),
        ("far below what is served: only the estimate is off", talk(20_000, 24_000, 21_000)),
        ("more than is served: another context was in force", talk(20_000, 24_000, 40_000, 39_000)),
        ("no turn is known to have added anything", talk(32_600, 32_500)),
        ("the first call", talk(32_500)),
        ("a failed call", talk(*COUNTS, error=ErrorKind.TIMEOUT)),
        ("a huge turn excuses no distance", talk(1_000, 25_000, 24_000)),
    ],
)
def test_one_sign_alone_tells_nothing(why: str, calls: list[Call]) -> None:
    assert cuts(calls) == [], why


def test_llama_server_drops_nothing() -> None:
    assert cuts(talk(*COUNTS), server=llama_server(SERVED), definition=None) == []
