"""The cloud beside the machines: what a provider's model would cost for the same work, or why it is out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from truelimit.advice.nouns import CloudCost
from truelimit.domain.calculation import Calculation, Term, calculate
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis
from truelimit.perf.cloud_cost import UnknownPriceError, cost
from truelimit.units import MONTHS_A_YEAR, WEEKS_A_YEAR

if TYPE_CHECKING:
    from truelimit.advice.profile import Job, Profile
    from truelimit.domain.cloud import CloudModel

_SHOWN = 3
_ANY = said("any cloud model")
_PROFILE = said("the profile")


def cloud_costs(profile: Profile, models: Sequence[CloudModel], on: date, *, named: bool) -> tuple[CloudCost, ...]:
    """Return what models would cost for the largest job of a profile. Nothing for private work but the reason.

    ``named``: the user chose them, so each is answered; else the cheapest that can do it are shown.
    """
    if profile.private:
        why = said("the work is private: prompts must not leave the house")
        return tuple(CloudCost(name, None, None, None, why) for name in ([m.id for m in models] if named else [_ANY]))
    models = models if named else [item for item in models if item.deprecated is None and item.shutdown is None]
    job = max(profile.jobs, key=lambda item: item.context)
    found = [_cost(profile, job, item, on) for item in models]
    if named:
        return tuple(found)
    able = [
        (item, request) for item, request in zip(found, [_request(job, m, profile, on) for m in models], strict=True)
    ]
    cheapest = sorted((pair for pair in able if pair[1] and not pair[0].why_not), key=lambda pair: _usd(pair[1]))
    return tuple(item for item, _ in cheapest[:_SHOWN])


def _usd(request: Calculation | None) -> float:
    return request.result if request else 0.0


def _cost(profile: Profile, job: Job, model: CloudModel, on: date) -> CloudCost:
    window = model.context.value if model.context else None
    why = _why_not(job, model, profile, on)
    request = _request(job, model, profile, on)
    if why or request is None:
        return CloudCost(model.id, window, None, None, why or said("its prices are not known"))
    each = said(
        "{result:,.4f} USD for a request of {context:,} tokens, none of them cached",
        result=request.result,
        context=job.context,
    )
    dated = said("prices as of {date}", date=model.as_of)
    asked = said("{requests:,} requests a week are assumed", requests=profile.requests_a_week)
    notes = (each, dated, *((asked,) if profile.requests_a_week else ()), *_warnings(model, on))
    if not profile.requests_a_week:
        return CloudCost(model.id, window, None, None, said("say how many requests a week there are"), notes)
    monthly = _over(
        request,
        profile,
        "requests_a_week * weeks / months",
        Term("months", MONTHS_A_YEAR, said("a year"), "calendar", Basis.SPECIFIED),
    )
    years = _over(
        request,
        profile,
        "requests_a_week * weeks * years",
        Term("years", profile.years, "years", _PROFILE, Basis.ASSUMED),
    )
    return CloudCost(model.id, window, monthly, years, "", notes)


def _over(request: Calculation, profile: Profile, formula: str, last: Term) -> Calculation:
    return calculate(
        f"request * {formula}",
        "USD",
        Term(
            "request",
            request.result,
            "USD",
            said("the request of the largest job, at the provider's prices"),
            request.basis,
        ),
        Term("requests_a_week", profile.requests_a_week, "requests", _PROFILE, Basis.ASSUMED),
        Term("weeks", WEEKS_A_YEAR, said("a year"), "calendar", Basis.SPECIFIED),
        last,
    )


def _request(job: Job, model: CloudModel, profile: Profile, on: date) -> Calculation | None:
    try:
        return cost(model, job.context, 0, profile.answer_tokens, on)
    except UnknownPriceError:
        return None


def _why_not(job: Job, model: CloudModel, profile: Profile, on: date) -> str:
    if model.is_shut_down(on) and model.shutdown:
        return said("shut down on {date}", date=model.shutdown.date)
    if model.context is None:
        return said("its window is not known")
    wanted = job.context + profile.answer_tokens
    return (
        said("its window of {context:,} tokens is too small", context=model.context.value)
        if model.context.value < wanted
        else ""
    )


def _warnings(model: CloudModel, on: date) -> tuple[str, ...]:
    found = []
    if model.deprecated is not None:
        day = model.deprecated.date
        found.append(said("deprecated since {date}", date=day) if day else said("deprecated"))
    if model.shutdown is not None:
        found.append(said("ends on {date}", date=model.shutdown.date))
    if model.free_tier is not None and not model.free_tier.ended:
        found.append(said("free tier: {what}", what=model.free_tier.what))
    if model.is_stale(on):
        found.append(said("looked up {on} days ago: look again", on=model.age(on)))
    return tuple(found)
