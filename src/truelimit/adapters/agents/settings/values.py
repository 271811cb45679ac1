"""Durations and counts of a settings file, as numbers or as the texts that environment variables are."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from truelimit.domain.agent import AgentSetting
from truelimit.domain.provenance import Basis, Known
from truelimit.units import Seconds

if TYPE_CHECKING:
    from truelimit.adapters.agents.settings.document import Document
    from truelimit.domain.agent import ConfigPath

_LONGEST_MS = 10**12
_LONGEST_TEXT = 20
_WHOLE = re.compile(r"-?[0-9]+")
_MOST_RETRIES = 1_000


def number(value: object) -> float | None:
    """Return a number that is set, also as text; None for anything else. Booleans are no numbers."""
    if isinstance(value, str) and len(value) <= _LONGEST_TEXT and _WHOLE.fullmatch(value.strip()):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) <= _LONGEST_MS else None  # false for NaN and the infinities too


def timed(setting: AgentSetting, value: object, where: str) -> AgentSetting:
    """Return a setting with the milliseconds that it is set to: switched off for ``false``, 0 or less."""
    ms = number(value)
    if value is False or (ms is not None and ms <= 0):
        return replace(setting, off=True)
    return setting if ms is None else replace(setting, seconds=Known(Seconds(ms / 1000), where, Basis.SPECIFIED))


def timed_at(setting: AgentSetting, document: Document, path: ConfigPath) -> AgentSetting:
    """Return a setting with the milliseconds at a path of a file."""
    return timed(setting, document.get(path), str(document.place(path)))


def attempts(value: object, where: str, rounds: int = 1) -> Known[int] | None:
    """Return attempts in all for a number of retries, in so many rounds; None where none is set.

    Rounds are as measured, not set: then the number is derived.
    """
    retries = number(value)
    if retries is None or not 0 <= retries <= _MOST_RETRIES or retries != int(retries):
        return None
    return Known((int(retries) + 1) * rounds, where, Basis.SPECIFIED if rounds == 1 else Basis.DERIVED)


def attempts_at(document: Document, path: ConfigPath, rounds: int = 1) -> Known[int] | None:
    """Return attempts in all for the number of retries at a path of a file."""
    return attempts(document.get(path), str(document.place(path)), rounds)


def says_something(setting: AgentSetting) -> bool:
    """Return whether a setting changes anything."""
    return setting.off or setting.seconds is not None or setting.attempts is not None


def entries(value: object) -> dict[str, object]:
    """Return an object's entries, none for anything else."""
    return value if isinstance(value, dict) else {}


def address(value: object) -> str | None:
    """Return the text of an address, or None."""
    return value if isinstance(value, str) and value else None
