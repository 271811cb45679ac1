"""Markdown: what a renderer makes of it, and that text from files cannot break out of its place."""

from __future__ import annotations

import re
from pathlib import Path

import markdown
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.damage import run
from support.homes import HOMES
from truelimit.report.as_markdown import render
from truelimit.report.blocks import Heading, Items, Paragraph, Preformatted, Rows

EVIL = "**bold** _it_ `code` [link](http://x) <b>html</b> | cell ~~gone~~ $x$ &amp; \\ # > - 1."


def html(text: str) -> str:
    return markdown.markdown(text, extensions=["tables", "fenced_code"])


def plain(text: str) -> str:
    """The text that a reader sees. This renderer knows no escape of ~ and $, which others take for marks."""
    seen = re.sub(r"<[^>]+>", "", text).replace("\\~", "~").replace("\\$", "$")
    for entity, sign in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        seen = seen.replace(entity, sign)
    return seen


@pytest.mark.parametrize("verb", ["doctor", "fix", "plan"])
def test_the_report_renders_as_what_it_is(verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUELIMIT_DATA_DIR", str(tmp_path / "data"))
    named = ["qwen3-coder:30b", "--beside", "llama-3-8b"] if verb == "plan" else []
    text = run(verb, *named, *HOMES["demo"].arguments(tmp_path / "home"), "--markdown")[1]
    page = html(text)
    assert page.count("<table>") == len(re.findall(r"^\|[-:|]+\|$", text, re.MULTILINE))
    for row in re.findall(r"^\|.*\|$", text, re.MULTILINE):
        assert len(re.split(r"(?<!\\)\|", row)) in {4, 6, 8, 9}, row
    assert "|" not in plain(re.sub(r"(?s)<table>.*?</table>", "", page))
    assert page.startswith("<p><strong>")
    if verb == "fix":
        assert '<code class="language-diff">' in page


def test_signs_of_markdown_in_names_stay_text() -> None:
    blocks = [
        Heading(EVIL), Paragraph(EVIL), Paragraph(EVIL, "verdict"), Items((EVIL, "# no heading", "- no list")),
        Paragraph("# no heading"), Paragraph("> no quote"), Paragraph("- no list"),
        Rows(("a|b", "n", "c"), ((EVIL, "1", "x"), ("p|q", "2", "")), frozenset({0})),
    ]  # fmt: skip
    page = html(render(blocks))
    assert not re.search(r"<(em|code|a |b>|del|blockquote|h1|h3)", page)
    assert page.count("<strong>") == 4, "the verdict, and the three cells of the marked row"
    assert page.count("<table>") == 1
    assert page.count("<li>") == 3
    assert "**bold** _it_ `code` [link](http://x) <b>html</b> | cell" in plain(page)


@given(st.text(alphabet="`~ab\n+-@", max_size=60))
@settings(deadline=None, max_examples=60)
def test_a_diff_cannot_close_its_own_fence(text: str) -> None:
    written = render([Paragraph("before"), Preformatted(text), Paragraph("after")]).split("\n")
    fence = next(line for line in written if line.endswith("diff")).removesuffix("diff")
    assert written.count(fence) == 1
    assert fence not in text


@given(st.lists(st.text(max_size=30), min_size=3, max_size=3))
@settings(deadline=None, max_examples=80)
def test_a_table_keeps_its_cells(cells: list[str]) -> None:
    row = next(line for line in reversed(render([Rows(("a", "b", "c"), (tuple(cells),))]).splitlines()) if line)
    assert len(re.split(r"(?<!\\)(?:\\\\)*\|", row)) == 5
