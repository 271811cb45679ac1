"""Notes of options: each option's own, and what several share once, with their names."""

from __future__ import annotations

from truelimit.report.option_notes import option_notes
from truelimit.workload.options import Kind, Option, Result, Within

NONE = Within(0, 0, 0)


def result(name: str, *notes: str) -> Result:
    option = Option(name, name, Kind.MACHINE, (), usd_now=0.0, notes=notes)
    return Result(option, 0, NONE, NONE, NONE, NONE, NONE, NONE, 0.0, 0.0, NONE, None, 0.0)


def test_what_several_share_is_said_once_with_their_names() -> None:
    found = option_notes((result("a", "own", "shared"), result("b", "shared"), result("c")))
    assert found == ("a: own", "shared [a; b]")


def test_what_all_share_is_said_of_all() -> None:
    assert option_notes((result("a", "shared"), result("b", "shared"))) == ("all of them: shared",)


def test_two_options_of_one_name_lose_nothing() -> None:
    assert option_notes((result("box", "one"), result("box", "other"))) == ("box: one", "box: other")
