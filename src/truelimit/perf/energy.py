"""What an answer costs in energy: the power drawn while reading the prompt and while writing the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.domain.calculation import Calculation, Term, calculate
from truelimit.domain.frozen import dataclass
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known

if TYPE_CHECKING:
    from truelimit.units import Watts

# Shares of the rated power that are really drawn. Reading computes, so it runs near the limit; writing waits for
# memory. Published power readings during decode lie between 40 and 90 % of the rated power; no table exists, so both
# are assumed and the interval is wide.
READING, WRITING = 0.9, 0.6
_LOW, _HIGH = (0.6, 0.4), (1.0, 0.9)
# What a card draws that holds a model and waits: more than one at rest. No table exists here either.
WAITING = 0.15
_WAITING_LOW, _WAITING_HIGH = 0.05, 0.3
_SOURCE = said("share of the rated power that is drawn")


@dataclass(frozen=True, slots=True)
class Energy:
    """Joules of one answer: value, interval and calculation."""

    joules: float
    low: float
    high: float
    calculation: Calculation


def energy_of_answer(
    power: Known[Watts], reading_seconds: float, answer: int, rate: Known[float], where: str, devices: int = 1
) -> Energy:
    """Return the energy of one answer of ``answer`` tokens, written at ``rate`` (tokens/s), in joules.

    ``where`` says what the seconds of reading are of. Of several ``devices`` that hold blocks in turn one works at a
    time: ``power`` is that of all of them together, and those that wait draw a share of theirs.
    """
    terms = [
        Term("power", power.value, "W", power.where, power.basis),
        Term("reading_share", READING, "", _SOURCE, Basis.ASSUMED),
        Term("reading", reading_seconds, "s", where, Basis.DERIVED),
        Term("writing_share", WRITING, "", _SOURCE, Basis.ASSUMED),
        Term("answer", answer, "tokens", said("the answer that is reckoned for"), Basis.SPECIFIED),
        Term("writing_rate", rate.value, "tokens/s", rate.where, rate.basis),
    ]
    formula = "power * (reading_share * reading + writing_share * answer / writing_rate)"
    if devices > 1:
        terms += _waiting(devices)
        formula = formula.replace("power", "power / devices")
        formula += " + power * (1 - 1 / devices) * waiting_share * (reading + answer / writing_rate)"
    made = calculate(formula, "J", *terms)
    low, high = (
        _joules(power.value, devices, reading_seconds, answer / rate.value, end)
        for end in ((*_LOW, _WAITING_LOW), (*_HIGH, _WAITING_HIGH))
    )
    return Energy(float(made.result), low, high, made)


def _waiting(devices: int) -> list[Term]:
    return [
        Term("devices", devices, "", said("one of them works at a time, since each holds blocks of its own"),
             Basis.DERIVED),
        Term("waiting_share", WAITING, "", said("share of the rated power that a device draws while it waits"),
             Basis.ASSUMED),
    ]  # fmt: skip


def _joules(power: float, devices: int, reading: float, writing: float, shares: tuple[float, float, float]) -> float:
    read, write, wait = shares
    at_work = power / devices * (read * reading + write * writing)
    return at_work + power * (1 - 1 / devices) * wait * (reading + writing)
