"""Judges what is said of a provider's model: its window, its price, its free tier, and whether it still exists."""

from __future__ import annotations

from dataclasses import replace

from truelimit.claims.dates import told_date
from truelimit.claims.known import Known, not_checkable
from truelimit.claims.words import listed, short, usd
from truelimit.domain.calculation import Term, calculate, term
from truelimit.domain.claims import Assertion, Claim, Judgement, Quantity, Verdict
from truelimit.domain.cloud import CloudModel, FreeTier
from truelimit.domain.message import joined, said
from truelimit.domain.provenance import Basis

_ROUNDED = 0.05
_NO_MODEL = said("which provider's model is meant is not said, or no table knows it")
_CENT = 0.005


def judge_window(item: Assertion, known: Known) -> Judgement:
    """Return the judgement on a provider's window; outdated where the model is deprecated or ended."""
    model = known.cloud
    if model is None:
        return not_checkable(_NO_MODEL)
    if model.context is None:
        return _dated(not_checkable(said("the window of {id} is not in the table", id=model.id)), model, known)
    stated = Term("stated", item.high, "tokens", said("the claim"), Basis.ASSUMED)
    calculation = calculate("stated / window", "", stated, term("window", model.context, "tokens"))
    ratio = float(calculation.result)
    verdict = (
        Verdict.PLAUSIBLE if abs(ratio - 1) <= _ROUNDED else Verdict.CONTRADICTED if ratio > 1 else Verdict.UNDERSTATED
    )
    sentence = said(
        "{model} has a window of {context:,} tokens, the claim says {high}",
        model=model.name,
        context=model.context.value,
        high=short(item.high),
    )
    return _dated(Judgement(verdict, sentence, (calculation,), (model.context.where,)), model, known)


def judge_free(_item: Assertion, known: Known) -> Judgement:
    """Return the judgement on a free tier: whether there is one, and what it admits."""
    claim = known.claim
    model = known.cloud
    if model is None:
        return not_checkable(_NO_MODEL)
    tier = model.free_tier
    if tier is None:
        return _dated(_free_in_family(model, known), model, known)
    if tier.ended is not None:
        return Judgement(
            Verdict.OUTDATED,
            said(
                "the free tier of {model} ended on {ended}: {what}",
                model=model.name,
                ended=told_date(tier.ended),
                what=tier.what,
            ),
            sources=(tier.source,),
        )
    notes = tuple(_admits(claim, tier))
    return _dated(
        Judgement(
            Verdict.PLAUSIBLE,
            said("{model}: {what}", model=model.name, what=tier.what),
            sources=(tier.source,),
            notes=notes,
        ),
        model,
        known,
    )


def _free_in_family(model: CloudModel, known: Known) -> Judgement:
    """No free tier of the model itself: those of its family are named, with what is known of their end."""
    nothing = said("no free tier of {id} is known", id=model.id)
    kin = [(item, item.free_tier) for item in known.family if item.free_tier is not None and not item.free_tier.ended]
    if not kin:
        return not_checkable(nothing)
    told = joined("; ", (_free_kin(item, tier, known) for item, tier in kin))
    sources = tuple(tier.source for _, tier in kin)
    sentence = said("{nothing}, but of its family: {told}", nothing=nothing, told=told)
    return Judgement(Verdict.NOT_CHECKABLE, sentence, sources=sources)


def _free_kin(item: CloudModel, tier: FreeTier, known: Known) -> str:
    ended = _end(item, known)
    end = said(" ({ended})", ended=ended[0]) if ended else ""
    return said("{id}, {what}{end}", id=item.id, what=tier.what, end=end)


def _admits(claim: Claim, tier: FreeTier) -> list[str]:
    found: list[str] = []
    minute = tier.tokens_per_minute
    if minute is not None and claim.context and claim.context > minute.value:
        found.append(
            said(
                "a prompt of {context:,} tokens exceeds its {minute:,} tokens a minute ({where})",
                context=claim.context,
                minute=minute.value,
                where=minute.where,
            )
        )
    if tier.trains_on_prompts:
        found.append(said("by its terms prompts may be used to improve the provider's products"))
    return found


