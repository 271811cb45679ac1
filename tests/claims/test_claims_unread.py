"""What is not read is never judged plausible, but named, with the nearest unit or machine; rates are no windows."""

from __future__ import annotations

from datetime import date

import pytest

from truelimit.app.audit import audit
from truelimit.app.cloud import CloudTable
from truelimit.claims import unread
from truelimit.claims.words import beside, short
from truelimit.domain.claims import Audited, Quantity, StatedClaim, Subject, Verdict
from truelimit.tables.shelf import Shelf
from truelimit.units import Bytes

SHELF = Shelf()


def audited(text: str) -> Audited:
    return next(iter(audit((StatedClaim(text),), SHELF, CloudTable(()), date(2026, 11, 25))))


@pytest.mark.parametrize(
    ("text", "named", "nearest"),
    [
        ("70B Q4 at -5 tok/s on dgx-spark", "-5 tok/s", "above 0"),
        ("70B at 0 tok/s on dgx-spark", "0 tok/s", "above 0"),
        ("8B at 0 tok/s on RTX 4090", "0 tok/s", "above 0"),
        ("8B at .0 tok/s on RTX 4090", "0 tok/s", "above 0"),
        ("70B weights 0 GB", "0 GB", "above 0"),
        ("Llama 3.1 405B Q4 = 0.0 GB", "0.0 GB", "above 0"),
        ("70B fits in 0 GB", "0 GB", "above 0"),
        ("Llama 3.1 8B takes 0 to 0 GB", "0 to 0 GB", "above 0"),
        ("8B KV cache 0 GB at 8K context", "0 GB", "above 0"),
        ("Qwen3-Coder-30B-A3B reads a prompt of 32K in 0 s on RTX 4090", "0 s", "above 0"),
        ("RTX 4090: 0 GB/s", "0 GB/s", "above 0"),
        ("RTX 4090: 0 TFLOPS", "0 TFLOPS", "above 0"),
        ("DGX Spark costs $0", "$0", "above 0"),
        ("70B Q4 at inf tok/s on dgx-spark", "inf tok/s", "a plain number"),
        ("70B Q4 at infinite tokens per second on dgx-spark", "infinite tokens per second", "a plain number"),
        ("70B Q4 at \u221e tok/s on dgx-spark", "\u221e tok/s", "a plain number"),
        ("70B Q4 at NaN tok/s on dgx-spark", "NaN tok/s", "a plain number"),
        ("70B Q4 at 1e400 tok/s on dgx-spark", "1e400 tok/s", "a plain number"),
        ("70B Q4 at 99999999999999999999 tok/s on dgx-spark", "99999999999999999999 tok/s", "a plain number"),
        ("70B at 50 MB/s on dgx-spark", "50 MB/s", "nearest: TB/s, GB/s"),
        ("RTX 4090: 1.3 PB/s", "1.3 PB/s", "nearest: TB/s, GB/s"),
        ("M3 Ultra: 819 Mbit/s", "819 Mbit/s", "nearest: TB/s, GB/s"),
        ("DGX Spark costs 4000 EUR", "4000 EUR", "USD"),
        ("DGX Spark costs -$4000", "-$4000", "above 0"),
        ("DGX Spark costs 4000 zloty", "4000 zloty", "USD"),
        ("70B Q4 at 40 words/s on dgx-spark", "40 words/s", "nearest: tok/s"),
        ("70B Q4 at 40 tokns/s on dgx-spark", "40 tokns/s", "nearest: tok/s"),
        ("70B Q4 at 40 tokens per watt on dgx-spark", "40 tokens per watt", "tok/s"),
        ("70B Q4 at 40 tokens a week on dgx-spark", "40 tokens a week", "tok/s"),
        ("70B Q4 at 40 on dgx-spark", "40 was not read", "tok/s"),
        ("RTX 4090 runs 8B Q4 and draws 450 watts", "450 watts", "tok/s"),
    ],
)
def test_what_is_not_read_is_named_and_nothing_is_judged(text: str, named: str, nearest: str) -> None:
    found = audited(text)
    assert found.verdict is Verdict.NOT_CHECKABLE, found.sentence
    assert named in found.sentence
    assert nearest in found.sentence
    assert found.calculation is None


