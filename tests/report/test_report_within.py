"""Shares, hours and counts with their intervals: what is not whole never looks whole, in any form."""

from __future__ import annotations

import pytest

from support.report_parts import result, work_verdict
from truelimit.report import within
from truelimit.report.as_text import render
from truelimit.report.blocks import Rows
from truelimit.report.html.parts import Section
from truelimit.report.html.render import section
from truelimit.report.html.told import told_section
from truelimit.report.html.work_parts import work_parts
from truelimit.report.language import language
from truelimit.report.verdict_document import blocks
from truelimit.workload.options import Kind, Within


@pytest.mark.parametrize(
    ("counts", "known", "told"),
    [
        ((287, 287, 287), 288, "99.7"),
        ((288, 287, 288), 288, "100 (99.7 to 100)"),
        ((9_999, 9_999, 9_999), 10_000, "99.99"),
        ((1, 0, 1), 100_000, "0.001 (0 to 0.001)"),
        ((50, 40, 60), 100, "50 (40 to 60)"),
        ((0, 0, 0), 7, "0"),
    ],
)
def test_a_share_that_is_not_whole_is_never_shown_as_one(counts, known: int, told: str) -> None:
    assert within.share(Within(*counts), known) == told


def test_text_and_page_give_an_option_the_same_numbers() -> None:
    options = (
        result("nothing", 287, 0.0, known=288, kind=Kind.NOTHING),
        result("fix", 288, 0.0, known=288, kind=Kind.FIX, low=287),
    )
    verdict = work_verdict("m", options)
    text = render(blocks(verdict), 200, False)
    say = language("en")
    page = section(told_section(say, Section("work", "Work", work_parts(say, verdict, {}))))
    assert "99.7" in text
    assert "100 (99.7-100)" in text
    assert ">99.7%<" in page
    assert ">100% (99.7\u00a0to\u00a0100)<" in page
    assert "times out\u00a00" not in page
    for word in ("unlocks", "trust", "h a week"):
        assert 'scope="col"' in page
        assert f">{word}</th>" in page
        assert f"{word}: " in page, "each title is explained below the table"


TABLE = Rows(
    ("option", "USD now", "complete %", "time out %", "h a week"),
    (
        ("truelimit fix", "0", "100 (99.7-100)", "0 (0-0.3)", "0.47 (0.33-0.66)"),
        ("Threadripper workstation with two RX 7900 XTX", "1,800", "100", "0", "0.25 (0.12-0.57)"),
    ),
    frozenset({1}),
    titled=True,
)


def test_a_wide_table_puts_intervals_below_their_numbers() -> None:
    lines = render([TABLE], 80, False).splitlines()[1:]
    assert lines[0].split("  ")[0] == "option"
    assert lines[1].split() == ["truelimit", "fix", "0", "100", "0", "0.47"]
    assert lines[2].split() == ["(99.7-100)", "(0-0.3)", "(0.33-0.66)"]
    assert lines[1].index("100") == lines[2].index("(99.7") == lines[0].index("complete")
    assert max(map(len, lines)) <= 80


def test_a_narrow_one_sets_its_rows_as_cards() -> None:
    lines = render([TABLE], 48, False).splitlines()
    assert any(line.startswith("    complete %: 100 (99.7-100)") for line in lines)
    assert max(map(len, lines)) <= 48