def judge_token_price(item: Assertion, known: Known) -> Judgement:
    """Return the judgement on USD for a million tokens: of any tier today, else of an earlier time."""
    model = known.cloud
    if model is None:
        return not_checkable(_NO_MODEL)
    now = _prices(model, item.quantity, known, current=True)
    if not now:
        return _dated(not_checkable(said("the price of {id} is not known", id=model.id)), model, known)
    prices = listed(
        usd(price) if above == 0 else said("{price} above {above:,} tokens", price=usd(price), above=above)
        for above, price in now
    )
    values = {"model": model.name, "prices": prices, "high": usd(item.high)}
    told = said("a million output tokens of {model} cost {prices}; the claim says {high}", **values)
    if item.quantity is Quantity.INPUT_PRICE:
        told = said("a million input tokens of {model} cost {prices}; the claim says {high}", **values)
    held = model.prices_on(known.today)
    sources = (held.source,) if held else ()
    if any(abs(price - item.high) < _CENT or abs(price - item.low) < _CENT for _, price in now):
        return _dated(Judgement(Verdict.PLAUSIBLE, told, sources=sources), model, known)
    before = _prices(model, item.quantity, known, current=False)
    verdict = Verdict.OUTDATED if any(abs(price - item.high) < _CENT for _, price in before) else Verdict.CONTRADICTED
    return Judgement(verdict, told, sources=sources)


def _prices(model: CloudModel, side: Quantity, known: Known, *, current: bool) -> list[tuple[int, float]]:
    held = model.prices_on(known.today)
    chosen = [held] if current else [item for item in model.prices if item is not held]
    tiers = [tier for item in chosen if item is not None for tier in item.tiers]
    pairs = [(tier.above, tier.input if side is Quantity.INPUT_PRICE else tier.output) for tier in tiers]
    return [(above, price) for above, price in pairs if price is not None]


def _dated(found: Judgement, model: CloudModel, known: Known) -> Judgement:
    """Make a judgement outdated where the model has ended or is deprecated; say when it ends, how old the entry is."""
    notes, sources = list(found.notes), list(found.sources)
    ended = _end(model, known)
    verdict, sentence = found.verdict, found.sentence
    if ended:
        sources.append(ended[1])
        if ended[2]:
            verdict, sentence = Verdict.OUTDATED, joined("; ", (ended[0], found.sentence))
        else:
            notes.append(ended[0])
    if model.is_stale(known.today):
        notes.append(said("the entry of {id} is {today} days old", id=model.id, today=model.age(known.today)))
    return replace(found, verdict=verdict, sentence=sentence, notes=tuple(notes), sources=tuple(dict.fromkeys(sources)))


def _end(model: CloudModel, known: Known) -> tuple[str, str, bool] | None:
    """What is known of a model's end: words, source, and whether it makes a claim outdated today."""
    next_one = said("; its successor is {successor}", successor=model.successor) if model.successor else ""
    if model.shutdown is not None:
        over = model.is_shut_down(known.today)
        word = said("was shut down") if over else said("will be shut down")
        if over or model.deprecated is None:
            return (
                said(
                    "{model} {word} on {date}{next_one}",
                    model=model.name,
                    word=word,
                    date=told_date(model.shutdown.date),
                    next_one=next_one,
                ),
                model.shutdown.source,
                over,
            )
    if model.deprecated is not None:
        when = said(" since {date}", date=told_date(model.deprecated.date)) if model.deprecated.date else ""
        return (
            said("{model} is deprecated{when}{next_one}", model=model.name, when=when, next_one=next_one),
            model.deprecated.source,
            True,
        )
    return None
