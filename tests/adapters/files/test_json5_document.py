"""Reading and changing JSON5: what is changed reads back, and nothing else moves."""

from __future__ import annotations

import contextlib
import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truelimit.adapters.files.json5_document import MAX_BYTES, Json5Document, Json5Error
from truelimit.adapters.files.json5_strings import write_string
from truelimit.adapters.files.json5_syntax import MAX_DEPTH
from truelimit.adapters.files.json5_values import put, same

SAMPLE = Path(__file__).parents[2] / "samples/openclaw/2026.2.17/openclaw.json5"
MODEL = ("models", "providers", "ollama", "models", 0)


def doc(text: str) -> Json5Document:
    return Json5Document.parse(text, "x.json5")


def changed_lines(old: str, new: str) -> tuple[list[str], list[str]]:
    before, after = old.splitlines(), new.splitlines()
    return [x for x in before if x not in after], [x for x in after if x not in before]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{a:1,}", {"a": 1}),
        (
            "\ufeff// c\n{ /* d */ 'a b': \"x\", $y_1: .5, z: 5., h: -0xFF }",
            {"a b": "x", "$y_1": 0.5, "z": 5.0, "h": -255},
        ),
        ("[1e3, +2, -0, Infinity, -Infinity]", [1000.0, 2, 0, math.inf, -math.inf]),
        ('{null: 1, true: 2, "": 3}', {"null": 1, "true": 2, "": 3}),
        ('{"a": 1, a: 2}', {"a": 2}),
        ('"C:\\\\xampp\\\\u0041"', "C:\\xampp\\u0041"),
        (r'"\ud83d\ude00\u00e9\x41\v\0\/\q"', "\U0001f600éA\v\0/q"),
        (r'"\ud83d"', "\ufffd"),
        ("'it\\'s \"q\" \\\r\nnext'", 'it\'s "q" next'),
        ('"\u2028"', "\u2028"),
        ("// only\r{}", {}),
        ("{\\u0061b: 1, ünï: 2}", {"ab": 1, "ünï": 2}),
        ("9" * 5000, math.inf),
        ("null", None),
    ],
)
def test_reads_json5(text: str, value: object) -> None:
    assert same(doc(text).value, value)


def test_reads_nan() -> None:
    assert same(doc("{a: NaN}").value, {"a": math.nan})


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("", 1, "too early"),
        ("{\n a: 1\n b: 2}", 3, "unexpected character 'b'"),
        ("{a: 1} x", 1, "unexpected character 'x'"),
        ("[1,,2]", 1, "unexpected character ','"),
        ("{a: 01}", 1, "unexpected character '1'"),
        ("{a: 0x}", 1, "unexpected character 'x'"),
        ("{a: truex}", 1, "unexpected character 't'"),
        ("\n{a: 'b\n'}", 2, "a string is not closed"),
        ("{a: 1 /* b }", 1, "never closed"),
        (r'"\u12"', 1, "broken escape"),
        (r'"\01"', 1, "broken escape"),
        ("{1a: 1}", 1, "unexpected character '1'"),
        ("{a}", 1, "unexpected character '}'"),
        ("[" * (MAX_DEPTH + 1), 1, "nested deeper"),
        ("[" * 100_000, 1, "nested deeper"),
        ("[" + "1," * 300_000 + "]", 1, "more than"),
    ],
)
def test_refuses_with_a_line(text: str, line: int, what: str) -> None:
    with pytest.raises(Json5Error, match=what) as caught:
        doc(text)
    assert (caught.value.file, caught.value.line) == ("x.json5", line)
    assert caught.value.expected
    assert caught.value.do


def test_errors_never_quote_the_file() -> None:
    with pytest.raises(Json5Error) as caught:
        doc('{apiKey: "sk-secret-123" nonsense}')
    assert "sk-secret" not in str(caught.value)
    assert "nonsense" not in str(caught.value)


def test_refuses_a_huge_text_and_file(tmp_path: Path) -> None:
    with pytest.raises(Json5Error, match="larger than"):
        doc(" " * (MAX_BYTES + 1))
    huge = tmp_path / "huge.json"
    huge.write_bytes(b" " * (MAX_BYTES + 1))
    with pytest.raises(Json5Error, match="larger than"):
        Json5Document.read(huge)


