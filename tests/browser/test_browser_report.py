"""The report in a real browser: nothing asked for, nothing complained of, nothing cut, light, dark, narrow, on paper.

TRUELIMIT_SHOTS=DIR keeps pictures of what the tests looked at.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.browser import Page, found, page
from support.report_parts import hostile_report, work_verdict
from truelimit.adapters.demo.stage import stage
from truelimit.app.report import report
from truelimit.cli import evidence
from truelimit.cli.wiring import gather
from truelimit.report.html.page import page as written
from truelimit.report.language import language

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="the browser is spoken to over inherited pipes"),
    pytest.mark.skipif(found() is None, reason="no browser here: install chromium, or name one in TRUELIMIT_BROWSER"),
]
PAGES = ("demo-en", "demo-hi", "hostile-en", "hostile-hi")
NARROW, WIDE = 400, 1100
A4 = 718  # CSS pixels between the margins that browsers print with
TABLES = "[...new Set([...document.querySelectorAll('table')].map(item => getComputedStyle(item).display))]"
READABLE = """[...document.querySelectorAll('svg')].map(svg =>
    11.5 * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width)"""
OUTSIDE = """[...document.querySelectorAll('svg')].flatMap(svg => [...svg.querySelectorAll('text')].filter(text => {
    const box = text.getBBox(), all = svg.viewBox.baseVal;
    return box.x < -1 || box.y < -1 || box.x + box.width > all.width + 1 || box.y + box.height > all.height + 1;
}).map(text => text.textContent))"""
OVERLAPS = """[...document.querySelectorAll('svg')].flatMap(svg => {
    const texts = [...svg.querySelectorAll('text')].map(text => [text.textContent, text.getBBox()]);
    return texts.flatMap(([one, a], i) => texts.slice(i + 1).filter(([other, b]) =>
        a.x < b.x + b.width && b.x < a.x + a.width && a.y + 2 < b.y + b.height - 2 && b.y + 2 < a.y + a.height - 2
    ).map(([other]) => one + ' | ' + other));
})"""
WIDTHS = """[...document.querySelectorAll('svg text')].map(text => [
    text.textContent, +text.getAttribute('font-size'), text.getBBox().width, text.classList.contains('strong')])"""
UNSEEN = """[...document.querySelectorAll('details *')]
    .filter(item => !item.checkVisibility({contentVisibilityAuto: true})).length"""
TOO_WIDE = """[...document.querySelectorAll('main *')].filter(item =>
    item.getBoundingClientRect().right > innerWidth + 1 && !item.closest('svg') && !item.closest('thead')
).map(item => item.tagName + ' ' + item.textContent.slice(0, 60))"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("pages")
    home = folder / "home"
    home.mkdir()
    stage(home)
    parser = argparse.ArgumentParser()
    evidence.add_arguments(parser)
    args = parser.parse_args(["--home", str(home), "--no-cache"])
    with evidence.at(args) as (places, given):
        demo = report(gather(places, given, 1.0), work_verdict("truelimit fix"))
    reports = {"demo": demo, "hostile": hostile_report()}
    for name in PAGES:
        kind, tag = name.split("-")
        (folder / f"{name}.html").write_text(written(language(tag), reports[kind]), encoding="utf-8")
    return {name: (folder / f"{name}.html").as_uri() for name in PAGES}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with page(tmp_path_factory.mktemp("profile")) as item:
        yield item


def keep(browser: Page, name: str) -> None:
    if folder := os.environ.get("TRUELIMIT_SHOTS"):
        browser.picture(Path(folder) / f"{name}.png")


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_it_asks_for_nothing_and_nothing_is_wrong_with_it(browser: Page, files, name: str, script: bool) -> None:
    browser.open(files[name], WIDE, script=script)
    assert browser.asked() == [files[name]]
    assert browser.complaints() == []
    assert not [event for event in browser.events if event.get("method") == "Page.javascriptDialogOpening"]


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [320, NARROW, 700, 800, WIDE, 1800])
def test_nothing_is_wider_than_the_window(browser: Page, files, name: str, width: int) -> None:
    browser.open(files[name], width)
    browser.value("document.querySelectorAll('details').forEach(part => part.open = true)")
    assert browser.value("document.documentElement.scrollWidth") <= width
    if width >= NARROW:
        assert browser.value(TOO_WIDE) == []
    keep(browser, f"{name}-{width}")


