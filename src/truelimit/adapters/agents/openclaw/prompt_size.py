"""How large a call's prompt was, from the best evidence that the call left.

A failed call records a usage of 0. Its prompt is then known from the error text, from the agent's counters, or it is
estimated from the last counted prompt and the text that was added since, at four characters a token.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.domain.session import CallError
from truelimit.units import Tokens

CHARS_PER_TOKEN = 4
# What "hello" costs with an empty workspace: 34.9 kB of request in 2026.2.17 (bytes / 4), 9,958 counted in 2026.9.6.
FLOOR_FEBRUARY = 8_700
FLOOR_SEPTEMBER = 9_950


@dataclass(frozen=True, slots=True)
class PromptEvidence:
    """What one call left behind. ``where`` is its place.

    ``counted``: tokens in its usage (0: none). ``reported``: the agent's counter for this very call. ``estimated``: the
    agent's own estimate before sending. ``baseline``: tokens of the last counted prompt and its answer, still part of
    this one (None: no such prompt). ``fixed_chars``: characters of system prompt and tools, for a prompt without a
    baseline; ``floor``: the tokens to take for them where they are not known. ``added_chars`` measures the text that is
    not in the baseline and may read a file; ``exact`` is False when some of it could not be measured.
    """

    where: str
    counted: int = 0
    error: CallError | None = None
    reported: Known[Tokens] | None = None
    estimated: Known[Tokens] | None = None
    baseline: int | None = None
    fixed_chars: int = 0
    floor: int = 0
    added_chars: Callable[[], int] = int
    exact: bool = True


def counted_prompt(tokens: int, where: str) -> Known[Tokens]:
    """Return a prompt whose tokens the call's own usage counted."""
    return Known(Tokens(tokens), f"{where}: usage", Basis.REPORTED)


def prompt_of(evidence: PromptEvidence) -> Known[Tokens] | None:
    """Return the tokens of a prompt by the most trusted evidence, or None when there is none.

    In this order: usage (REPORTED), the number in the error text (REPORTED), the agent's counter (REPORTED), the
    agent's estimate (DERIVED), the last counted prompt plus added characters / 4 (ASSUMED), all known characters / 4
    plus system prompt and tools, which no transcript holds: by the agent's report, else the floor of its generation
    (ASSUMED).
    """
    if evidence.counted > 0:
        return counted_prompt(evidence.counted, evidence.where)
    if evidence.error is not None and evidence.error.prompt:
        return Known(evidence.error.prompt, said("{where}: error text", where=evidence.where), Basis.REPORTED)
    return evidence.reported or evidence.estimated or _assumed(evidence)


def _assumed(evidence: PromptEvidence) -> Known[Tokens] | None:
    added = max(0, evidence.added_chars())
    at_least = "" if evidence.exact else said("at least ")
    if evidence.baseline is not None:
        tokens = evidence.baseline + added // CHARS_PER_TOKEN
        rule = said(
            "{at_least}last counted prompt and answer, {baseline} tokens, + {added} characters / 4",
            at_least=at_least,
            baseline=evidence.baseline,
            added=added,
        )
    else:
        tokens = added // CHARS_PER_TOKEN + (evidence.fixed_chars // CHARS_PER_TOKEN or evidence.floor)
        rule = said("at least {added} characters / 4 + {evidence}", added=added, evidence=_fixed(evidence))
    return Known(Tokens(tokens), f"{evidence.where}: {rule}", Basis.ASSUMED) if tokens > 0 else None


def _fixed(evidence: PromptEvidence) -> str:
    if evidence.fixed_chars:
        return said("{fixed_chars} characters of system prompt and tools / 4", fixed_chars=evidence.fixed_chars)
    return said(
        "{floor} tokens of system prompt and tools, as measured for this generation with an empty workspace",
        floor=evidence.floor,
    )
