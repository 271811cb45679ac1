"""What the shares of classes leave out is told in one way by text, page and JSON; a repeat is a call."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from truelimit.app.workload import ReadNow, WorkloadView
from truelimit.domain.workload import Ending, WorkRequest
from truelimit.report.as_text import render
from truelimit.report.class_notes import class_notes
from truelimit.report.html.parts import Section
from truelimit.report.html.render import section
from truelimit.report.html.told import told_section
from truelimit.report.html.workload_parts import workload_parts
from truelimit.report.language import language
from truelimit.report.workload_document import as_json, shown
from truelimit.units import Seconds, Tokens
from truelimit.workload.summary import Work, summary

BEGAN = datetime(2026, 2, 18, 11, 0, tzinfo=UTC)


def request(key: str, minute: float, **more: object) -> WorkRequest:
    fields: dict[str, object] = {"ending": Ending.DONE, "turn": f"t{key}"} | more
    return WorkRequest(
        key, "codex", "codex", "s", "m", BEGAN + timedelta(minutes=minute), Tokens(3_000),
        duration=Seconds(36.0), **fields,  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.fixture
def work() -> Work:
    answered = [request(str(n), n, files_edited=5 * (n == 0)) for n in range(4)]
    lost = [request("x", 10, ending=Ending.TIMED_OUT), request("y", 11, ending=Ending.TIMED_OUT, turn="tx")]
    return summary([*answered, *lost, request("z", 20, turn=None)])


def texts(work: Work) -> dict[str, str]:
    view = WorkloadView(work, "store", work.requests, 0, ReadNow(0, 0, 0, 0.0), 0)
    parts = workload_parts(language("en"), work)
    page = section(told_section(language("en"), Section("work", "Work", parts)))
    return {"text": " ".join(render(shown(view), 400, False).split()), "page": page, "json": as_json(view)}


def test_text_page_and_json_leave_out_the_same_and_say_so(work: Work) -> None:
    notes = [str(item) for item in class_notes(work)]
    assert notes == [
        "In no share: 1 turn none of whose calls was answered (2 requests, 6,000 tokens, 0.02 h of waiting). "
        "What they would have been nobody knows.",
        "If every one of them had been work on 5 or more files, that would be 40.0 % of the turns.",
        "In no share: 1 request, 3,000 tokens, 0.01 h of waiting of which no turn of the user is known.",
    ]
    told = texts(work)
    for note in notes:
        assert all(note in told[form] for form in ("text", "page"))
    data = json.loads(told["json"])
    assert data["class_notes"][1:] == notes
    assert sum(item["requests"] for item in data["classes"]) == 4
    assert data["unanswered"] == {
        "requests": 2, "turns": 1, "prompt_tokens": 6_000, "seconds": 72.0, "in_shares": False,
    }  # fmt: skip


def test_work_without_an_answer_has_no_classes_but_the_note() -> None:
    told = texts(summary([request("x", 0, ending=Ending.OVERFLOW)]))
    assert all("In no share: 1 turn none of whose calls was answered" in told[form] for form in ("text", "page"))
    assert "If every one" not in told["text"]


def test_repeats_are_calls_in_every_form() -> None:
    failed = request("1", 0, ending=Ending.TIMED_OUT)
    told = texts(summary([failed, request("2", 2, turn="t1", retry_of="1")]))
    assert re.search(r"outcome +calls +of calls", told["text"])
    assert re.search("ending</th><th[^>]*>calls</th>", told["page"])
    outcomes = json.loads(told["json"])["outcomes"]
    assert [(item["name"], item["calls"], item["of_calls"]) for item in outcomes] == [
        ("done", 1, 0.5), ("timed-out", 1, 0.5),
    ]  # fmt: skip
