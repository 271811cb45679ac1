from __future__ import annotations

import pytest

from truelimit.adapters.agents.openclaw.prompt_size import PromptEvidence, prompt_of
from truelimit.adapters.files.error_texts import classify
from truelimit.domain.provenance import Basis, Known
from truelimit.units import Tokens

OVERFLOW = classify("request (146760 tokens) exceeds the available context size (131072 tokens)")
REPORTED = Known(Tokens(140_000), "sessions.json: totalTokens", Basis.REPORTED)
ESTIMATED = Known(Tokens(150_000), "estimate", Basis.DERIVED)


def _chars() -> int:
    raise AssertionError("text was measured although better evidence exists")


@pytest.mark.parametrize(
    ("evidence", "value", "basis"),
    [
        (PromptEvidence("t", 99, OVERFLOW, REPORTED, ESTIMATED, 5, added_chars=_chars), 99, Basis.REPORTED),
        (PromptEvidence("t", 0, OVERFLOW, REPORTED, ESTIMATED, 5, added_chars=_chars), 146_760, Basis.REPORTED),
        (PromptEvidence("t", 0, None, REPORTED, ESTIMATED, 5, added_chars=_chars), 140_000, Basis.REPORTED),
        (PromptEvidence("t", 0, None, None, ESTIMATED, 5, added_chars=_chars), 150_000, Basis.DERIVED),
        (PromptEvidence("t", 0, None, None, None, 91_304, 8000, 9, lambda: 82_535), 91_304 + 20_633, Basis.ASSUMED),
        (PromptEvidence("t", 0, None, None, None, None, 8000, 9, lambda: 403), 2100, Basis.ASSUMED),
        (PromptEvidence("t", 0, None, None, None, None, 0, 8700, lambda: 403), 8800, Basis.ASSUMED),
    ],
)
def test_the_best_evidence_wins(evidence: PromptEvidence, value: int, basis: Basis) -> None:
    known = prompt_of(evidence)
    assert known is not None
    assert (known.value, known.basis) == (value, basis)


def test_an_assumed_prompt_says_its_rule() -> None:
    known = prompt_of(PromptEvidence("f.jsonl: line 3", baseline=91_304, added_chars=lambda: 82_535, exact=False))
    assert known is not None
    assert known.where == (
        "f.jsonl: line 3: at least last counted prompt and answer, 91304 tokens, + 82535 characters / 4"
    )


def test_no_evidence_is_no_prompt() -> None:
    assert prompt_of(PromptEvidence("t")) is None
