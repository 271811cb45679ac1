"""Packed tables say what their TOML says, and never more: what does not fit the file is not used."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path

import pytest

from truelimit.tables import files
from truelimit.tables.packed import FOLDER, holding, packed, unpacked

FOLDERS = ("", "accelerators", "machines", "models")
TOML = b'name = "One"\nsize = 3.5\n'
ROW = {"name": "One", "size": 3.5}


def _folder(path: Path, text: str) -> Path:
    (path / FOLDER).mkdir()
    (path / FOLDER / "things.txt").write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_shipped_table_is_packed_as_it_is(folder: str) -> None:
    root = Path(files.__file__).parent
    found = sorted((root / folder).glob("*.toml"))
    assert found
    for path in found:
        content = path.read_bytes()
        row = unpacked(root, folder, path.stem, content)
        assert row == files.parsed(content, path.name), "run python docs/make_tables.py"
        assert repr(row) == repr(files.parsed(content, path.name))  # 1 is not 1.0, and the order is the file's


def test_a_table_comes_back(tmp_path: Path) -> None:
    root = _folder(tmp_path, packed([("one", TOML, ROW)]))
    assert unpacked(root, "things", "one", TOML) == ROW


@pytest.mark.parametrize(
    ("name", "content"), [("one", TOML + b"\n"), ("one", b""), ("two", TOML), ("", TOML), ("one two", TOML)]
)
def test_another_file_or_name_is_not_taken_for_it(tmp_path: Path, name: str, content: bytes) -> None:
    root = _folder(tmp_path, packed([("one", TOML, ROW)]))
    assert unpacked(root, "things", name, content) is None


@pytest.mark.parametrize("row", ["{", "[1]", "null", "", "[" * 100_000])
def test_damage_is_as_if_it_were_not_there(tmp_path: Path, row: str) -> None:
    sums = packed([("one", TOML, ROW)]).split(" ")[1]
    assert unpacked(_folder(tmp_path, f"one {sums} {row}\n"), "things", "one", TOML) is None


def test_without_a_packed_file_nothing_is_found(tmp_path: Path) -> None:
    assert unpacked(tmp_path, "things", "one", TOML) is None
    assert holding(tmp_path, "things", "one") == ()


def test_a_packed_file_that_is_no_text_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    root = _folder(tmp_path, "")
    (root / FOLDER / "things.txt").write_bytes(b"one \xff\xfe\n")
    assert unpacked(root, "things", "one", TOML) is None


def test_texts_are_found_whole_and_in_any_case(tmp_path: Path) -> None:
    other = {"name": "Two", "aliases": ["Zwei", 'a "quoted" \\ one']}
    root = _folder(tmp_path, packed([("one", TOML, ROW), ("two", b"", other)]))
    assert holding(root, "things", "ONE") == ("one",)
    assert holding(root, "things", "zwei") == ("two",)
    assert holding(root, "things", 'A "QUOTED" \\ one') == ("two",)
    assert holding(root, "things", "zw") == ()


@pytest.mark.parametrize("value", [math.inf, math.nan, dt.date(2026, 1, 1)])
def test_what_json_cannot_hold_is_refused(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        packed([("one", TOML, {"value": value})])


def test_an_edited_table_counts_before_it_is_packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = _folder(tmp_path, packed([("one", TOML, ROW)]))
    (root / "things").mkdir()
    (root / "things" / "one.toml").write_bytes(b'name = "Another"\n')
    monkeypatch.setattr(files, "root", lambda: root)
    assert files.row("things", "one") == {"name": "Another"}
