"""The folder of receipts: durable, for the user alone, strict when read back."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import platformdirs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truelimit.adapters.store.data_dir import VARIABLE, data_dir
from truelimit.adapters.store.receipt_json import decode, encode
from truelimit.adapters.store.receipts import ReceiptFolder
from truelimit.app.fix_ports import FixError
from truelimit.app.fix_receipt import DefinitionStep, FileState, FileStep, Receipt, ReceiptState, StepState

RECEIPT = Receipt(
    "20260218t111500-ab12",
    "2026-02-18T11:15:00+00:00",
    ReceiptState.APPLYING,
    (
        DefinitionStep("http://h", "n:new", "n:old", {"num_ctx": 262144}, "copy:1", "d1", None, StepState.STARTED),
        FileStep(FileState("a", "/b/a", "00", 3, 0o640, (1, 2)), "ff", "original-2", StepState.PENDING),
        FileStep(FileState("c", "/b/c", "00", 3, 0o640, None), "ff", "original-3", StepState.DONE),
    ),
    (("CTX001", "ollama/x"),),
    ("a check: passed: seen",),
)


def test_a_receipt_reads_back_as_it_was_written(tmp_path: Path) -> None:
    folder = ReceiptFolder(tmp_path)
    folder.save(RECEIPT)
    assert folder.all() == (RECEIPT,)
    later = replace(RECEIPT, id="20260219t000000-0000", state=ReceiptState.UNDONE)
    folder.save(later)
    assert [item.id for item in folder.all()] == [RECEIPT.id, later.id]
    assert folder.place(RECEIPT.id) == str(tmp_path / "receipts" / RECEIPT.id)


@pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")
def test_everything_is_for_the_user_alone(tmp_path: Path) -> None:
    folder = ReceiptFolder(tmp_path / "made")
    with folder.locked():
        folder.save(RECEIPT)
        folder.keep(RECEIPT.id, "original-2", b"secret")
    for item in (tmp_path / "made" / "receipts").rglob("*"):
        if item.name != ".lock":
            assert item.stat().st_mode & 0o077 == 0, item


def test_originals_are_read_back_and_missing_ones_said(tmp_path: Path) -> None:
    folder = ReceiptFolder(tmp_path)
    folder.save(RECEIPT)
    folder.keep(RECEIPT.id, "original-2", b"\x00bytes\r\n")
    assert folder.kept(RECEIPT.id, "original-2") == b"\x00bytes\r\n"
    with pytest.raises(FixError, match="cannot be read"):
        folder.kept(RECEIPT.id, "original-9")


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "A", "a/b", "..", "journal.json/x"])
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    folder = ReceiptFolder(tmp_path)
    folder.save(RECEIPT)
    with pytest.raises(FixError, match="not the name"):
        folder.kept(RECEIPT.id, name)
    with pytest.raises(FixError, match="not the name"):
        folder.kept(f"../{RECEIPT.id}", "original-1")


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"{}", b'{"schema":"other"}', b"\xff", b"[" * 100000])
def test_a_damaged_journal_is_an_error_with_its_place(tmp_path: Path, data: bytes) -> None:
    folder = ReceiptFolder(tmp_path)
    folder.save(RECEIPT)
    path = tmp_path / "receipts" / RECEIPT.id / "journal.json"
    path.write_bytes(data)
    with pytest.raises(FixError, match=r"journal\.json"):
        folder.all()


def test_a_journal_under_another_name_is_an_error(tmp_path: Path) -> None:
    folder = ReceiptFolder(tmp_path)
    folder.save(RECEIPT)
    (tmp_path / "receipts" / RECEIPT.id).rename(tmp_path / "receipts" / "20270101t000000-0000")
    with pytest.raises(FixError, match="expected"):
        folder.all()


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(["state", "steps", "resolves", "proof", "id"]), st.none() | st.integers() | st.text(max_size=3))
def test_no_damage_of_a_field_gets_through_as_a_traceback(key: str, value: object) -> None:
    damaged = {**json.loads(encode(RECEIPT)), key: value}
    try:
        decode(json.dumps(damaged).encode())
    except ValueError:
        return


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("", encoding="utf-8")
    with pytest.raises(FixError, match="TRUELIMIT_DATA_DIR"):
        ReceiptFolder(blocker).locked()
    assert ReceiptFolder(tmp_path / "none").all() == ()


def test_the_data_folder_may_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "named"))
    assert data_dir() == tmp_path / "named"
    assert data_dir(tmp_path) == tmp_path
    monkeypatch.delenv(VARIABLE)
    assert data_dir().name == "truelimit"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere platformdirs is asked")
@pytest.mark.parametrize("named", [None, "", "/srv/data"])
def test_the_folder_is_where_platformdirs_has_it(named: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("HOME", "/home/somebody")
    if named is None:
        monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    else:
        monkeypatch.setenv("XDG_DATA_HOME", named)
    assert data_dir() == Path(platformdirs.user_data_dir("truelimit", appauthor=False))
