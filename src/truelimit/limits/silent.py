"""Silent truncation: answered calls whose prompt the server had cut, found by log lines or by fingerprints.

A cut prompt comes back as HTTP 200; only its count tells. Ollama up to 0.24 keeps exactly num_ctx tokens, 0.30.0 to
0.30.8 one less, from 0.30.11 half of it plus 2 (give or take one token); 0.30.9 and 0.30.10 answer 400, and so does
llama-server (read in its source and measured on 0.11.4, 0.24.0 and 0.33.0-rc2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from truelimit.domain.calculation import Calculation, Term, calculate, term
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.domain.server import Engine, Event, MessagesDropped, PromptTruncated, Server, ServerKind
from truelimit.domain.session import Call, Outcome
from truelimit.limits.log_events import of_kinds
from truelimit.limits.ollama_version import ollama_version

if TYPE_CHECKING:
    from truelimit.units import Tokens

SAME_COUNT_TURNS = 3  # answered turns in a row with one and the same count: no conversation does that


def truncation_events(events: Sequence[Event]) -> list[PromptTruncated | MessagesDropped]:
    """Return the events in which the server cut a prompt."""
    return of_kinds(events, PromptTruncated, MessagesDropped)


def fingerprint(call: Call, served: Known[Tokens] | None, server: Server | None) -> tuple[str, Calculation] | None:
    """Return what betrays an answered call as cut, and the calculation, or None."""
    counted = call.prompt_tokens
    if call.outcome is not Outcome.DONE or counted is None or served is None or server is None:
        return None
    for formula, marks, words in _marks(served.value, server):
        if counted.value in marks:
            terms = (term("prompt_tokens", counted, "tokens"), term("served_context", served, "tokens"))
            return words, calculate(f"prompt_tokens - {formula}", "tokens", *terms)
    return None


def cut_counts(served: Known[Tokens] | None, server: Server | None) -> frozenset[int]:
    """Return all counts for which ``fingerprint`` may betray a call as cut."""
    if served is None or server is None:
        return frozenset()
    return frozenset(count for _, marks, _ in _marks(served.value, server) for count in marks)


def _marks(served: int, server: Server) -> list[tuple[str, set[int], str]]:
    """The counts that a cut leaves behind, by version."""
    if server.kind is not ServerKind.OLLAMA:
        return []
    whole = ("served_context", {served}, said("the count is the served context to the token"))
    less = ("(served_context - 1)", {served - 1}, said("the count is one less than the served context"))
    half = served // 2 + 2
    halved = (
        "(served_context / 2 + 2)",
        {half - 1, half, half + 1},
        said("the count is half of the served context plus 2"),
    )
    version = ollama_version(server)
    if server.engine is Engine.OLLAMA_RUNNER or (version is not None and version < (0, 30, 0)):
        return [whole]
    if version is None:
        return [whole, halved]
    if version <= (0, 30, 8):
        return [less]
    return [halved] if version >= (0, 30, 11) else []


def constant_runs(calls: Sequence[Call]) -> list[list[Call]]:
    """Return runs of answered calls of one session, 3 or more, whose prompts all count the same round number."""
    runs: list[list[Call]] = []
    run: list[Call] = []
    for call in calls:
        known = call.prompt_tokens
        if known is None or not _is_round(known.value) or not known.value or call.outcome is not Outcome.DONE:
            run = []
        elif run and run[-1].prompt_tokens is not None and run[-1].prompt_tokens.value == known.value:
            run.append(call)
        else:
            run = [call]
            runs.append(run)
    return [found for found in runs if len(found) >= SAME_COUNT_TURNS]


def _is_round(count: int) -> bool:
    """Whether a count is a usual context, or half of one plus 2."""
    return count % 1024 in {0, 2}


def constant_calculation(run: Sequence[Call]) -> Calculation:
    """Return the growth of the prompt over a run: 0 tokens where each turn should have added some."""
    first, last = run[0].prompt_tokens, run[-1].prompt_tokens
    terms = [
        Term(name, known.value if known else 0, "tokens", known.where if known else call.where, Basis.REPORTED)
        for name, known, call in (("last_prompt", last, run[-1]), ("first_prompt", first, run[0]))
    ]
    return calculate("last_prompt - first_prompt", "tokens", *terms)


def event_calculation(event: PromptTruncated) -> Calculation:
    """Return how many tokens the server cut away."""
    prompt = Term("prompt_tokens", event.prompt, "tokens", event.where, Basis.REPORTED)
    kept = Term("kept_tokens", event.kept, "tokens", event.where, Basis.REPORTED)
    return calculate("prompt_tokens - kept_tokens", "tokens", prompt, kept)
