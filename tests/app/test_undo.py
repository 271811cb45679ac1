"""Undo: to the byte, refusing what somebody else changed, repeatable when something fails."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.fix_world import CONFIG, NEW_NAME, OLD_NAME, MemoryServer, world
from truelimit.app.fix import apply
from truelimit.app.fix_ports import FixError, ServerError
from truelimit.app.fix_receipt import ReceiptState
from truelimit.app.undo import LAST, UndoIncomplete, undo


def test_a_file_changed_since_is_refused_and_nothing_is_touched(tmp_path: Path) -> None:
    one = world(tmp_path)
    apply(one.plan, one.ports)
    changed = one.config.read_bytes() + b"// mine\n"
    one.config.write_bytes(changed)
    with pytest.raises(FixError, match="--force"):
        undo(LAST, one.ports)
    assert one.config.read_bytes() == changed
    assert NEW_NAME in one.server.models


def test_force_restores_and_keeps_the_changed_file(tmp_path: Path) -> None:
    one = world(tmp_path)
    old = one.state()
    receipt = apply(one.plan, one.ports)
    changed = one.config.read_bytes() + b"// mine\n"
    one.config.write_bytes(changed)
    undo(receipt.id, one.ports, force=True)
    assert one.state() == old
    assert one.ports.receipts.kept(receipt.id, "original-2-changed") == changed


def test_a_file_deleted_since_is_restored_by_force(tmp_path: Path) -> None:
    one = world(tmp_path)
    old = one.state()
    apply(one.plan, one.ports)
    one.config.unlink()
    with pytest.raises(FixError, match="changed by somebody else"):
        undo(LAST, one.ports)
    undo(LAST, one.ports, force=True)
    assert one.state() == old


def test_a_definition_changed_since_is_refused(tmp_path: Path) -> None:
    one = world(tmp_path)
    apply(one.plan, one.ports)
    one.server.models[NEW_NAME]["temperature"] = 0
    with pytest.raises(FixError, match=f"{NEW_NAME} .*changed by somebody else"):
        undo(LAST, one.ports)
    undo(LAST, one.ports, force=True)
    assert NEW_NAME not in one.server.models


def test_a_definition_deleted_since_is_no_obstacle(tmp_path: Path) -> None:
    one = world(tmp_path)
    old = one.state()
    apply(one.plan, one.ports)
    del one.server.models[NEW_NAME]
    undo(LAST, one.ports)
    assert one.state() == old


def test_a_server_that_is_down_leaves_the_undo_open_and_repeatable(tmp_path: Path) -> None:
    one = world(tmp_path)
    old = one.state()
    receipt = apply(one.plan, one.ports)

    def down(_: str) -> None:
        raise ServerError("nothing answers")

    one.server.act = down
    with pytest.raises(UndoIncomplete, match="nothing answers") as incomplete:
        undo(LAST, one.ports)
    assert incomplete.value.receipt.is_open
    assert one.config.read_text(encoding="utf-8") == CONFIG
    one.server.act = lambda _: None
    assert undo(LAST, one.ports).id == receipt.id
    assert one.state() == old


def test_definitions_stay_while_the_file_that_names_them_cannot_be_restored(tmp_path: Path) -> None:
    one = world(tmp_path)
    receipt = apply(one.plan, one.ports)
    Path(one.ports.receipts.place(receipt.id), "original-2").write_bytes(b"damaged")
    with pytest.raises(UndoIncomplete, match="damaged"):
        undo(LAST, one.ports)
    assert NEW_NAME in one.server.models
    assert NEW_NAME in one.config.read_text(encoding="utf-8")


def test_a_lost_copy_is_said_and_the_new_definition_stays(tmp_path: Path) -> None:
    one = world(tmp_path, server=MemoryServer({OLD_NAME: {"num_ctx": 131072}, NEW_NAME: {"num_ctx": 7}}))
    apply(one.plan, one.ports)
    for name in one.backups():
        del one.server.models[name]
    with pytest.raises(UndoIncomplete, match="is gone"):
        undo(LAST, one.ports)
    assert one.server.models[NEW_NAME] == {"num_ctx": 262144}


def test_what_is_meant_must_be_clear(tmp_path: Path) -> None:
    one = world(tmp_path)
    with pytest.raises(FixError, match="no fix to undo"):
        undo(LAST, one.ports)
    receipt = apply(one.plan, one.ports)
    with pytest.raises(FixError, match=f"0 receipts are called 'zzz'; there are: {receipt.id}"):
        undo("zzz", one.ports)
    undo(LAST, one.ports)
    with pytest.raises(FixError, match="undone already"):
        undo(receipt.id, one.ports)
    with pytest.raises(FixError, match="no fix to undo"):
        undo(LAST, one.ports)


def test_a_second_run_at_the_same_time_is_refused(tmp_path: Path) -> None:
    one = world(tmp_path)
    plan = one.plan
    with one.ports.receipts.locked(), pytest.raises(FixError, match="another run"):
        apply(plan, world(tmp_path).ports)


def test_the_receipt_holds_no_secret_and_the_original_is_for_the_user_alone(tmp_path: Path) -> None:
    one = world(tmp_path)
    receipt = apply(one.plan, one.ports)
    folder = Path(one.ports.receipts.place(receipt.id))
    journal = (folder / "journal.json").read_text(encoding="utf-8")
    assert "s3cret" not in journal
    assert json.loads(journal)["state"] == "applied"
    assert (folder / "original-2").read_text(encoding="utf-8") == CONFIG
    if sys.platform != "win32":
        assert folder.stat().st_mode & 0o777 == 0o700
        assert {item.stat().st_mode & 0o777 for item in folder.iterdir()} == {0o600}


_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)


@settings(deadline=None, max_examples=40)
@given(
    comment=_TEXT.filter(lambda text: "*/" not in text),
    extra=st.dictionaries(_TEXT, st.one_of(st.integers(), _TEXT, st.none(), st.lists(_TEXT, max_size=3)), max_size=3),
    newline=st.sampled_from(["\n", "\r\n"]),
    mark=st.sampled_from(["", "\ufeff"]),
)
def test_apply_then_undo_restores_any_configuration(
    tmp_path_factory: pytest.TempPathFactory, comment: str, extra: dict[str, object], newline: str, mark: str
) -> None:
    added = json.dumps(extra, ensure_ascii=False)
    text = mark + CONFIG.replace("// my agent: do not touch", f"/* {comment} */")
    text = text.replace("agents: {", f"extra: {added}, agents: {{").replace("\n", newline)
    one = world(tmp_path_factory.mktemp("any"), config=text)
    old = one.state()
    receipt = apply(one.plan, one.ports)
    assert f"contextWindow: 262144, maxTokens: 8192, }},{newline}" in one.config.read_bytes().decode("utf-8")
    undone = undo(receipt.id, one.ports)
    assert undone.state is ReceiptState.UNDONE
    assert one.state() == old
