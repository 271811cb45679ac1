"""Advice: keep what is owned unless something lifts what binds; the front is a front; the reasons add up."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from truelimit.advice.nouns import Candidate, Limit, Performance, Span
from truelimit.advice.pareto import front
from truelimit.advice.profile import Job, Profile
from truelimit.advice.recommend import decode_rate, prefill_seconds, recommend
from truelimit.domain.estimates import Tier
from truelimit.domain.machine import Price
from truelimit.domain.provenance import Basis
from truelimit.units import Bytes, Seconds, Tokens, Usd, Watts, from_gib

JOB = Job("coder-30b", Tokens(146_760))
PROFILE = Profile("test", (JOB,), budget=Usd(5000), today="owned")


def estimate(value: float) -> Span:
    return Span(value, value * 0.8, value * 1.2, Basis.ASSUMED, Tier.FAMILY)


def candidate(
    name: str, usd: float | None, *, fits: bool | None = True, seconds: float = 200, rate: float = 30
) -> Candidate:
    price = None if usd is None else Price(Usd(usd), "2026-10-01", name, "test")
    performance = Performance(JOB, fits, "too large", 0, None, estimate(rate), estimate(seconds))
    return Candidate(
        name, name, price, False, Watts(200), Bytes(from_gib(64)), ("linux",), ("cuda",), None, (performance,)
    )


def test_keeps_what_does_the_work() -> None:
    advice = recommend(PROFILE, candidate("owned", None), (candidate("faster", 1000, seconds=10),))
    assert advice.keep
    assert advice.limit_today is Limit.NONE
    assert advice.shortlist == ()
    assert advice.sentence == "Keep owned: nothing binds on it for this work."
    assert [item.why for item in advice.left_out] == ["nothing binds on the machine of today for this work"]


def test_keeps_when_nothing_improves_what_binds() -> None:
    slow = candidate("owned", None, seconds=800)
    advice = recommend(PROFILE, slow, (candidate("no-faster", 1000, seconds=700),))
    assert advice.keep
    assert advice.limit_today is Limit.TIME
    assert "less than 1.25 times" in advice.left_out[0].why


def test_a_machine_that_lifts_the_time_is_named_with_what_it_cannot() -> None:
    slow = candidate("owned", None, seconds=800)
    advice = recommend(PROFILE, slow, (candidate("faster", 3000, seconds=400), candidate("dear", 9000, seconds=20)))
    assert not advice.keep
    assert [item.candidate.id for item in advice.shortlist] == ["faster"]
    assert "400 s, over 300 s" in advice.shortlist[0].cannot[0]
    assert {item.id: item.detail for item in advice.left_out}["dear"] == "9,000 USD (2026-10-01)"


def test_memory_binds_before_time() -> None:
    small = candidate("owned", None, fits=False, seconds=800)
    advice = recommend(PROFILE, small, (candidate("large", 3000), candidate("fast-small", 2000, fits=False, seconds=1)))
    assert advice.limit_today is Limit.MEMORY
    assert [item.candidate.id for item in advice.shortlist] == ["large"]


def test_what_does_not_fit_has_no_speed() -> None:
    item = candidate("small", 100, fits=False)
    assert decode_rate(item) == 0
    assert prefill_seconds(item) == float("inf")


def test_conditions_leave_out_with_reasons() -> None:
    profile = replace(PROFILE, today=None, operating_systems=("macos",), backends=("metal",))
    advice = recommend(profile, None, (candidate("pc", 1000), candidate("unpriced", None)))
    assert [item.why for item in advice.left_out] == ["another operating system", "no dated price is known"]
    assert advice.sentence.startswith("Nothing in the tables")


def test_resale_raises_what_may_be_spent_and_lowers_the_cost() -> None:
    profile = replace(PROFILE, today=None, budget=Usd(1000), resale=Usd(500), hours_a_week=10.0)
    advice = recommend(profile, None, (candidate("pc", 1400),))
    cost = advice.shortlist[0].cost
    assert cost.result == 1400 - 500 + 200 / 1000 * 10 * 52 * 3 * 0.30


def test_power_that_is_not_known_is_left_out_and_said() -> None:
    item = replace(candidate("pc", 1400), power=None)
    advice = recommend(replace(PROFILE, today=None), None, (item,))
    assert advice.shortlist[0].cost.formula == "price - resale"
    assert "what it draws is not known, so the cost leaves power out" in advice.shortlist[0].cannot


def test_an_unknown_limit_is_said() -> None:
    unknown = candidate("owned", None, fits=None)
    advice = recommend(PROFILE, unknown, (candidate("pc", 1400),))
    assert advice.limit_today is Limit.UNKNOWN
    assert not advice.keep


def offloaded(name: str, usd: float | None, *, rate: float, seconds: float = 100, held: float = 40) -> Candidate:
    """A card that holds the model only with so many GiB of main memory, which its price leaves out."""
    item = candidate(name, usd, seconds=seconds, rate=rate)
    job = replace(item.performances[0], outside=from_gib(held))
    return replace(item, performances=(job,), cards_alone=True, main_memory=from_gib(64))


def test_a_model_that_crawls_in_main_memory_is_no_gain() -> None:
    small = candidate("owned", None, fits=False)
    cards, crawl = candidate("cards", 2600), offloaded("crawl", 250, rate=0.3)
    advice = recommend(PROFILE, small, (crawl, cards))
    assert [item.candidate.id for item in advice.shortlist] == ["cards"]
    (left,) = advice.left_out
    assert left.why == "part of the model would lie in main memory, and from there it writes less than 5 tokens/s"
    assert "writes 0.3 tokens/s" in left.detail
    assert recommend(PROFILE, small, (crawl,)).keep
    useful = recommend(PROFILE, small, (offloaded("experts", 250, rate=25), cards))
    assert [item.candidate.id for item in useful.shortlist] == ["experts", "cards"], "what can be worked with stays"
    assert "40.0 GiB of coder-30b" in useful.shortlist[0].cannot[0]
    assert "which is not in the price: 64 GiB are assumed" in useful.shortlist[0].cannot[0]


def test_the_headline_names_what_is_surely_missed_before_what_may_be() -> None:
    free = replace(PROFILE, today=None)
    # 270 s may be 324 s, over 300; 0.5 tokens/s is ten times too slow, and 40 GiB must be bought apart
    advice = recommend(free, None, (offloaded("crawl", 3200, rate=0.5, seconds=270),))
    first = advice.shortlist[0]
    assert advice.sentence == (
        "Nothing that meets these conditions does all of the work; crawl, 3,200 USD (2026-10-01) for the card alone, "
        f"comes nearest, but {first.cannot[0]}."
    )
    assert first.cannot[0] == "it writes coder-30b at 146,760 tokens at 0.5 tokens/s, less than 5"
    assert "not in the price" in first.cannot[1]
    assert "may take up to 324 s" in first.cannot[2]
    both = recommend(free, None, (offloaded("crawl", 3200, rate=0.5), offloaded("nearer", 4900, rate=3.1)))
    assert [item.candidate.id for item in both.shortlist] == ["nearer", "crawl"], "what falls short the least"
    late = recommend(free, None, (candidate("late", 900, seconds=3000, rate=4),))
    assert late.shortlist[0].cannot[0].startswith("a cold prompt of coder-30b at 146,760 tokens takes 3,000 s")


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5)), max_size=12))
def test_no_item_of_the_front_is_dominated_and_each_other_is(scores: list[tuple[int, int, int]]) -> None:
    items = list(enumerate(scores))
    best = front(items, lambda item: tuple(map(float, item[1])))

    def beats(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
        return all(x >= y for x, y in zip(a, b, strict=True)) and a != b

    assert not any(beats(a[1], b[1]) for a in items for b in best)
    assert all(any(beats(a[1], b[1]) or a[1] == b[1] for a in best) for b in items)


def test_the_deadline_is_the_profiles() -> None:
    patient = replace(PROFILE, deadline=Seconds(1000.0))
    assert recommend(patient, candidate("owned", None, seconds=800), ()).limit_today is Limit.NONE


def test_an_interval_that_crosses_the_deadline_is_told() -> None:
    near = candidate("near", 2000, seconds=270)
    advice = recommend(PROFILE, candidate("owned", None, seconds=800), (near,))
    assert "may take up to" in advice.shortlist[0].cannot[0]
    assert "measure before you buy" in advice.sentence


def test_what_surely_does_the_work_comes_before_what_may_miss_it() -> None:
    # within 300 s: 290 s may be 348 at the slow end, 200 s at most 240
    cheap, sure = candidate("cheap", 500, seconds=290), candidate("sure", 900, seconds=200, rate=40)
    advice = recommend(replace(PROFILE, today=None), None, (cheap, sure))
    assert [item.candidate.id for item in advice.shortlist] == ["sure", "cheap"]
    assert not advice.shortlist[0].cannot
    assert "may take up to 348 s" in advice.shortlist[1].cannot[0]
    late = candidate("late", 100, seconds=310)
    again = recommend(replace(PROFILE, today=None), None, (late, cheap, sure))
    assert [item.candidate.id for item in again.shortlist] == ["sure", "cheap", "late"]


def test_the_price_of_cards_alone_is_said_to_be_that() -> None:
    card = replace(candidate("card", 500), cards_alone=True)
    advice = recommend(replace(PROFILE, today=None), None, (card,))
    assert advice.sentence.startswith("card, 500 USD (2026-10-01) for the card alone: ")
    advice = recommend(replace(PROFILE, today=None), None, (replace(card, cards=2),))
    assert advice.sentence.startswith("card, 500 USD (2026-10-01) for the cards alone: ")
