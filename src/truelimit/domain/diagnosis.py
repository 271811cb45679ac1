"""What the doctor says in the end."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from truelimit.domain.frozen import dataclass

if TYPE_CHECKING:
    from truelimit.domain.calculation import Calculation
    from truelimit.domain.findings import Finding
    from truelimit.domain.limits import Ladders
    from truelimit.domain.provenance import Missing
    from truelimit.domain.session import Incident


class Hardware(StrEnum):
    """Whether any incident needed hardware."""

    NOT_NEEDED = "not-needed"
    WOULD_HELP = "would-help"
    NEEDED = "needed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One sentence that a person can act on, and whether hardware was the matter, with reasons and arithmetic.

    ``parts`` are what the sentence is made of, the main one first.
    """

    sentence: str
    hardware: Hardware
    reasons: tuple[str, ...] = ()
    calculations: tuple[Calculation, ...] = ()
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Verdict, ladders of each stack, incidents, findings, and the facts that were missing."""

    verdict: Verdict
    ladders: tuple[Ladders, ...] = ()
    incidents: tuple[Incident, ...] = ()
    findings: tuple[Finding, ...] = ()
    missing: tuple[Missing, ...] = ()
    examined: tuple[str, ...] = ()