def test_reading_a_file_keeps_line_ends_and_mark(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_bytes(b"\xef\xbb\xbf{\r\n  a: 1,\r\n}\r\n")
    new = Json5Document.read(path).set(("b",), [1, {"c": None}])
    assert new == "\ufeff{\r\n  a: 1,\r\n  b: [\r\n    1,\r\n    {\r\n      c: null,\r\n    },\r\n  ],\r\n}\r\n"


def test_a_file_that_is_not_utf8_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_bytes(b'{\n "a": "\xff" }')
    with pytest.raises(Json5Error, match="not UTF-8") as caught:
        Json5Document.read(path)
    assert caught.value.line == 2


def test_places_have_lines() -> None:
    document = doc("{\n  a: {\n    b: [\n      1,\n      2 ] },\n  a: { c: 1 },\n}")
    assert document.place(("a", "c")).line == 6  # the last of two keys counts
    assert document.place(("a", "missing", "deeper")).line == 6
    assert document.place(("z",)).line == 1
    nested = doc("{\n  a: {\n    b: [\n      1,\n      2 ] } }")
    assert nested.place(("a", "b", 1)).line == 5
    assert str(nested.place(("a", "b", 1))) == "x.json5: a.b[1] (line 5)"


def test_absent_and_null_are_told_apart() -> None:
    document = doc("{a: null, l: [0]}")
    assert document.has(("a",))
    assert not document.has(("b",))
    assert not document.has(("l", 1))
    assert not document.has(("l", -1))
    assert not document.has(("l", "0"))
    assert not document.has(("a", "b"))
    assert document.get(("b",), "gone") == "gone"


def test_the_recorded_config_changes_by_single_characters() -> None:
    text = SAMPLE.read_bytes().decode()
    document = doc(text)
    assert document.place((*MODEL, "contextWindow")).line == 14
    new = document.set((*MODEL, "contextWindow"), 262144)
    assert new == text.replace("contextWindow: 131072", "contextWindow: 262144")
    assert document.set((*MODEL, "params", "num_ctx"), 262144) == text.replace(
        "maxTokens: 8192, }", "maxTokens: 8192, params: { num_ctx: 262144 }, }"
    )
    gone, come = changed_lines(text, document.set(("models", "providers", "ollama", "timeoutSeconds"), 900))
    assert (gone, come) == ([], ["        timeoutSeconds: 900,"])
    gone, come = changed_lines(text, document.set((*MODEL[:-1], 1), {"id": "b", "name": "B"}))
    assert gone == []
    assert come == ["          {", '            id: "b",', '            name: "B",', "          },"]


@pytest.mark.parametrize(
    ("text", "path", "value", "expected"),
    [
        ('{"a":1}', ("b",), 2, '{"a":1,"b":2}'),
        ('{"a": 1}', ("b",), 2, '{"a": 1, "b": 2}'),
        ("{a: 1}", ("b c",), 2, '{a: 1, "b c": 2}'),
        ("{'a': 'x'}", ("b",), "it's", "{'a': 'x', 'b': 'it\\'s'}"),
        ("{ a: 1, }", ("b",), 2, "{ a: 1, b: 2, }"),
        ("{}", ("a",), True, '{ "a": true }'),
        ("{}", ("a", 0), True, '{ "a": [true] }'),
        ("{\n  a: 1\n}", ("b",), 2, "{\n  a: 1,\n  b: 2\n}"),
        ("{\n\ta: 1 // one\n}", ("b",), 2, "{\n\ta: 1, // one\n\tb: 2\n}"),
        ("{\n  a: 1, // one\n}", ("b",), 2, "{\n  a: 1, // one\n  b: 2,\n}"),
        ("{\n  a: 1 /* x */ // y\n  // z\n}", ("b",), 2, "{\n  a: 1, /* x */ // y\n  b: 2\n  // z\n}"),
        ("{\n  a: {},\n}", ("a", "b"), 2, "{\n  a: {\n    b: 2\n  },\n}"),
        ("{\n  a: { // none\n  },\n}", ("a", "b"), 2, "{\n  a: { // none\n    b: 2\n  },\n}"),
        ("{ a: [ // none\n ] }", ("a", 0), 2, None),
        ("{ // x\n a: 1 }", ("b",), 2, "{ // x\n a: 1,\n b: 2 }"),
        ("[\n  { a: 1 },\n]", (1,), {"a": 2}, "[\n  { a: 1 },\n  { a: 2 },\n]"),
        ("[1, 2]", (2,), 3, "[1, 2, 3]"),
        ("{a: {b: 1}}", ("a",), [1], "{a: [1]}"),
        ("{a: 1, a: 2}", ("a",), 3, "{a: 1, a: 3}"),
        ("null", (), {"a": 1}, '{ "a": 1 }'),
        ("{a: 1}", ("b",), math.nan, "{a: 1, b: NaN}"),
    ],
)
def test_set_follows_the_style_of_the_file(
    text: str, path: tuple[str | int, ...], value: object, expected: str | None
) -> None:
    new = doc(text).set(path, value)
    assert expected is None or new == expected
    assert same(doc(new).get(path), value)


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("{a: 1, b: 2}", ("a",), "{b: 2}"),
        ("{a: 1, b: 2}", ("b",), "{a: 1}"),
        ("{a: 1, b: 2,}", ("b",), "{a: 1,}"),
        ("{ a: 1 }", ("a",), "{}"),
        ("{\n  a: 1,\n  b: 2,\n  c: 3\n}", ("b",), "{\n  a: 1,\n  c: 3\n}"),
        ("{\n  a: 1,\n  b: 2\n}", ("b",), "{\n  a: 1\n}"),
        ("{\n  // about a\n  a: 1,\n  b: 2\n}", ("a",), None),
        ("{ // c\n  a: 1 }", ("a",), None),
        ("{ a: 1, // c\n  b: 2 }", ("b",), None),
        ("{a: 1, b: 2, a: 3}", ("a",), "{b: 2}"),
        ("[1, 2, 3]", (1,), "[1, 3]"),
        ("{a: 1}", ("b",), "{a: 1}"),
        ("{a: 1}", ("a", "b"), "{a: 1}"),
    ],
)
def test_remove_takes_the_key_alone(text: str, path: tuple[str | int, ...], expected: str | None) -> None:
    new = doc(text).remove(path)
    assert expected is None or new == expected
    for comment in ("// about a", "// c"):
        assert (comment in new) == (comment in text)
    if isinstance(path[-1], str):
        assert not doc(new).has(path)


