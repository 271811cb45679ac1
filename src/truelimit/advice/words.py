"""The words of advice: why a machine is on the list, what it cannot do, and the one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from truelimit.advice.done import crawls
from truelimit.advice.missing import missing
from truelimit.advice.nouns import Candidate, Limit, Performance, Recommended
from truelimit.advice.profile import Profile
from truelimit.domain.message import Message, joined, said
from truelimit.units import to_gib


def because(item: Candidate, today: Candidate | None, rivals: Sequence[Candidate], profile: Profile) -> tuple[str, ...]:
    """Return what speaks for a machine: what it is best at on the front, and what it holds."""
    found: list[str] = [job_words(performance) for performance in item.performances if performance.fits]
    if item.price and all(item.price.usd <= rival.price.usd for rival in rivals if rival.price):
        found.append(said("the lowest price on the front"))
    if all(item.memory >= rival.memory for rival in rivals):
        found.append(said("the most memory on the front"))
    if today is not None:
        gained = [
            p.job.model
            for p, q in zip(item.performances, today.performances, strict=True)
            if p.fits and not q.fits and not crawls(p, profile)
        ]
        found += (
            [said("holds {gained}, which {today} does not", gained=joined(", ", gained), today=today.name)]
            if gained
            else []
        )
    return tuple(found)


def job_words(item: Performance) -> str:
    """Return how one job does, in words: how fast it is written and read, what is left, what lies where."""
    parts: list[str] = [said("{model} at {context:,} tokens", model=item.job.model, context=item.job.context)]
    if item.decode:
        parts.append(
            said(
                "writes {decode:,.1f} tokens/s ({low:,.1f} to {high:,.1f})",
                decode=item.decode.value,
                low=item.decode.low,
                high=item.decode.high,
            )
        )
    if item.prefill:
        parts.append(
            said(
                "reads a cold prompt in {prefill:,.0f} s ({low:,.0f} to {high:,.0f})",
                prefill=item.prefill.value,
                low=item.prefill.low,
                high=item.prefill.high,
            )
        )
    if item.headroom is not None:
        parts.append(said("{headroom:,.1f} GiB to spare", headroom=to_gib(item.headroom)))
    if item.reason:
        parts.append(item.reason)
    return joined(", ", parts)


def more_memory(today: Candidate, roomier: Candidate) -> str:
    """Return what the machine of today would hold with more main memory, and how that would do."""
    gained = [p for p, q in zip(roomier.performances, today.performances, strict=True) if p.fits and not q.fits]
    return said(
        "with {more:,.0f} GiB of main memory in place of {now:,.0f} it would hold: {jobs}; its price is not known",
        more=to_gib(roomier.main_memory or 0),
        now=to_gib(today.main_memory or 0),
        jobs=joined("; ", (job_words(job) for job in gained)),
    )


def memory_first(roomier: Candidate) -> str:
    """Return the sentence for a machine of today that needs nothing but main memory."""
    size = to_gib(roomier.main_memory or 0)
    return said("{today} with {size:,.0f} GiB of main memory would do the work.", today=roomier.name, size=size)


def cannot(item: Candidate, profile: Profile) -> tuple[str, ...]:
    """Return what a machine cannot do, or what is not known of it: what it surely misses first, the worst of all."""
    found = [told for job in item.performances for told in missing(item, job, profile)]
    texts = [text for _, text in sorted(found, key=lambda pair: pair[0])]
    texts += [said("what it draws is not known, so the cost leaves power out")] if item.power is None else []
    texts += [said("whether it is quiet is not known")] if profile.quiet and item.quiet is None else []
    return tuple(texts)


def _price(item: Candidate) -> Message:
    """What a machine costs, of when that is, what it is of, and whether it is still sold."""
    price = said("price not known")
    if item.price is not None:
        price = said("{usd:,.0f} USD ({date})", usd=item.price.usd, date=item.price.date)
    if item.cards_alone and item.cards > 1:
        price = said("{price} for the cards alone", price=price)
    elif item.cards_alone:
        price = said("{price} for the card alone", price=price)
    if item.no_longer_sold is None:
        return price
    return said("{price}, no longer sold since {no_longer_sold}", price=price, no_longer_sold=item.no_longer_sold)


def sentence(
    today: Candidate | None, limit: Limit, shortlist: tuple[Recommended, ...], *, keep: bool, nearest: bool = False
) -> str:
    """Return the one sentence that a person can act on. ``nearest``: the first of the list does not do all the work."""
    if keep and today is not None:
        if limit is Limit.NONE:
            return said("Keep {today}: nothing binds on it for this work.", today=today.name)
        return said(
            "Keep {today}: nothing within these conditions improves what binds ({limit}).",
            today=today.name,
            limit=limit,
        )
    if not shortlist:
        return said("Nothing in the tables meets these conditions; each machine's reason is below.")
    first = shortlist[0]
    item = first.candidate
    price = _price(item)
    if nearest and first.cannot:
        return said(
            "Nothing that meets these conditions does all of the work; {name}, {price}, comes nearest, but {cannot}.",
            name=item.name,
            price=price,
            cannot=first.cannot[0],
        )
    if first.cannot:
        return said(
            "{name}, {price}: the best that meets these conditions, but {cannot}.",
            name=item.name,
            price=price,
            cannot=first.cannot[0],
        )
    lifts = today is not None and limit is not Limit.UNKNOWN
    what = (
        said("it lifts what binds on {today} ({limit})", today=today.name, limit=limit)
        if today and lifts
        else said("it does the work")
    )
    return said("{name}, {price}: {what}.", name=item.name, price=price, what=what)
