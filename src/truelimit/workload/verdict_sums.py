"""The arithmetic behind the verdict's sentence: shares, hours a week, power, tokens, cost over the years."""

from __future__ import annotations

from collections.abc import Iterator

from truelimit.domain.calculation import Calculation, Term, calculate
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis
from truelimit.perf.cloud_cost import MILLION
from truelimit.units import HOUR, MONTHS_A_YEAR, WEEKS_A_YEAR
from truelimit.workload.judge import WATTS_A_KILOWATT, Money
from truelimit.workload.options import Result, Sent
from truelimit.workload.verdict import Choice


def calculations(found: Choice, money: Money, span_days: float) -> tuple[Calculation, ...]:
    """Return the arithmetic behind the sentence: shares, hours a week, cost."""
    replayed = said("the replay of the recorded requests")
    weeks = Term(
        "weeks",
        round(money.weeks, 4),
        "weeks",
        said("{days:,.2f} days recorded, at least one week", days=span_days),
        Basis.DERIVED,
    )
    made = [_share("today", found.today), _share("after", found.free)]
    for name, item in (("free", found.surest), ("machine", found.machine)):
        if item is not None:
            waited = round(item.hours_week.value * money.weeks * HOUR, 1)
            hours = Term(
                f"waited_{name}",
                waited,
                "s",
                said("{replayed}: {option}", replayed=replayed, option=item.option.name),
                Basis.DERIVED,
            )
            made.append(calculate(f"waited_{name} / {HOUR} / weeks", "h a week", hours, weeks))
    if found.machine is not None and found.machine.usd_now is not None:
        made += [_share("machine", found.machine), *_cost(found.machine, money)]
    if found.cloud is not None and found.cloud.sent is not None:
        made.append(_tokens(found.cloud, found.cloud.sent, weeks))
    return tuple(made)


def _share(name: str, item: Result) -> Calculation:
    where = said("the replay of the recorded requests: {option}", option=item.option.name)
    done = Term(f"complete_{name}", item.done.value, "requests", where, Basis.DERIVED)
    known = Term("known", item.known, "requests", said("requests whose prompt is known"), Basis.REPORTED)
    return calculate(f"100 * complete_{name} / known", "% complete", done, known)


def _cost(item: Result, money: Money) -> Iterator[Calculation]:
    """The power of a machine a month, where it is known, and what the machine costs over the years."""
    month = Term("usd_month", 0.0, "USD a month", said("its power is not known: not in its cost"), Basis.ASSUMED)
    if item.option.watts is not None:
        power = _power(item, item.option.watts, money)
        month = Term("usd_month", round(float(power.result), 4), "USD a month", said("above"), Basis.ASSUMED)
        yield power
    now = Term("usd_now", item.usd_now or 0.0, "USD", item.option.price_of or said("the table"), Basis.SPECIFIED)
    years = Term("years", money.years, "years", said("life of what is bought"), Basis.ASSUMED)
    yield calculate(f"usd_now + usd_month * {MONTHS_A_YEAR} * years", "USD", now, month, years)


def _power(item: Result, watts: float, money: Money) -> Calculation:
    """Power under load while one waits for what was bought: nobody knows what it does the rest of the time."""
    load = Term("watts", watts, "W", item.option.watts_of or said("the table"), item.option.watts_basis)
    hours = Term(
        "hours", round(item.bought_week, 5), "h a week", said("waited for it in the replay"), Basis.DERIVED
    )  # fmt: skip
    price = Term("usd_per_kwh", money.usd_per_kwh, "USD/kWh", said("price of power"), Basis.ASSUMED)
    formula = f"watts / {WATTS_A_KILOWATT} * hours * {WEEKS_A_YEAR} / {MONTHS_A_YEAR} * usd_per_kwh"
    return calculate(formula, "USD a month", load, hours, price)


def _tokens(item: Result, sent: Sent, weeks: Term) -> Calculation:
    """What a provider takes a month: earlier tokens of a conversation count as held by its cache, however old."""
    replayed = said("the replay of the recorded requests: {option}", option=item.option.name)
    assumed = said("earlier tokens of the conversation, all assumed to be in its cache")
    counts = (
        Term("new", round(sent.new), "tokens", replayed, Basis.DERIVED),
        Term("cached", round(sent.cached), "tokens", assumed, Basis.ASSUMED),
        Term("written", round(sent.output), "tokens", replayed, Basis.DERIVED),
    )
    names = ("usd_new", "usd_cached", "usd_written")
    listed = item.option.price_of or said("list price of the provider")
    prices = [
        Term(name, round(each * MILLION, 6), "USD per million tokens", listed, Basis.REPORTED)
        for name, each in zip(names, sent.prices, strict=True)
    ]
    terms = " + ".join(f"{count.name} * {price.name}" for count, price in zip(counts, prices, strict=True))
    formula = f"({terms}) / {MILLION} / weeks * {WEEKS_A_YEAR} / {MONTHS_A_YEAR}"
    return calculate(formula, "USD a month", *counts, *prices, weeks)
