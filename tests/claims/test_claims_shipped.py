"""The shipped claims come out as physics, published runs and dated tables say. No verdict is stored anywhere."""

from __future__ import annotations

from datetime import date
from functools import cache

import pytest

from truelimit.app.audit import audit
from truelimit.app.cloud import CloudTable
from truelimit.domain.calculation import evaluate
from truelimit.domain.claims import Audited, StatedClaim
from truelimit.tables.claims import shipped_claims
from truelimit.tables.cloud import overlay
from truelimit.tables.shelf import Shelf

TODAY = date(2026, 11, 25)
EXPECTED = {
    "1": "outdated", "2": "plausible", "3": "plausible", "4": "impossible-as-stated", "5": "plausible",
    "6": "outdated", "7": "contradicted", "8": "contradicted", "9": "outdated", "10": "plausible",
    "11": "contradicted", "12": "impossible-as-stated", "13": "plausible", "14": "plausible", "15": "not-checkable",
    "16": "not-checkable", "17": "plausible", "18": "plausible", "19": "plausible", "20": "not-checkable",
    "21": "impossible-as-stated", "22": "contradicted", "23": "impossible-as-stated", "24": "plausible",
    "25": "not-checkable", "26": "contradicted", "27": "plausible", "28": "plausible", "29": "plausible",
    "30": "contradicted", "31": "plausible", "32": "contradicted", "32b": "plausible", "33": "plausible",
    "34": "outdated", "35": "plausible",
    "P1": "impossible-as-stated", "P2": "impossible-as-stated", "P3": "impossible-as-stated", "P4": "not-checkable",
    "P5": "impossible-as-stated", "P6": "impossible-as-stated", "P7": "understated", "P8": "impossible-as-stated",
    "P9": "contradicted", "P10": "impossible-as-stated", "P11": "understated", "P12": "contradicted",
    "P13": "contradicted",
}  # fmt: skip
CEILINGS = {"4": 6.4, "12": 19.3, "21": 62.7, "23": 6.0, "P1": 6.0, "P2": 12.8, "P5": 38.6}
SECOND = {"21": 66.7}


def audited(stated: tuple[StatedClaim, ...], today: date = TODAY) -> list[Audited]:
    return list(audit(stated, Shelf(), CloudTable(overlay()), today))


@cache
def shipped() -> dict[str, Audited]:
    return {item.stated.number or "": item for item in audited(shipped_claims())}


@pytest.mark.parametrize(("number", "verdict"), EXPECTED.items())
def test_a_claim_has_the_verdict_that_follows_from_the_facts(number: str, verdict: str) -> None:
    found = shipped()[number]
    assert found.verdict.value == verdict, found.sentence


def test_a_rate_with_sparsity_is_told_as_such() -> None:
    found = shipped()["V3"]
    assert found.verdict.value == "plausible"
    assert "only with 2:4 sparsity" in found.sentence
    assert "dense it is 1,677 TFLOPS" in found.sentence


def test_a_free_model_of_the_family_is_named() -> None:
    (found,) = audited((StatedClaim("Devstral is free"),))
    assert found.verdict.value == "outdated"
    assert "of its family: labs-devstral-small-2512, labs models cost nothing" in found.sentence
    assert "Devstral Small 2 (labs) is deprecated" in found.sentence


def test_every_claim_of_the_episode_is_expected_here() -> None:
    assert {number for number in shipped() if not number.startswith("V")} == set(EXPECTED)


def test_no_claim_of_a_maker_is_impossible() -> None:
    assert [
        item.claim.text for number, item in shipped().items() if number[0] == "V" and "impossible" in item.verdict
    ] == []


@pytest.mark.parametrize(("number", "ceiling"), CEILINGS.items())
def test_the_ceiling_is_bandwidth_over_bytes(number: str, ceiling: float) -> None:
    calculation = shipped()[number].calculation
    assert calculation is not None
    assert round(calculation.result, 1) == ceiling
    assert calculation.formula.startswith("bandwidth / bytes_read")


@pytest.mark.parametrize(("number", "ceiling"), SECOND.items())
def test_the_smaller_quantisation_stands_beside_it(number: str, ceiling: float) -> None:
    assert round(shipped()[number].parts[0].judgement.calculations[1].result, 1) == ceiling


def test_the_factor_is_that_of_both_ends() -> None:
    assert "3.9 to 7.8 times the ceiling of 6.4" in shipped()["4"].sentence
    assert "1.04 to 1.66 times the ceiling of 19.3" in shipped()["12"].sentence
    assert "the upper part" in shipped()["23"].sentence


def test_what_would_make_it_possible_is_computed() -> None:
    """A factor within what multi-token prediction gave offers it; a factor of seven does not."""
    assert any("speculation" in text for text in shipped()["23"].parts[0].judgement.remedies)
    assert not any("speculation" in text for text in shipped()["4"].parts[0].judgement.remedies)
    assert all(item.judgement.remedies for number in CEILINGS for item in shipped()[number].parts)


def test_measured_runs_are_told_with_their_source() -> None:
    assert "measured 4.1 to 4.7" in shipped()["4"].sentence
    assert any("geerlingguy" in source for source in shipped()["4"].sources)


def test_a_size_that_stands_for_two_models_is_judged_apart() -> None:
    sentence = shipped()["22"].sentence
    assert sentence.startswith("wrong both ways")
    assert "47.9 to 82.2" in sentence
    assert "ceiling of 13.9" in sentence


def test_every_printed_calculation_gives_its_result() -> None:
    for item in shipped().values():
        for part in item.parts:
            for calc in part.judgement.calculations:
                values = {term.name: term.value for term in calc.terms}
                assert evaluate(calc.formula, values) == pytest.approx(calc.result), item.claim.text


def test_every_claim_but_the_unreadable_names_a_source() -> None:
    bare = [
        item.claim.text for item in shipped().values() if not item.sources and item.verdict.value != "not-checkable"
    ]
    assert bare == []


def test_the_end_of_a_model_makes_a_claim_outdated_on_its_day() -> None:
    claim = (StatedClaim("Gemini 2.5 Pro: 1M context"),)
    assert audited(claim, date(2026, 11, 30))[0].verdict.value == "plausible"
    assert audited(claim, date(2026, 12, 1))[0].verdict.value == "outdated"


def test_a_price_that_was_right_is_outdated_not_wrong() -> None:
    before, after = (audited((StatedClaim(text),))[0] for text in ("DGX Spark costs $3,999", "DGX Spark costs $900"))
    assert (before.verdict.value, after.verdict.value) == ("outdated", "contradicted")
    assert "6,950" in before.sentence


def test_an_old_entry_says_so() -> None:
    (found,) = audited((StatedClaim("Mistral Medium 3.5: 262K context via API"),), date(2027, 6, 1))
    assert any("days old" in note for part in found.parts for note in part.judgement.notes)
