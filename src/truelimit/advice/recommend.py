"""Recommend: keep what is owned unless something improves the limit that binds; else the Pareto front, explained."""

from __future__ import annotations

import math

from truelimit.advice.binding import binding
from truelimit.advice.cost import total_cost
from truelimit.advice.done import crawls, held, shortfall, unmet
from truelimit.advice.nouns import Advice, Candidate, CloudCost, LeftOut, Limit, Recommended
from truelimit.advice.pareto import front
from truelimit.advice.profile import Profile
from truelimit.advice.words import because, cannot, job_words, memory_first, more_memory, sentence
from truelimit.domain.message import figure, joined, said

SHORTLIST = 6
_CLEARLY = 1.25  # a gain that the estimates' own error could make is no reason to buy


def recommend(
    profile: Profile,
    today: Candidate | None,
    candidates: tuple[Candidate, ...],
    cloud: tuple[CloudCost, ...] = (),
    roomier: Candidate | None = None,
) -> Advice:
    """Return the advice for a profile. Deterministic: the same input gives the same answer in the same order.

    ``roomier`` is the machine of today with more main memory, where that holds more of the work.
    """
    limit, reasons = binding(today, profile) if today else (Limit.UNKNOWN, (said("the machine of today is not given"),))
    left_out: list[LeftOut] = []
    fitting: list[Candidate] = []
    for item in candidates:
        why = _why_not(item, profile, today)
        if why:
            left_out.append(LeftOut(item.id, item.name, *why))
        else:
            fitting.append(item)
    better, no_better = _improving(fitting, today, limit, profile)
    better, crawling = _at_work(better, profile)
    left_out += [*no_better, *crawling]
    best = front(better, lambda item: _scores(item, profile))
    left_out += [
        LeftOut(item.id, item.name, said("another is at least as good in price, memory, decode and prefill"))
        for item in better
        if item not in best
    ]
    ordered = sorted(best, key=lambda item: (unmet(item, profile), *_order(item, profile), item.id))
    shown = sorted(ordered[:SHORTLIST], key=lambda item: _sureness(item, profile))
    shortlist = tuple(
        Recommended(item, because(item, today, best, profile), cannot(item, profile), total_cost(item, profile))
        for item in shown
    )
    left_out += [LeftOut(item.id, item.name, said("on the front, behind those shown")) for item in ordered[SHORTLIST:]]
    keep = today is not None and (limit is Limit.NONE or not shortlist)
    costs = (total_cost(today, profile, owned=True),) if today else ()
    nearest = bool(shown) and unmet(shown[0], profile) > 0
    text = sentence(today, limit, shortlist, keep=keep, nearest=nearest)
    if today and roomier and limit is Limit.MEMORY:
        reasons = (*reasons, more_memory(today, roomier))
        text = text if unmet(roomier, profile) else joined(" ", (text, memory_first(roomier)))
    return Advice(text, keep, limit, reasons, shortlist, tuple(left_out), cloud, costs)


def out_of_question(item: Candidate, profile: Profile, today: Candidate | None) -> tuple[str, str] | None:
    """Return why a machine is out whatever it can do, with its figures, or None. Its performances are not looked at."""
    if today is not None and item.id == today.id:
        return said("it is the machine of today"), ""
    if item.price is None:
        return said("no dated price is known"), ""
    if item.no_longer_sold is not None and not item.named:
        last = said("last price {usd:,.0f} USD ({date})", usd=item.price.usd, date=item.price.date)
        return said("no longer sold since {no_longer_sold}; {last}", no_longer_sold=item.no_longer_sold, last=last), ""
    allowed = None if profile.budget is None else profile.budget + profile.resale
    if allowed is not None and item.price.usd > allowed:
        return said("over the budget of {allowed:,.0f} USD", allowed=allowed), said(
            "{usd:,.0f} USD ({date})", usd=item.price.usd, date=item.price.date
        )
    if profile.operating_systems and not set(profile.operating_systems) & set(item.operating_systems):
        return said("another operating system"), said(
            "it runs {operating_systems}",
            operating_systems=joined(", ", item.operating_systems) or said("no known system"),
        )
    if profile.backends and not set(profile.backends) & set(item.backends):
        return said("another backend"), said(
            "it offers {backends}", backends=joined(", ", item.backends) or said("no known backend")
        )
    if profile.most_cards is not None and item.cards > profile.most_cards:
        return said("more cards than {most_cards}", most_cards=profile.most_cards), figure(item.cards)
    if profile.power_limit is not None and item.power is not None and item.power > profile.power_limit:
        return said("it draws more than {power_limit:,.0f} W", power_limit=profile.power_limit), said(
            "{watts:,.0f} W", watts=item.power
        )
    return (
        (said("it is not quiet"), said("{watts:,.0f} W", watts=item.power or 0))
        if profile.quiet and item.quiet is False
        else None
    )


