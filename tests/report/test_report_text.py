"""Text for terminals: tables in columns or stacked, hanging lists, nothing said twice."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truelimit.domain.calculation import Term, calculate
from truelimit.domain.findings import Applicability, FixIdea
from truelimit.domain.provenance import Basis
from truelimit.report.as_text import render
from truelimit.report.blocks import Block, Heading, Items, Paragraph, Preformatted, Rows, Shown
from truelimit.report.calculations import calculation, calculations
from truelimit.report.document import fix_idea
from truelimit.report.shorten import shortened

TABLE = Rows(
    ("Context", "limit", "what it is", "from"),
    (
        (
            "native",
            "262,144",
            "physical, measured",
            "~/.ollama/models/blobs/sha256-cb97069c..: qwen3moe.context_length",
        ),
        ("definition", "131,072", "BINDS: label, reported", "~/.ollama/models/blobs/sha256-1fb6942f..: num_ctx"),
    ),
    frozenset({1}),
)


def lines(*blocks: Block, width: int = 80) -> list[str]:
    return render(blocks, width, colour=False).splitlines()


def test_a_wide_page_has_columns_with_numbers_to_the_right() -> None:
    text = lines(TABLE, width=120)
    assert text[1].split() == ["Context", "limit", "what", "it", "is", "from"]
    assert text[2].startswith("native      262,144  physical, measured      ~/.ollama")
    assert {line.index("262,144" if "262" in line else "131,072") for line in text[2:4]} == {12}


def test_a_narrow_page_sets_long_text_below_its_row() -> None:
    text = lines(TABLE, width=60)
    assert "native      262,144" in text
    assert text[3:5] == ["    physical, measured;", "    ~/.ollama/models/blobs/sha256-cb97069c..:"]
    assert all(len(line) <= 60 for line in text)


def test_titles_stand_below_where_the_table_asks_for_it() -> None:
    table = Rows(("model", "bytes", "heads", "cache"), (("a" * 30, "98,304", "4", "24.0 GiB"),), titled=True)
    assert "    heads: 4; cache: 24.0 GiB" in lines(table, width=40)


def test_items_hang_and_diffs_stay_whole() -> None:
    text = lines(Items(("one two three four five six seven eight nine ten",), 2), width=40)
    assert text == ["  - one two three four five six seven", "    eight nine ten"]
    diff = "--- a\n+++ b\n+" + "x" * 100
    assert lines(Preformatted(diff), width=40) == diff.splitlines()


def test_a_calculation_is_explained_once() -> None:
    a = Term("a", 2.0, "s/token", "the log", Basis.MEASURED)
    n = Term("n", 10, "tokens", "the transcript", Basis.REPORTED)
    none = Term("b", 0, "s", "nothing", Basis.DERIVED)
    first, second = calculate("a * n + b", "s", a, n, none), calculate("a * n * 2", "s", a, n)
    shown = Shown()
    told = lines(*calculation(first, shown=shown), *calculation(second, shown=shown), width=120)
    assert told[0] == "  a * n + b = 2 * 10 + 0 = 20 s"
    assert "    - a = 2 s/token [measured: the log]" in told
    assert "    - b: none here (0)" in told
    assert told[-1] == "    - a, n: as above"
    again = lines(*calculations((first, second), shown))
    assert again == ["  - its arithmetic stands above"]


def test_a_name_that_has_stood_for_something_else_since_is_told_again() -> None:
    one, other = Term("a", 2.0, "s", "one", Basis.MEASURED), Term("a", 3.0, "s", "other", Basis.MEASURED)
    n = Term("n", 1, "tokens", "the transcript", Basis.REPORTED)
    shown, told = Shown(), []
    for made in (calculate("a * n", "s", one, n), calculate("a * n", "s", other, n), calculate("a * 2", "s", one)):
        told += lines(*calculation(made, shown=shown), width=120)
    assert told.count("    - a = 2 s [measured: one]") == 2
    assert told.count("    - a = 3 s [measured: other]") == 1


def test_two_calculations_of_one_result_with_other_numbers_are_both_told() -> None:
    ratios = [calculate("a / b", "", Term("a", x, "", "one", Basis.MEASURED), Term("b", x, "", "two", Basis.MEASURED))
              for x in (2.0, 3.0)]  # fmt: skip
    told = lines(*calculations(ratios, Shown()), width=120)
    assert "  a / b = 2 / 2 = 1" in told
    assert "  a / b = 3 / 3 = 1" in told


def test_bytes_stand_beside_their_size_in_words() -> None:
    kv = Term("kv", 25_769_803_776, "bytes", "the header", Basis.MEASURED)
    (_, line) = lines(*calculation(calculate("kv", "bytes", kv)), width=120)
    assert line == "    - kv = 25,769,803,776 bytes (24.0 GiB) [measured: the header]"


def test_steps_for_a_person_are_told_once() -> None:
    shown = Shown()
    one = FixIdea("Mend it", Applicability.MANUAL, steps=("upgrade", "send less"))
    two = FixIdea("Mend the other", Applicability.MANUAL, steps=("upgrade", "wait"))
    three = FixIdea("Mend the third", Applicability.MANUAL, steps=("upgrade",))
    told = lines(*(block for fix in (one, two, three) for block in fix_idea(fix, shown)))
    assert [line.strip() for line in told if "by hand" in line] == [
        "- by hand: upgrade", "- by hand: send less", "- by hand: wait", "- by hand: as above",
    ]  # fmt: skip


def test_names_are_shortened_and_control_characters_replaced() -> None:
    block = Paragraph("/home/me/.ollama/models/blobs/sha256-" + "ab" * 32 + ": x\x1b[2J\u202ey\nz")
    assert shortened(block) == Paragraph("~/.ollama/models/blobs/sha256-abababab..: x\ufffd[2J\ufffdy z")
    assert shortened(Preformatted("a\tb\n\x07c")) == Preformatted("a\tb\n\ufffdc")


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/home/max/.openclaw/openclaw.json", "~/.openclaw/openclaw.json"),
        ("demohome/.openclaw/openclaw.json: key", "~/.openclaw/openclaw.json: key"),
        ("in ../a/demohome/.ollama/models/x (line 3)", "in ~/.ollama/models/x (line 3)"),
        ("/Users/Max Muster/.ollama/logs/server.log", "~/.ollama/logs/server.log"),
        ("file=demohome/.openclaw-work/a", "file=~/.openclaw-work/a"),
        (".openclaw/openclaw.json", ".openclaw/openclaw.json"),
    ],
)
def test_a_home_is_told_as_one_however_it_was_named(path: str, told: str) -> None:
    found = shortened(Paragraph(path))
    assert isinstance(found, Paragraph)
    assert found.text == told


def test_long_text_without_a_home_is_read_in_no_time() -> None:
    begun = time.perf_counter()
    shortened(Paragraph("a/" * 200_000))
    assert time.perf_counter() - begun < 2


def test_a_space_at_which_no_line_may_end_stays() -> None:
    assert shortened(Paragraph("0.49 (0.37\u00a0to\u00a00.66)  x")) == Paragraph("0.49 (0.37\u00a0to\u00a00.66) x")


ANY = st.text(max_size=80)
BLOCKS = st.lists(
    st.builds(Heading, ANY)
    | st.builds(Paragraph, ANY, st.sampled_from(["verdict", "plain", "good", "bad", "dim"]), st.integers(0, 8))
    | st.builds(Items, st.lists(ANY, max_size=3).map(tuple), st.integers(0, 8))
    | st.builds(Preformatted, ANY)
    | st.lists(st.tuples(ANY, ANY, ANY), max_size=3).map(lambda rows: Rows(("a", "b", "c"), tuple(rows))),
    max_size=6,
)


@settings(deadline=None, max_examples=60)
@given(blocks=BLOCKS, width=st.integers(1, 200), colour=st.booleans())
def test_any_text_can_be_printed(blocks: list[Block], width: int, colour: bool) -> None:
    text = render(blocks, width, colour)
    assert text.endswith("\n")
    assert not colour or text.replace("\x1b[", "").count("\x1b") == 0
    assert colour or "\x1b" not in text
