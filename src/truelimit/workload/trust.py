"""How far a replay is to be believed: by what it says of the past, and by what an option's rates rest on."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from truelimit.workload.options import Kind

if TYPE_CHECKING:
    from truelimit.workload.confusion import Confusion
    from truelimit.workload.options import Option

_HERE = {Kind.NOTHING, Kind.FIX, Kind.BY_HAND, Kind.GATEWAY}

_ENOUGH = 5  # judged requests below which the past says little
_AGREES, _WRONG = 0.95, 0.80  # share of recorded endings that the replay tells
_CLOSE, _FAR = 0.25, 0.60  # median error of durations


class Trust(StrEnum):
    """How far a number is to be believed."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    UNTESTED = "not tested"


def trust_of(validation: Confusion | None) -> Trust:
    """Return what the past says of a replay.

    High: at least 95 % of 5 or more recorded endings are told, and durations are off by at most 25 % at the median.
    Low: below 80 % of them, or durations off by more than 60 %. Medium: all else. Not tested: nothing can be compared.
    """
    if validation is None or validation.accuracy is None:
        return Trust.UNTESTED
    off = validation.median
    if validation.judged >= _ENOUGH and (validation.accuracy < _WRONG or (off is not None and off > _FAR)):
        return Trust.LOW
    sure = validation.judged >= _ENOUGH and validation.accuracy >= _AGREES and off is not None and off <= _CLOSE
    return Trust.HIGH if sure else Trust.MEDIUM


def trust_in(option: Option, of_all: Trust) -> Trust:
    """Return how far an option's numbers are to be believed.

    That of the replay; never high where the rates are not those that were recorded: another file or cache, a machine or
    a provider.
    """
    return Trust.MEDIUM if of_all is Trust.HIGH and option.kind not in _HERE else of_all