class Broken(Shelf):
    """A shelf that fails on one machine, as an unforeseen case would."""

    def subject(self, name: str, count: int, memory: Bytes | None) -> Subject | None:
        if name == "rtx-4090":
            raise ZeroDivisionError
        return super().subject(name, count, memory)


def test_a_fault_on_one_claim_leaves_the_others_judged() -> None:
    stated = [StatedClaim("8B at 90 tok/s on RTX 4090"), StatedClaim("70B Q4 at 40 tok/s on dgx-spark")]
    failed, judged = audit(stated, Broken(), CloudTable(()), date(2026, 11, 25))
    assert failed.verdict is Verdict.NOT_CHECKABLE
    assert "a fault of truelimit" in failed.sentence
    assert judged.verdict is Verdict.IMPOSSIBLE


@pytest.mark.parametrize("text", ["70B weights 42.0 GB", "70B Q4 at 40 tok/s on dgx-spark", "RTX 5090 costs $0.50"])
def test_a_number_that_ends_or_begins_with_a_zero_is_read(text: str) -> None:
    assert not audited(text).claim.misread


def test_a_claim_that_is_read_in_part_is_not_plausible() -> None:
    found = audited("DGX Spark: 273 GB/s, costs 4000 EUR")
    assert found.verdict is Verdict.NOT_CHECKABLE
    assert found.sentence.startswith("4000 EUR was not read")
    assert found.parts[0].judgement.verdict is Verdict.PLAUSIBLE


def test_a_year_leaves_a_claim_as_it_is() -> None:
    assert audited("70B Q4 runs on dgx-spark since 2025").verdict is Verdict.PLAUSIBLE


@pytest.mark.parametrize(("time", "rate"), [("minute", 2.0), ("hour", 1 / 30), ("day", 1 / 720)])
def test_a_rate_of_a_longer_time_is_converted_and_is_no_window(time: str, rate: float) -> None:
    found = audited(f"70B Q4 at 120 tokens per {time} on dgx-spark")
    assert [item.assertion.quantity for item in found.parts] == [Quantity.DECODE]
    assert found.claim.context is None
    assert found.parts[0].assertion.low == pytest.approx(rate)


@pytest.mark.parametrize("text", ["7B at 60 tok/s on 5091 at 32k context", "7B Q4 at 60 tok/s on the 5091 with MTP"])
def test_a_bare_number_that_is_no_card_is_offered_the_nearest(text: str) -> None:
    found = audited(text)
    assert found.verdict is Verdict.NOT_CHECKABLE
    assert "machine '5091' is not in the tables; nearest: rtx-5090" in found.sentence
    assert found.claim.context == (32_768 if "32k" in text else None)


@pytest.mark.parametrize("text", ["70B at 4 tok/s on 273 GB/s", "405B runs on 128 GB", "70B at 4 tok/s on dgx-spark"])
def test_a_size_after_on_is_no_machine(text: str) -> None:
    assert audited(text).claim.unknown == ()


@pytest.mark.parametrize("text", ["5 tok/s", "-5 tok/s", "40", "$1.85", "7 \u20ac", "50 MB/s", "3 frobs"])
def test_every_number_that_is_not_read_gets_a_reason(text: str) -> None:
    assert unread.why(text).startswith(f"{text} was not read: ")


@pytest.mark.parametrize(
    ("number", "other", "told"),
    [
        (2.257, 2.3, "2.26"),
        (6.422, 40.0, "6.4"),
        (2.3, 2.3, "2.3"),
        (1999.6, 2000, "1,999.6"),
        (0.00046, 4.0, "0.00046"),
    ],
)
def test_a_limit_has_as_many_digits_as_tell_it_from_the_claim(number: float, other: float, told: str) -> None:
    assert beside(number, other) == told
    assert beside(number, other) != short(other) or number == other
