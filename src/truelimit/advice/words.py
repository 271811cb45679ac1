"""The words of advice: why a machine is on the list, what it cannot do, and the one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from truelimit.advice.nouns import Candidate, Limit, Performance, Recommended
from truelimit.advice.profile import Profile
from truelimit.units import to_gib


def because(item: Candidate, today: Candidate | None, rivals: Sequence[Candidate]) -> tuple[str, ...]:
    """Return what speaks for a machine: what it is best at on the front, and what it holds."""
    found = [_job(performance) for performance in item.performances if performance.fits]
    if item.price and all(item.price.usd <= rival.price.usd for rival in rivals if rival.price):
        found.append("the lowest price on the front")
    if all(item.memory >= rival.memory for rival in rivals):
        found.append("the most memory on the front")
    if today is not None:
        gained = [
            p.job.model for p, q in zip(item.performances, today.performances, strict=True) if p.fits and not q.fits
        ]
        found += [f"holds {', '.join(gained)}, which {today.name} does not"] if gained else []
    return tuple(found)


def _job(item: Performance) -> str:
    parts = [f"{item.job.model} at {item.job.context:,} tokens"]
    if item.decode:
        parts.append(f"writes {item.decode.value:,.1f} tokens/s ({item.decode.low:,.1f} to {item.decode.high:,.1f})")
    if item.prefill:
        parts.append(
            f"reads a cold prompt in {item.prefill.value:,.0f} s ({item.prefill.low:,.0f} to {item.prefill.high:,.0f})"
        )
    if item.headroom is not None:
        parts.append(f"{to_gib(item.headroom):,.1f} GiB to spare")
    if item.reason:
        parts.append(item.reason)
    return ", ".join(parts)


def cannot(item: Candidate, profile: Profile) -> tuple[str, ...]:
    """Return what a machine cannot do, or what is not known of it."""
    found = []
    for performance in item.performances:
        job = performance.job
        what = f"{job.model} at {job.context:,} tokens"
        if performance.fits is False:
            found.append(f"{what} does not fit: {performance.reason}")
        elif performance.prefill is not None and performance.prefill.value > profile.deadline:
            found.append(
                f"a cold prompt of {what} takes {performance.prefill.value:,.0f} s, over {profile.deadline:,.0f} s"
            )
        elif performance.prefill is not None and performance.prefill.high > profile.deadline:
            most = f"{performance.prefill.high:,.0f} s, over {profile.deadline:,.0f} s"
            found.append(f"a cold prompt of {what} may take up to {most}: measure before you buy")
        elif performance.prefill is None:
            found.append(f"how fast it reads {what} is not known")
    found += ["what it draws is not known, so the cost leaves power out"] if item.power is None else []
    found += ["whether it is quiet is not known"] if profile.quiet and item.quiet is None else []
    return tuple(found)


def sentence(today: Candidate | None, limit: Limit, shortlist: tuple[Recommended, ...], *, keep: bool) -> str:
    """Return the one sentence that a person can act on."""
    if keep and today is not None:
        if limit is Limit.NONE:
            return f"Keep {today.name}: nothing binds on it for this work."
        return f"Keep {today.name}: nothing within these conditions improves what binds ({limit})."
    if not shortlist:
        return "Nothing in the tables meets these conditions; each machine's reason is below."
    first = shortlist[0]
    item = first.candidate
    price = f"{item.price.usd:,.0f} USD ({item.price.date})" if item.price else "price not known"
    if first.cannot:
        return f"{item.name}, {price}: the best that meets these conditions, but {first.cannot[0]}."
    lifts = today is not None and limit is not Limit.UNKNOWN
    what = f"it lifts what binds on {today.name} ({limit})" if today and lifts else "it does the work"
    return f"{item.name}, {price}: {what}."
