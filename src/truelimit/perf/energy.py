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
_SOURCE = said("share of the rated power that is drawn")


@dataclass(frozen=True, slots=True)
class Energy:
    """Joules of one answer: value, interval and calculation."""

    joules: float
    low: float
    high: float
    calculation: Calculation


def energy_of_answer(
    power: Known[Watts], reading_seconds: float, answer: int, rate: Known[float], where: str
) -> Energy:
    """Return the energy of one answer of ``answer`` tokens, written at ``rate`` (tokens/s), in joules.

    ``where`` says what the seconds of reading are of.
    """
    terms = (
        Term("power", power.value, "W", power.where, power.basis),
        Term("reading_share", READING, "", _SOURCE, Basis.ASSUMED),
        Term("reading", reading_seconds, "s", where, Basis.DERIVED),
        Term("writing_share", WRITING, "", _SOURCE, Basis.ASSUMED),
        Term("answer", answer, "tokens", said("the answer that is reckoned for"), Basis.SPECIFIED),
        Term("writing_rate", rate.value, "tokens/s", rate.where, rate.basis),
    )
    made = calculate("power * (reading_share * reading + writing_share * answer / writing_rate)", "J", *terms)
    writing = answer / rate.value
    low, high = (power.value * (a * reading_seconds + b * writing) for a, b in (_LOW, _HIGH))
    return Energy(float(made.result), low, high, made)
