"""Units: the types of all quantities, and the only file that knows 2**30, 10**9 and 3600.

Inside the program quantities are bytes, tokens, seconds, tokens per second,
bytes per second and USD. Foreign units are converted at the edge by the
functions below.
"""

from __future__ import annotations

from typing import NewType

Bytes = NewType("Bytes", int)
Tokens = NewType("Tokens", int)
Seconds = NewType("Seconds", float)
TokensPerSecond = NewType("TokensPerSecond", float)
BytesPerSecond = NewType("BytesPerSecond", float)
OperationsPerSecond = NewType("OperationsPerSecond", float)
Watts = NewType("Watts", float)
Usd = NewType("Usd", float)

KIB = 2**10
MIB = 2**20
GIB = 2**30
GB = 10**9
TERA = 10**12
MINUTE = 60
HOUR = 3600
MONTHS_A_YEAR = 12
WEEKS_A_YEAR = 52
HOURS_A_WEEK = 168

_BINARY = {"B": 1, "KiB": KIB, "MiB": MIB, "GiB": GIB, "TiB": 2**40}
_DECIMAL = {"KB": 10**3, "MB": 10**6, "GB": GB, "TB": 10**12}
_GO_DURATION = {"ns": 1e-9, "us": 1e-6, "\u00b5s": 1e-6, "\u03bcs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def from_mib(value: float) -> Bytes:
    """Return a size in MiB as bytes, rounded to the byte."""
    return Bytes(round(value * MIB))


def from_gib(value: float) -> Bytes:
    """Return a size in GiB as bytes, rounded to the byte."""
    return Bytes(round(value * GIB))


def to_mib(size: int) -> float:
    """Return bytes as MiB."""
    return size / MIB


def to_gib(size: int) -> float:
    """Return bytes as GiB."""
    return size / GIB


def from_ms(value: float) -> Seconds:
    """Return milliseconds as seconds."""
    return Seconds(value / 1000)


def from_ns(value: float) -> Seconds:
    """Return nanoseconds as seconds."""
    return Seconds(value / 1e9)


def from_gb_per_s(value: float) -> BytesPerSecond:
    """Return GB/s as bytes per second."""
    return BytesPerSecond(value * GB)


def to_gb_per_s(rate: float) -> float:
    """Return bytes per second as GB/s."""
    return rate / GB


def from_tera(value: float) -> OperationsPerSecond:
    """Return TFLOPS or TOPS as operations per second."""
    return OperationsPerSecond(value * TERA)


def from_gb(value: float) -> Bytes:
    """Return a size in GB (decimal) as bytes, rounded to the byte."""
    return Bytes(round(value * GB))


def parse_size(text: str) -> Bytes:
    """Return a size such as ``18.7 GiB`` or ``93 MB`` as bytes.

    Raises ValueError for another form.
    """
    number, _, unit = text.strip().partition(" ")
    factor = _BINARY.get(unit) or _DECIMAL.get(unit)
    if factor is None:
        raise ValueError(f"not a size: {text!r} (expected a number, a space and one of B, KiB, MiB, GiB, KB, MB, GB)")
    return Bytes(round(float(number) * factor))


def parse_go_duration(text: str) -> Seconds:
    """Return a Go duration (``5m0s``, ``1h2m3.5s``, ``93.5µs``, ``20ms``) as seconds.

    A bare number counts as seconds, as in Ollama's environment. Raises ValueError for another form.
    """
    rest, total = text.strip(), 0.0
    if _is_number(rest):
        return Seconds(float(rest))
    if not rest:
        raise ValueError("not a duration: the text is empty")
    sign = -1.0 if rest.startswith("-") else 1.0
    rest = rest.lstrip("+-")
    while rest:
        digits = len(rest) - len(rest.lstrip("0123456789."))
        letters = digits + len(rest[digits:]) - len(rest[digits:].lstrip("nsuµμmh"))
        unit = rest[digits:letters]
        unit = unit if unit in _GO_DURATION else unit[:1]
        if not digits or unit not in _GO_DURATION:
            raise ValueError(f"not a duration: {text!r} (expected a form such as 5m0s)")
        total += float(rest[:digits]) * _GO_DURATION[unit]
        rest = rest[digits + len(unit) :]
    return Seconds(sign * total)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
