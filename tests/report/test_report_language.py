"""Languages of the report: numbers as readers write them, plurals, and no message without a translation."""

from __future__ import annotations

import ast
import importlib.util
import io
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from babel.messages.pofile import read_po
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from truelimit.domain.calculation import Term, calculate
from truelimit.domain.provenance import Basis
from truelimit.report import language_numbers, numbers
from truelimit.report.language import ENGLISH, Language, LanguageError, language, languages
from truelimit.report.language_words import fixed_words

ROOT = Path(__file__).parents[2]
HINDI = language("hi")


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_catalogues", ROOT / "docs" / "make_catalogues.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_there_are_english_and_hindi() -> None:
    assert languages()[0] == "en"
    assert "hi" in languages()


@pytest.mark.parametrize("tag", languages()[1:])
def test_every_message_is_translated_with_its_places(tool: ModuleType, tag: str) -> None:
    assert tool.lacking(tool.catalogue(tag)) == []


@pytest.mark.parametrize("tag", languages()[1:])
def test_the_compiled_catalogue_is_that_of_its_source(tool: ModuleType, tag: str) -> None:
    held = (tool.folder(tag) / "truelimit.mo").read_bytes()
    assert held == tool.compiled(tool.catalogue(tag)), "make i18n compiles it anew"


def test_a_message_without_a_translation_is_found(tool: ModuleType) -> None:
    held = tool.catalogue("hi")
    held["Verdict"].string = ""
    held["{limit} binds: {value}."].string = "{limit}"
    found = tool.lacking(held)
    assert found == ["not translated: 'Verdict'", "other names in braces: '{limit} binds: {value}.'"]


def test_the_extraction_sees_literals_and_fixed_words(tool: ModuleType) -> None:
    found = {message.id if isinstance(message.id, str) else message.id[0] for message in tool.messages()}
    assert {
        "Verdict",
        "context in tokens",
        "completes",
        "prefill-exceeds-wall",
        "agent's window",
        "{count} token",
    } <= found
    assert set(fixed_words()) <= found


def test_nothing_is_said_by_a_built_string() -> None:
    """A message that is put together before it is looked up would never be found in a catalogue."""
    import ast

    rooms = [*(ROOT / "src/truelimit/report/html").glob("*.py"), *(ROOT / "src/truelimit/report/plots").glob("*.py")]
    for path in rooms:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in {"gettext", "ngettext"}
            ):
                texts = node.args[: 2 if node.func.attr == "ngettext" else 1]
                assert all(isinstance(text, ast.Constant) for text in texts), f"{path.name}:{node.lineno}"


@pytest.mark.parametrize(
    ("value", "digits", "english", "hindi"),
    [
        (0, 0, "0", "0"),
        (999, 0, "999", "999"),
        (1_000, 0, "1,000", "1,000"),
        (131_072, 0, "131,072", "1,31,072"),
        (12_345_678, 0, "12,345,678", "1,23,45,678"),
        (1_234_567.25, 2, "1,234,567.25", "12,34,567.25"),
        (-131_072.5, 1, "-131,072.5", "-1,31,072.5"),
        (17.25, 1, "17.2", "17.2"),
    ],
)
def test_thousands_are_grouped_as_readers_do(value: float, digits: int, english: str, hindi: str) -> None:
    assert ENGLISH.decimal(value, digits) == english
    assert HINDI.decimal(value, digits) == hindi


@given(st.floats(-1e12, 1e12), st.integers(0, 3))
@settings(max_examples=200, deadline=None)
def test_languages_differ_in_separators_alone(value: float, digits: int) -> None:
    english, hindi = (say.decimal(value, digits) for say in (ENGLISH, HINDI))
    assert english.replace(",", "").replace("-0", "0") == hindi.replace(",", "").replace("-0", "0")


@given(st.one_of(st.integers(0, 10**15), st.floats(0, 1e12)), st.sampled_from(["tokens", "bytes", "s", "tokens/s", ""]))
@settings(max_examples=300, deadline=None)
def test_english_numbers_are_those_of_the_terminal(value: float, unit: str) -> None:
    assume(unit != "s" or value < 59_990)  # minutes from a thousand on have no separator there
    told = numbers.quantity(value, unit)
    if unit == "tokens":
        told = f"{round(value):,} token{'s' if round(value) != 1 else ''}"
    assert language_numbers.quantity(ENGLISH, value, unit) == told
    assert language_numbers.number(ENGLISH, value) == numbers.number(value)


def test_a_formula_with_numbers_is_that_of_the_terminal() -> None:
    item = calculate("a / b", "s", Term("a", 146_760, "", "", Basis.REPORTED), Term("b", 302.7, "", "", Basis.REPORTED))
    assert language_numbers.substituted(ENGLISH, item) == numbers.substituted(item)
    assert language_numbers.substituted(HINDI, item) == "1,46,760 / 302.7"


@pytest.mark.parametrize(("count", "form"), [(0, "गणना"), (1, "गणना"), (2, "गणनाएँ"), (100_000, "गणनाएँ")])
def test_plurals_of_hindi(count: int, form: str) -> None:
    told = HINDI.ngettext("The arithmetic: {count} calculation", "The arithmetic: {count} calculations", count)
    assert told.endswith(form)
    assert HINDI.decimal(count) in told


def test_values_with_braces_are_not_read_as_places() -> None:
    assert ENGLISH.gettext("seen in {place}", place="{x} {0} %s") == "seen in {x} {0} %s"


def test_an_unknown_language_names_those_that_there_are() -> None:
    with pytest.raises(LanguageError, match="there is no language 'xx'; there are: en, hi"):
        language("xx")
    with pytest.raises(LanguageError):
        language("../../etc")


def test_a_third_language_needs_a_catalogue_only(tool: ModuleType) -> None:
    text = (
        'msgid ""\nmsgstr "Language: de\\nPlural-Forms: nplurals=2; plural=(n != 1);\\n'
        'Content-Type: text/plain; charset=utf-8\\n"\n\n'
        'msgid "{count} token"\nmsgid_plural "{count} tokens"\nmsgstr[0] "{count} Token"\nmsgstr[1] "{count} Tokens"\n'
    )
    from gettext import GNUTranslations

    held = read_po(io.BytesIO(text.encode()), locale="de")
    say = Language("de", GNUTranslations(io.BytesIO(tool.compiled(held))))
    assert language_numbers.tokens(say, 131_072) == "131.072 Tokens"
    assert say.gettext("Verdict") == "Verdict"
    assert language_numbers.number(say, 0.5) == "0,5"


UNIT_AT = {"calculate": 1, "term": 2, "Term": 2, "rung_term": 2}


def _units() -> Iterator[str]:
    for path in (ROOT / "src" / "truelimit").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            place = UNIT_AT.get(getattr(call.func, "id", "")) if isinstance(call, ast.Call) else None
            if isinstance(call, ast.Call) and place is not None and len(call.args) > place:
                unit = call.args[place]
                if isinstance(unit, ast.Constant) and isinstance(unit.value, str) and unit.value:
                    yield unit.value


def test_every_unit_of_a_calculation_is_in_the_catalogues(tool: ModuleType) -> None:
    units, known = set(_units()), {message.id for message in tool.messages()}
    assert {"tokens", "s/token^2", "tokens/s at most, implied"} <= units
    assert units - known == set()
