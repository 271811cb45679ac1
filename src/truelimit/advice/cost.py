"""What a machine costs over the years: price, less the resale of the old one, and power."""

from __future__ import annotations

from truelimit.advice.nouns import Candidate
from truelimit.advice.profile import WEEKS_A_YEAR, Profile
from truelimit.domain.calculation import Calculation, Term, calculate
from truelimit.domain.provenance import Basis

_PROFILE = "the profile"
_WATTS_A_KILOWATT = 1000


def total_cost(machine: Candidate, profile: Profile, *, owned: bool = False) -> Calculation:
    """Return the cost in USD over the profile's years. An owned machine costs its power alone.

    A machine without a known power is counted without it, and the term says so.
    """
    price, resale = (0.0, 0.0) if owned or machine.price is None else (machine.price.usd, profile.resale)
    where = "owned" if owned else f"{machine.price.what}, {machine.price.date}" if machine.price else "no dated price"
    known = machine.power is not None
    power = Term(
        "watts", machine.power or 0.0, "W", "the machine's table" if known else "not known: left out", Basis.SPECIFIED
    )
    return calculate(
        f"price - resale + watts / {_WATTS_A_KILOWATT} * hours_a_week * {WEEKS_A_YEAR} * years * usd_per_kwh",
        "USD",
        Term("price", price, "USD", where, Basis.SPECIFIED),
        Term("resale", resale, "USD", _PROFILE, Basis.ASSUMED),
        power,
        Term("hours_a_week", profile.hours_a_week, "h", f"{_PROFILE}: hours of full load", Basis.ASSUMED),
        Term("years", profile.years, "years", _PROFILE, Basis.ASSUMED),
        Term("usd_per_kwh", profile.usd_per_kwh, "USD/kWh", _PROFILE, Basis.ASSUMED),
    )
