"""The words of advice: why a machine is on the list, what it cannot do, and the one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from truelimit.advice.nouns import Candidate, Limit, Performance, Recommended
from truelimit.advice.profile import Profile
from truelimit.domain.message import joined, said
from truelimit.units import to_gib


def because(item: Candidate, today: Candidate | None, rivals: Sequence[Candidate]) -> tuple[str, ...]:
    """Return what speaks for a machine: what it is best at on the front, and what it holds."""
    found: list[str] = [_job(performance) for performance in item.performances if performance.fits]
    if item.price and all(item.price.usd <= rival.price.usd for rival in rivals if rival.price):
        found.append(said("the lowest price on the front"))
    if all(item.memory >= rival.memory for rival in rivals):
        found.append(said("the most memory on the front"))
    if today is not None:
        gained = [
            p.job.model for p, q in zip(item.performances, today.performances, strict=True) if p.fits and not q.fits
        ]
        found += (
            [said("holds {gained}, which {today} does not", gained=joined(", ", gained), today=today.name)]
            if gained
            else []
        )
    return tuple(found)


def _job(item: Performance) -> str:
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


def cannot(item: Candidate, profile: Profile) -> tuple[str, ...]:
    """Return what a machine cannot do, or what is not known of it."""
    found: list[str] = []
    for performance in item.performances:
        job = performance.job
        what = said("{model} at {context:,} tokens", model=job.model, context=job.context)
        if performance.fits is False:
            found.append(said("{what} does not fit: {reason}", what=what, reason=performance.reason))
        elif performance.prefill is not None and performance.prefill.value > profile.deadline:
            found.append(
                said(
                    "a cold prompt of {what} takes {prefill:,.0f} s, over {deadline:,.0f} s",
                    what=what,
                    prefill=performance.prefill.value,
                    deadline=profile.deadline,
                )
            )
        elif performance.prefill is not None and performance.prefill.high > profile.deadline:
            most = said(
                "{high:,.0f} s, over {deadline:,.0f} s", high=performance.prefill.high, deadline=profile.deadline
            )
            found.append(
                said("a cold prompt of {what} may take up to {most}: measure before you buy", what=what, most=most)
            )
        elif performance.prefill is None:
            found.append(said("how fast it reads {what} is not known", what=what))
        found += _slow(performance, profile, what) + _outside(item, performance, what)
    found += [said("what it draws is not known, so the cost leaves power out")] if item.power is None else []
    found += [said("whether it is quiet is not known")] if profile.quiet and item.quiet is None else []
    return tuple(found)


def _slow(item: Performance, profile: Profile, what: str) -> list[str]:
    if item.decode is None or item.decode.value >= profile.least_decode:
        return []
    return [
        said(
            "it writes {what} at {rate:,.1f} tokens/s, less than {least:g}",
            what=what,
            rate=item.decode.value,
            least=profile.least_decode,
        )
    ]


def _outside(item: Candidate, performance: Performance, what: str) -> list[str]:
    """The price of cards holds no main memory: what a job puts there must be bought with the computer."""
    if not (item.cards_alone and performance.outside):
        return []
    held = to_gib(performance.outside)
    return [said("{held:,.1f} GiB of {what} lie in main memory, which is not in the price", held=held, what=what)]


def sentence(today: Candidate | None, limit: Limit, shortlist: tuple[Recommended, ...], *, keep: bool) -> str:
    """Return the one sentence that a person can act on."""
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
    price = (
        said("{usd:,.0f} USD ({date})", usd=item.price.usd, date=item.price.date)
        if item.price
        else said("price not known")
    )
    if item.cards_alone:
        many = item.cards > 1
        price = (
            said("{price} for the cards alone", price=price)
            if many
            else said("{price} for the card alone", price=price)
        )
    if item.no_longer_sold is not None:
        price = said("{price}, no longer sold since {no_longer_sold}", price=price, no_longer_sold=item.no_longer_sold)
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
