"""How claims write numbers in a sentence."""

from __future__ import annotations

from truelimit.domain.claims import Assertion
from truelimit.domain.message import said
from truelimit.units import GB, TERA, to_gib


def short(number: float) -> str:
    """Return a number with about three digits, separators from a thousand on."""
    if number >= 1000:
        return f"{number:,.0f}"
    if number >= 100 or float(number).is_integer():
        return f"{number:.0f}"
    return f"{number:.1f}" if number >= 1 else f"{number:.2f}"


def times(factor: float) -> str:
    """Return a factor: two digits behind the point below 2, one below 10."""
    return f"{factor:.2f}" if factor < 2 else short(factor)


def gigabytes(size: float) -> str:
    """Return bytes as decimal GB."""
    return f"{short(size / GB)} GB"


def gibibytes(size: float) -> str:
    """Return bytes as GiB."""
    return f"{to_gib(round(size)):,.1f} GiB"


def per_second(rate: float) -> str:
    """Return bytes/s as GB/s."""
    return f"{short(rate / GB)} GB/s"


def tera(rate: float, kind: str) -> str:
    """Return operations/s as TFLOPS, as TOPS for whole numbers."""
    return f"{short(rate / TERA)} {'TOPS' if kind.startswith('int') else 'TFLOPS'}"


def sold(size: float) -> str:
    """Return the size of a machine's memory as makers write it: GiB under the name GB."""
    return f"{to_gib(round(size)):g} GB"


def usd(amount: float) -> str:
    """Return an amount in USD."""
    return f"${amount:,.0f}" if amount >= 100 or float(amount).is_integer() else f"${amount:,.2f}"


def span(item: Assertion, unit: str = "", scale: float = 1.0) -> str:
    """Return the range of an assertion: ``25 to 50 tok/s``, ``20 tok/s or more``."""
    low, high = short(item.low / scale), short(item.high / scale)
    text = low if item.low == item.high else said("{low} to {high}", low=low, high=high)
    more = said(" or more") if item.open else ""
    return f"{text} {unit}{more}".replace("  ", " ").strip()
