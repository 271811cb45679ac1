"""Messages: English text that remembers its template, told in another language with its numbers and its parts."""

from __future__ import annotations

import copy
import json
import pickle
from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from support.pseudo import PSEUDO, strange, untold
from truelimit.domain.limits import LimitKind
from truelimit.domain.message import Message, capital, counted, figure, joined, said
from truelimit.report import numbers
from truelimit.report.language import ENGLISH
from truelimit.report.language_format import number


def test_a_message_is_its_english_text() -> None:
    item = said("{limit:,} tokens of {name}", limit=131072, name="qwen")
    assert item == "131,072 tokens of qwen"
    assert {item: 1}["131,072 tokens of qwen"] == 1
    assert json.dumps([item]) == '["131,072 tokens of qwen"]'
    assert ENGLISH.told(item) is item


def test_it_is_told_with_the_numbers_of_the_language_and_data_stays() -> None:
    item = said("{limit:,} tokens of {name}", limit=131072, name="qwen coder")
    assert PSEUDO.told(item) == f"131.072 {strange('tokens')} {strange('of')} qwen coder"


def test_parts_are_told_too() -> None:
    inner = said("in all {size}", size=numbers.size(5 << 30))
    item = said("{inner}: {kind}", inner=inner, kind=LimitKind.LABEL)
    assert item == "in all 5.0 GiB: label"
    assert PSEUDO.told(item) == f"{strange('in all')} 5,0 {strange('GiB')}: {strange('label')}"


@pytest.mark.parametrize("made", [copy.copy, copy.deepcopy, lambda item: pickle.loads(pickle.dumps(item)), str])
def test_a_copy_can_still_be_told(made: object) -> None:
    item = said("at {share:.1%}", share=0.25)
    again = made(item)  # type: ignore[operator]
    assert again == item
    assert PSEUDO.told(again) == f"{strange('at')} 25,0%"


def test_an_error_keeps_its_message() -> None:
    error = ValueError(said("no such file: {file}", file="a b"))
    assert PSEUDO.told(str(error)) == f"{strange('no such file')}: a b"
    assert PSEUDO.told(said("{error}; stop", error=error)) == f"{strange('no such file')}: a b; {strange('stop')}"


@pytest.mark.parametrize(
    ("count", "text"), [(1, "1 attempt by me"), (0, "0 attempts by me"), (2000, "2,000 attempts by me")]
)
def test_plurals(count: int, text: str) -> None:
    item = counted("{count} attempt by {who}", "{count} attempts by {who}", count, who="me")
    assert item == text
    assert PSEUDO.told(item).startswith(f"{count:,}".replace(",", "."))


def test_sums_and_lists_are_told_in_parts() -> None:
    item = "qwen: " + said("read") + ", " + joined(" and ", (said("one"), "two", figure(1234.5, ",.1f")))
    assert item == "qwen: read, one and two and 1,234.5"
    assert PSEUDO.told(item) == f"qwen: {strange('read')}, {strange('one')} and two and 1.234,5"


def test_a_capital_is_set_after_the_telling() -> None:
    assert capital(said("the end")) == "The end"
    assert PSEUDO.told(capital(said("the end"))) == strange("the end").capitalize()
    assert capital("") == ""


def test_values_can_be_changed() -> None:
    item = said("by {name}, {number:,}", name="first-event", number=1000)
    changed = item.with_values(lambda value: "the first event" if value == "first-event" else value)
    assert changed == "by the first event, 1,000"
    assert changed.template == item.template


def test_a_time_is_the_same_everywhere() -> None:
    assert PSEUDO.told(said("{time:%Y-%m-%d}", time=date(2026, 2, 18))) == "2026-02-18"


@given(st.floats(-1e12, 1e12, allow_nan=False), st.sampled_from([",.1f", ".2f", ",.0f", ".1%", ",.3f", "+.1f"]))
def test_numbers_differ_from_english_in_their_separators_alone(value: float, form: str) -> None:
    assume(format(value, form).strip("-+0.%"))
    swapped = format(value, form).translate(str.maketrans(",.", ".,"))
    told = number(PSEUDO, value, form)
    assert told.replace("\u2212", "-").replace(".", "") == swapped.replace(".", "")


@given(st.text())
def test_any_text_without_places_is_told_as_it_is(text: str) -> None:
    assert Message(text) == text
    assert said(text) == text
    assert ENGLISH.told(said(text)) == text


def test_untold_sees_two_words_and_no_paths() -> None:
    assert untold("131.072 tokens binds here, ~/.ollama/models/blobs: num_ctx") == ["tokens binds here"]
    assert untold(strange("nothing is left here") + " {x} qwen3 num_ctx=4") == []
