"""Pages are set as rich sets them, sign by sign, without loading it for plain text."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from support.rich_page import render_by_rich
from truelimit.report.as_text import render
from truelimit.report.blocks import Block, Heading, Items, Paragraph, Preformatted, Rows
from truelimit.report.folded import folded
from truelimit.report.shorten import shortened
from truelimit.report.wrap import cells, painted, untabbed, wrapped

WORDS = st.sampled_from([
    "a", "bb", "tokens", "131,072", "x" * 30, "y" * 45, "z" * 99, "/a/b/c.gguf", "(c;", "-", "a-b", "", "  ", "\u00a0",
    "é", "±", "µs", "→", "漢字", "漢" * 25, "क्षेत्र", "स्मृति में", "👩\u200d👩\u200d👧", "⚠️", "x\u200b", "ﷺ", "e\u0301" * 30,
])  # fmt: skip
TEXTS = st.lists(WORDS, max_size=30).map(" ".join)
SHORT = st.lists(WORDS, max_size=3).map(" ".join)
LINES = st.lists(st.one_of(WORDS, st.sampled_from(["\t", "+", "-", "@", " x"])), max_size=8).map("".join)
INDENTS = st.sampled_from([0, 2, 4, 8])


@st.composite
def tables(draw: st.DrawFn) -> Rows:
    count = draw(st.integers(2, 5))
    head = tuple(" ".join(draw(SHORT).split()) for _ in range(count))
    cell = st.one_of(SHORT, TEXTS)
    rows = tuple(tuple(draw(cell) for _ in range(count)) for _ in range(draw(st.integers(0, 4))))
    marked = frozenset(index for index in range(len(rows)) if draw(st.booleans()))
    return Rows(head, rows, marked, draw(st.booleans()))


BLOCKS: st.SearchStrategy[Block] = st.one_of(
    st.builds(Heading, TEXTS, st.sampled_from([1, 2])),
    st.builds(Paragraph, TEXTS, st.sampled_from(["verdict", "good", "bad", "dim", "plain"]), INDENTS),
    st.builds(Items, st.lists(TEXTS, max_size=3).map(tuple), INDENTS),
    st.builds(Preformatted, st.lists(LINES, max_size=4).map("\n".join)),
    tables(),
)


@settings(deadline=None, max_examples=300)
@given(st.lists(BLOCKS, min_size=1, max_size=3), st.sampled_from([40, 41, 60, 80, 120, 300]), st.booleans())
def test_a_page_is_the_same_as_by_rich(blocks: list[Block], width: int, colour: bool) -> None:
    assume(not any(_folds(block, width) for block in blocks))  # those are set in our own way: test_report_folded
    assert render(blocks, width, colour) == render_by_rich(blocks, width, colour)


def _folds(block: Block, width: int) -> bool:
    block = shortened(block)  # as a page has it
    return isinstance(block, Rows) and block.titled and folded(block.head, block.rows, width, 2) is not None


@given(TEXTS, st.integers(10, 100))
def test_no_line_is_too_wide_and_no_word_is_lost(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert all(cells(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("", 10, [""]),
        ("one two three", 7, ["one two", "three"]),
        ("one two three", 8, ["one two ", "three"]),
        ("abcdefghijklm no", 5, ["abcde", "fghij", "klm ", "no"]),
        ("漢字漢字", 5, ["漢字", "漢字"]),
    ],
)
def test_lines_break_between_words_and_within_long_ones(text: str, width: int, lines: list[str]) -> None:
    assert wrapped(text, width) == lines


def test_tabs_reach_to_the_next_eighth_column() -> None:
    assert untabbed("a\tb") == ["a       ", "b"]
    assert untabbed("12345678\t漢\t.") == ["12345678" + " " * 8, "漢" + " " * 6, "."]
    assert untabbed("") == []


def test_what_is_empty_has_no_colour() -> None:
    assert painted("", "bold") == ""
    assert painted("a", "") == "a"
    assert painted("a", "bold yellow") == "\x1b[1;33ma\x1b[0m"


def test_plain_text_is_set_without_rich() -> None:
    code = (
        "import sys; from truelimit.report.as_text import render; from truelimit.report.blocks import Paragraph\n"
        "render([Paragraph('plain ' * 40)], 60, True); sys.exit('rich' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
