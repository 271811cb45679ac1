"""How claims write numbers in a sentence."""

from __future__ import annotations

from collections.abc import Iterable

from truelimit.claims.known import Guess
from truelimit.domain.claims import Assertion
from truelimit.domain.message import Message, figure, joined, said
from truelimit.units import GB, TERA, to_gib


def short(number: float) -> Message:
    """Return a number with about three digits, separators from a thousand on."""
    if number >= 1000:
        return figure(number, ",.0f")
    if number >= 100 or float(number).is_integer():
        return figure(number, ".0f")
    if number >= 1:
        return figure(number, ".1f")
    return figure(number, ".2f" if number >= 0.01 else ".2g")


def beside(number: float, other: float) -> Message:
    """Return a number with as many digits as tell it from another one that it is compared with."""
    if number == other or short(number) != short(other):
        return short(number)
    told = (figure(number, f",.{digits}f") for digits in range(1, 6))
    return next((text for text in told if float(text.replace(",", "")) != other), short(number))


def times(factor: float) -> Message:
    """Return a factor: two digits behind the point below 2, one below 10."""
    return figure(factor, ".2f") if factor < 2 else short(factor)


def gigabytes(size: float) -> Message:
    """Return bytes as decimal GB."""
    return said("{size} GB", size=short(size / GB))


def gibibytes(size: float) -> Message:
    """Return bytes as GiB."""
    return said("{size:,.1f} GiB", size=to_gib(round(size)))


def per_second(rate: float) -> Message:
    """Return bytes/s as GB/s."""
    return said("{rate} GB/s", rate=short(rate / GB))


def tera(rate: float, kind: str) -> Message:
    """Return operations/s as TFLOPS, as TOPS for whole numbers."""
    value = short(rate / TERA)
    return said("{rate} TOPS", rate=value) if kind.startswith("int") else said("{rate} TFLOPS", rate=value)


def sold(size: float) -> Message:
    """Return the size of a machine's memory as makers write it: GiB under the name GB."""
    return said("{size:g} GB", size=to_gib(round(size)))


def usd(amount: float) -> Message:
    """Return an amount in USD."""
    whole = amount >= 100 or float(amount).is_integer()
    return said("${amount:,.0f}", amount=amount) if whole else said("${amount:,.2f}", amount=amount)


def tokens_per_second(item: Assertion) -> Message:
    """Return the range of a rate: ``25 to 50 tok/s``, ``20 tok/s or more``."""
    return _open(item, said("{range} tok/s", range=_range(item)))


def duration(item: Assertion) -> Message:
    """Return the range of a duration: ``360 s or more``."""
    return _open(item, said("{range} s", range=_range(item)))


def _range(item: Assertion) -> Message:
    low, high = short(item.low), short(item.high)
    return low if item.low == item.high else said("{low} to {high}", low=low, high=high)


def _open(item: Assertion, text: Message) -> Message:
    return said("{number} or more", number=text) if item.open else text


def estimated(guess: Guess) -> Message:
    """Return an estimate in words: over several backends that of the usual one first, as the plan gives it."""
    tier, low, high = guess.usual.tier, short(guess.low), short(guess.high)
    if len(guess.backends) == 1:
        return said("estimated {low} to {high} tok/s ({tier})", low=low, high=high, tier=tier)
    return said(
        "estimated {value} tok/s ({least} to {most}) with {backend}, {low} to {high} over {backends} ({tier})",
        value=short(guess.usual.value),
        least=short(guess.usual.low),
        most=short(guess.usual.high),
        backend=guess.backends[0],
        low=low,
        high=high,
        backends=joined(said(" and "), guess.backends),
        tier=tier,
    )


def listed(parts: Iterable[str], between: str = ", ") -> str:
    """Return the parts that say something, with commas between them."""
    return joined(between, (part for part in parts if part))
