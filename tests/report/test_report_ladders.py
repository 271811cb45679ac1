"""Ladders in a report: limits that bind together, and fits that have no error to show."""

from __future__ import annotations

import pytest

from truelimit.domain.diagnosis import Diagnosis, Hardware, Verdict
from truelimit.domain.limits import Ladder, Ladders, LimitKind, MemoryLadder, Rung, SetBy
from truelimit.domain.provenance import Basis
from truelimit.domain.rates import DecodeFit, PrefillFit
from truelimit.report.as_text import render
from truelimit.report.document import doctor
from truelimit.report.rates import rates_json
from truelimit.units import Tokens

AGENT = Rung("agent-context", 131_072, SetBy.AGENT_CONFIG, LimitKind.LABEL, "openclaw.json", Basis.SPECIFIED)
SERVER = Rung("definition", 131_072, SetBy.SERVER_DEFINITION, LimitKind.LABEL, "params", Basis.REPORTED)
NONE = Ladder("seconds")


def ladders(context: Ladder, points: int = 3) -> Ladders:
    read = PrefillFit(0.001, 1e-8, 0.02, Tokens(4096), points, "a log", Basis.MEASURED)
    write = DecodeFit(0.01, 1e-7, 0.0, Tokens(4096), points, "a log", Basis.MEASURED)
    return Ladders("openclaw", "ollama/m", context, NONE, MemoryLadder(Ladder("bytes")), read, write)


def text(item: Ladders) -> list[str]:
    made = Diagnosis(Verdict("Nothing.", Hardware.UNKNOWN), (item,))
    return render(doctor(made), 120, colour=False).splitlines()


def test_limits_that_bind_together_are_both_named() -> None:
    shown = text(ladders(Ladder("tokens", (SERVER, AGENT), AGENT, tied=(SERVER,))))
    rows = {line.split("  ")[0]: line for line in shown if "131,072" in line}
    assert "BINDS: label" in rows["agent's window"]
    assert "TIED: label" in rows["model definition"]
    assert "  agent's window is tied with model definition: moving one alone changes nothing" in shown


def test_a_limit_that_binds_alone_is_tied_with_nothing() -> None:
    shown = text(ladders(Ladder("tokens", (SERVER, AGENT), AGENT)))
    assert not any("TIED" in line or "tied" in line for line in shown)


@pytest.mark.parametrize(("points", "error"), [(2, None), (3, 0.02)])
def test_two_points_are_met_exactly_and_tell_no_error(points: int, error: float | None) -> None:
    made = rates_json(ladders(NONE, points))
    assert isinstance(made["prefill"], dict)
    assert made["prefill"]["error"] == error
    assert isinstance(made["decode"], dict)
    assert made["decode"]["error"] == (None if points == 2 else 0.0)
