"""Nothing from a file becomes markup, a script, a style or a request."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.page_seen import seen
from support.report_parts import EVIL, HOSTILE, hostile_report
from truelimit.report.blocks import Heading, Items, Paragraph, Preformatted, Rows
from truelimit.report.html.page import drawings, page
from truelimit.report.html.parts import Badge, Captioned, Folded, Part
from truelimit.report.html.render import parts
from truelimit.report.language import language
from truelimit.report.plots.svg import safe

TAGS = {
    "a", "body", "button", "caption", "circle", "desc", "details", "div", "figcaption", "figure", "footer", "h1",
    "h2", "h3", "h4", "head", "header", "html", "li", "line", "main", "meta", "nav", "p", "polygon", "polyline",
    "rect", "script", "section", "span", "strong", "style", "summary", "svg", "table", "tbody", "td", "text", "th",
    "thead", "title", "tr", "ul",
}  # fmt: skip
ATTRIBUTES = {
    "aria-label", "aria-labelledby", "charset", "class", "content", "cx", "cy", "data-title", "font-family",
    "font-size", "height", "hidden", "href", "http-equiv", "id", "lang", "name", "points", "r", "role", "scope",
    "tabindex", "text-anchor", "type", "viewbox", "width", "x", "x1", "x2", "xmlns", "y", "y1", "y2",
}  # fmt: skip


@pytest.fixture(scope="module", params=["en", "hi"])
def hostile(request: pytest.FixtureRequest) -> str:
    return page(language(request.param), hostile_report(), created=HOSTILE)


def test_a_hostile_report_holds_only_the_tags_and_attributes_of_the_page(hostile: str) -> None:
    found = seen(hostile)
    assert set(found.tags) <= TAGS
    assert {name for name, _ in found.attributes} <= ATTRIBUTES
    assert found.tags.count("script") == found.tags.count("style") == 1
    assert all(value.startswith("#") for name, value in found.attributes if name == "href")


def test_hostile_text_is_shown_as_what_it_is(hostile: str) -> None:
    text = " ".join(" ".join(seen(hostile).text).split())
    for attack in EVIL[:8]:
        assert " ".join(attack.split()) in text
    assert "{count}" not in text
    assert not re.search("[\x00-\x08\x1b\u202e\ud800-\udfff]", hostile)


def test_the_policy_forbids_all_but_what_the_page_holds(hostile: str) -> None:
    policy = next(value for name, value in seen(hostile).attributes if "default-src" in value)
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "http" not in policy


def test_drawings_of_a_hostile_report_are_well_formed_and_hold_no_script() -> None:
    for figure in drawings(language("en"), hostile_report()):
        for text in (figure.file(), figure.picture(), figure.inline()):
            tree = ET.fromstring(text)
            names = {item.tag.rpartition("}")[2] for item in tree.iter()}
            assert names <= {"svg", "title", "desc", "style", "rect", "line", "circle", "polyline", "polygon", "text"}
            assert not any(key.startswith("on") or "href" in key for item in tree.iter() for key in item.attrib)


def _every_part(text: str) -> list[Part]:
    return [
        Heading(text), Paragraph(text, "bad"), Items((text,)), Rows((text, text), ((text, text),)), Badge(text),
        Captioned(text, Rows((text, "b"), ((text, text),))), Folded(text, (Paragraph(text),)),
    ]  # fmt: skip


@given(st.text(min_size=1, max_size=60).filter(str.strip))
@settings(max_examples=200, deadline=None)
def test_any_text_stays_text(text: str) -> None:
    assert seen("\n".join(parts(_every_part(text)))).tags == seen("\n".join(parts(_every_part("x")))).tags


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_diff_stays_text(text: str) -> None:
    assert set(seen("".join(parts([Preformatted(text)]))).tags) <= {"pre", "span"}


@given(st.text())
@settings(max_examples=300, deadline=None)
def test_safe_text_is_well_formed_xml_and_keeps_its_letters(text: str) -> None:
    tree = ET.fromstring(f'<a b="{safe(text)}">{safe(text)}</a>')
    kept = [sign for sign in text if sign.isalnum()]
    assert [sign for sign in tree.text or "" if sign.isalnum()] == kept
