"""The page of the demo: its order of headings, its tables and figures, and that it says what the doctor says."""

from __future__ import annotations

import argparse
import base64
import hashlib
import re
from collections import Counter
from dataclasses import replace
from html import unescape
from itertools import pairwise

import pytest

from support.page_seen import seen
from support.pseudo import PSEUDO, untold
from support.report_parts import hostile_report, work_verdict
from truelimit.adapters.demo.stage import stage
from truelimit.app.report import Report, report
from truelimit.cli import evidence
from truelimit.cli.wiring import gather
from truelimit.domain.diagnosis import Diagnosis, Hardware, Verdict
from truelimit.report.html.page import assembled, drawings, page
from truelimit.report.language import ENGLISH, language


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Report:
    home = tmp_path_factory.mktemp("home")
    stage(home)
    parser = argparse.ArgumentParser()
    evidence.add_arguments(parser)
    args = parser.parse_args(["--home", str(home), "--no-cache"])
    with evidence.at(args) as (places, given):
        return report(gather(places, given, 1.0), work_verdict())


@pytest.fixture(scope="module")
def text(demo: Report) -> str:
    return page(ENGLISH, demo, "2026-02-18")


def test_headings_go_down_one_level_at_a_time(text: str) -> None:
    levels = [int(level) for level in re.findall(r"<h([1-6])", text)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_every_link_of_the_contents_leads_to_a_place_that_is_there_once(text: str) -> None:
    ids = Counter(re.findall(r'\bid="([^"]+)"', text))
    assert max(ids.values()) == 1
    wanted = re.findall(r'href="#([^"]+)"', text)
    assert len(wanted) > 5
    assert set(wanted) <= set(ids)
    assert {name for names in re.findall(r'aria-labelledby="([^"]+)"', text) for name in names.split()} <= set(ids)


def test_every_table_has_a_caption_and_titled_columns(text: str) -> None:
    tables = re.findall(r"(?s)<table.*?</table>", text)
    assert len(tables) > 8
    for table in tables:
        assert re.search(r"<caption>[^<]+</caption>", table)
        heads = re.findall(r'<th role="columnheader" scope="col"[^>]*>([^<]+)</th>', table)
        for row in re.findall(r"(?s)<tbody.*?</tbody>", table)[0].split("</tr>")[:-1]:
            assert row.count("</td>") + row.count('scope="row"') == len(heads)


def test_every_figure_tells_those_who_do_not_see_it(text: str, demo: Report) -> None:
    figures = re.findall(r"(?s)<figure.*?</figure>", text)
    assert len(figures) == len(drawings(ENGLISH, demo)) == 5
    for figure in figures:
        assert re.search(r"<title[^>]*>[^<]{10,}</title>", figure)
        assert re.search(r"<desc[^>]*>[^<]{10,}</desc>", figure)
        assert "<figcaption>" in figure
        assert 'role="img"' in figure


def test_it_says_what_the_doctor_says(text: str, demo: Report) -> None:
    for part in demo.diagnosis.verdict.parts:
        assert part.replace("'", "&#x27;") in text
    for finding in demo.diagnosis.findings:
        assert f"{finding.code} {finding.name}" in text
    assert "No hardware is needed" in text
    assert "131,072 tokens, tied with model definition; moving one alone changes nothing." in text
    assert "at a context of 262,144 tokens: 41.6 GiB of 48.0 GiB, 6.4 GiB to spare" in text
    assert "A cold prompt of 146,760 tokens takes 673 s (11.2 min) to read." in text


def test_it_fetches_nothing(text: str) -> None:
    found = seen(text)
    assert not {"src", "action", "data", "poster", "srcset", "style"} & {name for name, _ in found.attributes}
    assert not {"link", "img", "iframe", "object", "base", "form", "use", "image"} & set(found.tags)
    assert all(value.startswith("#") for name, value in found.attributes if name == "href")
    style = re.findall(r"(?s)<style>(.*?)</style>", text)[0]
    assert "@import" not in style
    assert "url(" not in style


def test_its_policy_lets_through_its_own_style_and_script(text: str) -> None:
    for kind in ("style", "script"):
        body = re.search(rf"(?s)<{kind}>(.*?)</{kind}>", text)
        assert body is not None
        digest = base64.b64encode(hashlib.sha256(body.group(1).encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in text


def test_it_needs_no_style_attribute_and_no_handler(text: str) -> None:
    assert not [name for name, _ in seen(text).attributes if name == "style" or name.startswith("on")]


def test_the_same_report_gives_the_same_bytes(demo: Report) -> None:
    assert page(ENGLISH, demo) == page(ENGLISH, demo)


def test_in_hindi_verdict_findings_and_incidents_are_told(demo: Report) -> None:
    hindi = page(language("hi"), demo)
    assert '<html lang="hi">' in hindi
    assert "नए हार्डवेयर की ज़रूरत नहीं" in hindi
    assert "1,31,072" in hindi
    told = [*demo.diagnosis.verdict.parts, *(item.message for item in demo.diagnosis.findings)]
    told += [reason for item in demo.diagnosis.incidents for reason in item.reasons]
    assert not [text for text in told if text.replace("'", "&#x27;") in hindi]
    assert "क्लाइंट ने कनेक्शन काट दिया" in hindi


def test_every_part_of_the_page_is_told(demo: Report) -> None:
    text = re.sub(r"<(style|script)\b.*?</\1>", " ", page(PSEUDO, replace(demo, work=None)), flags=re.DOTALL)
    assert untold(unescape(re.sub(r"<[^>]*>", " | ", text))) == []


def test_an_empty_diagnosis_is_a_page() -> None:
    empty = Report(Diagnosis(Verdict("Nothing was found.", Hardware.UNKNOWN)))
    text = page(ENGLISH, empty)
    assert "Nothing was found." in text
    assert drawings(ENGLISH, empty) == ()
    assert "<figure" not in text


def test_the_reason_for_no_work_is_told() -> None:
    empty = Report(Diagnosis(Verdict("Nothing was found.", Hardware.UNKNOWN)), no_work="no request is recorded")
    sections, _ = assembled(ENGLISH, empty)
    assert [item.name for item in sections] == ["verdict", "missing"]
    assert "the work: no request is recorded" in page(ENGLISH, empty)


def test_a_month_of_failures_is_counted_not_listed() -> None:
    one = hostile_report().diagnosis
    many = tuple(replace(one.incidents[0], id=str(number)) for number in range(5000))
    text = page(ENGLISH, Report(Diagnosis(one.verdict, incidents=many)))
    assert "4,995 more of the kind overflow" in text
    assert text.count("<h3>") == 5
