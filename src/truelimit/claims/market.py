"""Judges prices: each has a date, and an old one is not a wrong one but outdated."""

from __future__ import annotations

import re
from collections.abc import Sequence

from truelimit.claims.dates import age_in_days, told_date
from truelimit.claims.known import Known, not_checkable
from truelimit.claims.specification import offered, sold_with
from truelimit.claims.words import listed, short, sold, usd
from truelimit.domain.calculation import Calculation, Term, calculate
from truelimit.domain.claims import Assertion, Claim, Judgement, Verdict, Withdrawal
from truelimit.domain.cloud import STALE_DAYS
from truelimit.domain.machine import Price
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis
from truelimit.units import to_gib

_CLOSE = 0.1
_MEMORY = re.compile(r"(?<![\d.])(\d{1,4}) GB\b")


def judge(item: Assertion, known: Known) -> Judgement:
    """Return the judgement on the price of a machine, with as many boxes and as much memory as the claim names."""
    claim = known.claim
    subject = known.subject
    if subject is None:
        return not_checkable(said("which machine is meant is not said, or no table knows it"))
    if not offered(claim.memory, known):
        says = said(
            "there is no {subject} with {memory}: it was sold with {known}",
            subject=subject.name,
            memory=sold(claim.memory or 0),
            known=sold_with(known),
        )
        return Judgement(
            Verdict.CONTRADICTED, says + _bought(item, known), sources=_sources(subject.prices), notes=subject.notes
        )
    prices = _of_configuration(claim, subject.prices)
    gone = _withdrawn(claim, known)
    if gone is not None:
        return _not_sold(known, prices, gone)
    if not prices:
        return not_checkable(
            said("no dated price of {subject} is known{claim}", subject=subject.name, claim=_with_memory(claim)),
            *subject.notes,
        )
    return _against(item, known, prices, subject.boxes)


def _with_memory(claim: Claim) -> str:
    return said(" with {memory}", memory=sold(claim.memory)) if claim.memory else ""


def _bought(item: Assertion, known: Known) -> str:
    """What the stated price did buy, where a dated price is close to it."""
    prices = known.subject.prices if known.subject else ()
    close = [price for price in prices if _near(item, price.usd)]
    return (
        said("; {high} bought {what} ({date})", high=usd(item.high), what=close[0].what, date=told_date(close[0].date))
        if close
        else ""
    )


def _of_configuration(claim: Claim, prices: Sequence[Price]) -> tuple[Price, ...]:
    """The prices of the memory that the claim names; those that name none count where there is no other. By time."""
    wanted = None if claim.memory is None else round(to_gib(claim.memory))
    told = [(price, {int(size) for size in _MEMORY.findall(price.what)}) for price in prices]
    exact = [price for price, sizes in told if wanted in sizes]
    kept = exact or [price for price, sizes in told if wanted is None or not sizes]
    return tuple(sorted(kept, key=lambda price: price.date))


def _withdrawn(claim: Claim, known: Known) -> Withdrawal | None:
    device = known.subject.device if known.subject else None
    if device is None or claim.memory is None:
        return None
    for item in known.withdrawn:
        same = item.device == device.id and abs(item.memory - claim.memory) <= 0.03 * item.memory
        if same and age_in_days(item.date, known.today) >= 0:
            return item
    return None


def _not_sold(known: Known, prices: Sequence[Price], gone: Withdrawal) -> Judgement:
    name = known.subject.name if known.subject else ""
    last = said("; last seen at {prices}", prices=_listed(prices[-1:])) if prices else ""
    sentence = said(
        "{name} with {memory} is not sold since {date}{last}",
        name=name,
        memory=sold(gone.memory),
        date=told_date(gone.date),
        last=last,
    )
    return Judgement(Verdict.OUTDATED, sentence, sources=(gone.source, *_sources(prices)))


def _against(item: Assertion, known: Known, prices: Sequence[Price], boxes: int) -> Judgement:
    latest = [price for price in prices if price.date == prices[-1].date]
    calculation = _calculation(latest[-1], boxes)
    notes = _age(latest[-1], known)
    sources = _sources(prices)
    name = known.subject.name if known.subject else ""
    history = said("{name}: {prices}", name=name, prices=_listed(prices))
    history += (
        said("; {boxes} of them {result}", boxes=boxes, result=usd(float(calculation.result))) if boxes > 1 else ""
    )
    verdict, words = _held(item, prices, latest, boxes)
    return Judgement(
        verdict,
        said("{price} {words}; {history}", price=_said(item), words=words, history=history),
        (calculation,),
        sources,
        notes=notes,
    )


def _held(item: Assertion, prices: Sequence[Price], latest: Sequence[Price], boxes: int) -> tuple[Verdict, str]:
    """Whether a stated price is the latest one, was one earlier, or never was; with the words for it."""
    if _overlaps(item, min(p.usd for p in latest) * boxes, max(p.usd for p in latest) * boxes):
        return Verdict.PLAUSIBLE, said("agrees with the latest price")
    older = [price for price in prices if price not in latest and _near(item, price.usd * boxes)]
    if older:
        return Verdict.OUTDATED, said("was the price of {date}", date=told_date(older[-1].date))
    if len(prices) > len(latest) and _between(item, prices, boxes):
        return Verdict.OUTDATED, said("lies among earlier prices")
    return Verdict.CONTRADICTED, said("is not what was asked for it")


def _calculation(price: Price, boxes: int) -> Calculation:
    source = f"{price.what}, {price.date}: {price.source}"
    one = Term("price", price.usd, "USD", source, Basis.REPORTED)
    return calculate("price * boxes", "USD", one, Term("boxes", boxes, "", said("the claim"), Basis.SPECIFIED))


def _age(price: Price, known: Known) -> tuple[str, ...]:
    days = age_in_days(price.date, known.today)
    return (said("the latest price known is {days} days old", days=days),) if days > STALE_DAYS else ()


def _overlaps(item: Assertion, low: float, high: float) -> bool:
    top = float("inf") if item.open else item.high
    return top >= low * (1 - _CLOSE) and item.low <= high * (1 + _CLOSE)


def _near(item: Assertion, price: float) -> bool:
    return _overlaps(item, price, price)


def _between(item: Assertion, prices: Sequence[Price], boxes: int) -> bool:
    """Whether a price moved through the stated one."""
    every = [price.usd * boxes for price in prices]
    return min(every) <= item.high and item.low <= max(every)


def _said(item: Assertion) -> str:
    return usd(item.low) if item.low == item.high else said("{low} to {high}", low=usd(item.low), high=short(item.high))


def _listed(prices: Sequence[Price]) -> str:
    return listed(
        said("{price} ({what}, {date})", price=usd(price.usd), what=price.what, date=told_date(price.date))
        for price in prices
    )


def _sources(prices: Sequence[Price]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(price.source for price in prices))