@pytest.mark.parametrize("name", PAGES)
def test_on_a_phone_tables_are_cards_and_labels_can_be_read(browser: Page, files, name: str) -> None:
    browser.open(files[name], 390)
    assert browser.value(TABLES) == ["block"]
    assert min(browser.value(READABLE)) >= 10  # CSS pixels


@pytest.mark.parametrize("name", PAGES)
def test_no_label_of_a_drawing_is_cut_or_lies_on_another(browser: Page, files, name: str) -> None:
    browser.open(files[name], WIDE)
    assert browser.value("document.querySelectorAll('svg text').length") > 50
    assert browser.value(OUTSIDE) == []
    assert browser.value(OVERLAPS) == []


def test_labels_are_no_wider_than_was_reckoned(browser: Page, files) -> None:
    """The boxes that the drawings are laid out by are estimates: the browser's own must lie within them."""
    from truelimit.report.plots.letters import width_of

    for name in ("demo-en", "demo-hi"):
        browser.open(files[name], WIDE)
        for text, size, width, bold in browser.value(WIDTHS):
            assert width <= width_of(text, size) * (1.13 if bold else 1.03) + 1, text


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_follows_the_scheme_that_its_reader_prefers(browser: Page, files, scheme: str) -> None:
    browser.open(files["demo-en"], WIDE, scheme=scheme)
    ground = browser.value("getComputedStyle(document.body).backgroundColor")
    ink = browser.value("getComputedStyle(document.querySelector('svg text.ink')).fill")
    pair = {"light": ("rgb(255, 255, 255)", "rgb(27, 31, 36)"), "dark": ("rgb(18, 22, 28)", "rgb(230, 237, 243)")}
    assert (ground, ink) == pair[scheme]
    keep(browser, f"demo-en-{scheme}")


def test_on_paper_it_is_light_and_all_arithmetic_is_shown(browser: Page, files, tmp_path: Path) -> None:
    browser.open(files["demo-en"], WIDE, scheme="dark", script=False)
    browser.call(
        "Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}]
    )
    browser.call("Emulation.setScriptExecutionDisabled", value=False)
    assert browser.value("getComputedStyle(document.querySelector('svg text.ink')).fill") == "rgb(27, 31, 36)"
    assert browser.value("getComputedStyle(document.querySelector('nav')).display") == "none"
    assert browser.value(UNSEEN) == 0
    browser.call("Emulation.setDeviceMetricsOverride", width=A4, height=900, deviceScaleFactor=1, mobile=False)
    assert browser.value(TABLES) == ["table"], "a sheet of paper is narrow, and its tables are tables all the same"
    assert browser.value("document.documentElement.scrollWidth") <= A4
    paper = tmp_path / "report.pdf"
    browser.paper(paper)
    data = paper.read_bytes()
    assert data.startswith(b"%PDF")
    assert data.count(b"/Type /Page\n") >= 6


def test_the_button_shows_all_arithmetic_and_hides_it_again(browser: Page, files) -> None:
    browser.open(files["demo-en"], WIDE)
    opened = "[...document.querySelectorAll('details')].filter(part => part.open).length"
    assert browser.value(opened) == 0
    browser.value("document.getElementById('unfold').click()")
    assert browser.value(opened) == browser.value("document.querySelectorAll('details').length") > 5
    browser.value("document.getElementById('unfold').click()")
    assert browser.value(opened) == 0


def test_without_a_script_all_is_there_but_the_button(browser: Page, files) -> None:
    browser.open(files["demo-en"], WIDE, script=False)
    browser.call("Emulation.setScriptExecutionDisabled", value=False)
    assert browser.value("getComputedStyle(document.getElementById('unfold')).display") == "none"
    browser.value("document.querySelector('details summary').click()")
    assert browser.value("document.querySelector('details').open")
    assert browser.value("document.querySelectorAll('table').length") > 8


def test_a_reader_of_the_screen_finds_landmarks_headings_and_names(browser: Page, files) -> None:
    browser.open(files["demo-en"], NARROW)
    browser.call("Accessibility.enable")
    nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
    roles = [node["role"]["value"] for node in nodes if not node.get("ignored")]
    for role in (
        "main",
        "navigation",
        "banner",
        "contentinfo",
        "figure",
        "table",
        "columnheader",
        "rowheader",
        "region",
    ):
        assert role in roles, role
    drawings = [node for node in nodes if node["role"]["value"] in {"image", "img"} and not node.get("ignored")]
    named = [node["name"]["value"] for node in drawings if len(node.get("name", {}).get("value", "")) > 20]
    assert len(named) == browser.value("document.querySelectorAll('svg').length")
    browser.call("Accessibility.disable")
