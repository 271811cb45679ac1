"""What a machine costs over the years: price, less the resale of the old one, and power where it is known."""

from __future__ import annotations

from truelimit.advice.nouns import Candidate
from truelimit.advice.profile import Profile
from truelimit.domain.calculation import Calculation, Term, calculate
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis
from truelimit.units import WEEKS_A_YEAR

_PROFILE = said("the profile")
_WATTS_A_KILOWATT = 1000


def total_cost(machine: Candidate, profile: Profile, *, owned: bool = False) -> Calculation:
    """Return the cost in USD over the profile's years. An owned machine costs its power alone.

    Where the power is not known the formula leaves it out.
    """
    price, resale = (0.0, 0.0) if owned or machine.price is None else (machine.price.usd, profile.resale)
    where = (
        "owned"
        if owned
        else said("{what}, {date}", what=said(machine.price.what), date=machine.price.date)
        if machine.price
        else said("no dated price")
    )
    terms = (
        Term("price", price, "USD", where, Basis.SPECIFIED),
        Term("resale", resale, "USD", _PROFILE, Basis.ASSUMED),
    )
    if machine.power is None:
        return calculate("price - resale", "USD", *terms)
    return calculate(
        f"price - resale + watts / {_WATTS_A_KILOWATT} * hours_a_week * {WEEKS_A_YEAR} * years * usd_per_kwh",
        "USD",
        *terms,
        Term("watts", machine.power, "W", said("the machine's table"), Basis.SPECIFIED),
        Term(
            "hours_a_week",
            profile.hours_a_week,
            "h",
            said("{profile}: hours of full load", profile=_PROFILE),
            Basis.ASSUMED,
        ),
        Term("years", profile.years, "years", _PROFILE, Basis.ASSUMED),
        Term("usd_per_kwh", profile.usd_per_kwh, "USD/kWh", _PROFILE, Basis.ASSUMED),
    )