@pytest.mark.parametrize(
    ("text", "path", "what"),
    [
        ("{a: 5}", ("a", "b"), "the parent of a.b is a single value"),
        ("{a: []}", ("a", "b"), "the parent of a.b is a list"),
        ("{a: {}}", ("a", 0), r"the parent of a\[0\] is an object"),
        ("{a: [1]}", ("a", 2), "has 1 elements"),
    ],
)
def test_set_refuses_a_parent_of_another_kind(text: str, path: tuple[str | int, ...], what: str) -> None:
    with pytest.raises(Json5Error, match=what):
        doc(text).set(path, 1)


def test_set_refuses_a_value_that_is_not_json() -> None:
    with pytest.raises(TypeError, match="set"):
        doc("{}").set(("a",), {1})


def test_the_whole_file_is_not_a_key() -> None:
    with pytest.raises(Json5Error, match="whole file"):
        doc("{}").remove(())


SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text(max_size=8)
KEYS = st.sampled_from(["a", "b", "num_ctx", "x y", "", "ü", "true"]) | st.text(max_size=4)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)
BLANKS = ["", " ", "\n", "  \n\t", " /* c */ ", " // c\n", "// c\r\n  ", "\r\n", "\u00a0"]


@st.composite
def written(draw: st.DrawFn, value: object) -> str:
    """A JSON5 text of the value with white space, comments, quotes and commas drawn at random."""

    def gap() -> str:
        return draw(st.sampled_from(BLANKS))

    def quoted(text: str) -> str:
        return write_string(text, draw(st.sampled_from("\"'")))

    def key(text: str) -> str:
        return text if text in ("a", "b", "num_ctx", "true") and draw(st.booleans()) else quoted(text)

    def items(parts: list[str], ends: str) -> str:
        comma = "," + gap() if parts and draw(st.booleans()) else ""
        return ends[0] + gap() + ",".join(parts) + comma + ends[1]

    def text_of(item: object) -> str:
        if isinstance(item, dict):
            return items([gap() + key(k) + gap() + ":" + gap() + text_of(v) + gap() for k, v in item.items()], "{}")
        if isinstance(item, list):
            return items([gap() + text_of(v) + gap() for v in item], "[]")
        if isinstance(item, str):
            return quoted(item)
        return json.dumps(item)

    return gap() + text_of(value) + gap()


def paths_in(value: object) -> list[tuple[str | int, ...]]:
    found: list[tuple[str | int, ...]] = [()]
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in pairs:
        found.extend((key, *rest) for rest in paths_in(item))
    return found


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_set_changes_that_value_and_no_other(data: st.DataObject) -> None:
    value = data.draw(VALUES)
    text = data.draw(written(value))
    assert same(doc(text).value, value)
    path = data.draw(st.sampled_from(paths_in(value)))
    new_value = data.draw(VALUES)
    new = doc(text).set(path, new_value)
    assert same(doc(new).value, put(value, path, new_value))
    node = doc(text)._node(path)
    assert node is not None
    assert new.startswith(text[: node.start])
    assert new.endswith(text[node.end :])


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_a_new_key_comes_and_goes(data: st.DataObject) -> None:
    value = data.draw(st.dictionaries(KEYS, VALUES, max_size=3))
    text = data.draw(written(value))
    parents = [path for path in paths_in(value) if isinstance(doc(text).get(path), dict)]
    path = (*data.draw(st.sampled_from(parents)), "a new key", "inner")
    new = doc(text).set(path, data.draw(VALUES))
    back = doc(new).remove(path[:-1])
    assert same(doc(back).value, value)
    assert back.count("// c") == text.count("// c")


@settings(deadline=None, max_examples=100)
@given(st.dictionaries(st.sampled_from("abcd"), SCALARS, min_size=1), st.sampled_from([None, 2, 4]), st.booleans())
def test_removing_what_was_added_restores_every_byte(value: dict[str, object], indent: int | None, crlf: bool) -> None:
    text = json.dumps(value, indent=indent)
    text = text.replace("\n", "\r\n") if crlf else text
    assert doc(doc(text).set(("new",), 1)).remove(("new",)) == text


@settings(deadline=None, max_examples=200)
@given(st.text(alphabet="{}[]:,\"'/*\\ \nab01.eExu-+", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(Json5Error):
        assert doc(text).text == text