def _why_not(item: Candidate, profile: Profile, today: Candidate | None) -> tuple[str, str] | None:
    out = out_of_question(item, profile, today)
    if out is None and all(performance.fits is not True for performance in item.performances):
        return said("none of the models is known to fit"), joined("; ", (p.reason for p in item.performances))
    return out


def _sureness(item: Candidate, profile: Profile) -> tuple[float, ...]:
    """What does the work comes first, and of that what surely does; of what does not, what falls short the least."""
    missed = unmet(item, profile)
    return missed, unmet(item, profile, slow=True), shortfall(item, profile) if missed else 1.0


def _at_work(items: list[Candidate], profile: Profile) -> tuple[list[Candidate], list[LeftOut]]:
    """Split off what holds no job but in name, where something else holds one."""
    working = [item for item in items if held(item, profile)]
    if not working:
        return items, []
    return working, [_crawling(item, profile) for item in items if item not in working]


def _crawling(item: Candidate, profile: Profile) -> LeftOut:
    why = said(
        "part of the model would lie in main memory, and from there it writes less than {least:g} tokens/s",
        least=profile.least_decode,
    )
    slow = (job_words(job) for job in item.performances if crawls(job, profile))
    return LeftOut(item.id, item.name, why, joined("; ", slow))


def _improving(
    items: list[Candidate], today: Candidate | None, limit: Limit, profile: Profile
) -> tuple[list[Candidate], list[LeftOut]]:
    """Split by whether a machine improves what binds today. Without a machine of today every one does."""
    if today is None or limit in {Limit.UNKNOWN}:
        return items, []
    better = [item for item in items if _improves(item, today, limit, profile)]
    why = {
        Limit.NONE: said("nothing binds on the machine of today for this work"),
        Limit.MEMORY: said("it holds no more of the models than the machine of today"),
        Limit.TIME: said("it does not read the prompts clearly faster (less than {clearly:g} times)", clearly=_CLEARLY),
        Limit.DECODE: said("it does not write clearly faster (less than {clearly:g} times)", clearly=_CLEARLY),
    }[limit]
    others = [item for item in items if item not in better]
    in_name = [item for item in others if limit is Limit.MEMORY and _fits(item) > _fits(today)]
    left = [_crawling(item, profile) if item in in_name else LeftOut(item.id, item.name, why) for item in others]
    return better, left


def _improves(item: Candidate, today: Candidate, limit: Limit, profile: Profile) -> bool:
    holds, held_today = held(item, profile), held(today, profile)
    if limit is Limit.MEMORY:
        return holds > held_today
    if limit is Limit.TIME:
        return holds >= held_today and prefill_seconds(item) * _CLEARLY <= prefill_seconds(today)
    if limit is Limit.DECODE:
        return holds >= held_today and decode_rate(item) >= decode_rate(today) * _CLEARLY
    return False


def _fits(item: Candidate) -> int:
    return sum(job.fits is True for job in item.performances)


def prefill_seconds(item: Candidate) -> float:
    """Return the longest cold prefill over all jobs, in seconds; infinity where one does not fit or is not known."""
    return max((p.prefill.value if p.fits and p.prefill else math.inf for p in item.performances), default=math.inf)


def decode_rate(item: Candidate) -> float:
    """Return the slowest decode over all jobs, in tokens/s; 0 where one does not fit or is not known."""
    return min((p.decode.value if p.fits and p.decode else 0.0 for p in item.performances), default=0.0)


def _scores(item: Candidate, profile: Profile) -> tuple[float, ...]:
    price = item.price.usd if item.price else math.inf
    return -price, float(item.memory), decode_rate(item), -prefill_seconds(item), float(held(item, profile))


def _order(item: Candidate, profile: Profile) -> tuple[float, ...]:
    price = item.price.usd if item.price else math.inf
    first = {
        "price": price,
        "memory": -float(item.memory),
        "decode": -decode_rate(item),
        "prefill": prefill_seconds(item),
    }[profile.most]
    return first, price
