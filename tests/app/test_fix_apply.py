"""Applying a plan: whole or not at all, whatever breaks at whatever step."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from support.fix_world import CONFIG, NEW_NAME, OLD_NAME, Killed, MemoryServer, World, world
from truelimit.app.fix import FixFailed, apply, open_receipts, recover
from truelimit.app.fix_ports import FixError, ServerError
from truelimit.app.fix_receipt import ReceiptState
from truelimit.app.undo import LAST, undo

_EXISTING = {OLD_NAME: {"num_ctx": 131072}, NEW_NAME: {"num_ctx": 7, "temperature": 1}}


def _server(*, replaces: bool) -> MemoryServer:
    return MemoryServer({name: dict(held) for name, held in _EXISTING.items() if replaces or name == OLD_NAME})


def _new_state(folder: Path, *, replaces: bool) -> tuple[object, ...]:
    done = world(folder, server=_server(replaces=replaces))
    apply(done.plan, done.ports)
    return done.state()


def _steps(folder: Path, *, replaces: bool) -> list[str]:
    done = world(folder, server=_server(replaces=replaces))
    steps: list[str] = []
    apply(done.plan, done.ports, steps.append)
    return steps


def test_apply_writes_definition_and_file_and_says_each_step(tmp_path: Path) -> None:
    one = world(tmp_path)
    steps: list[str] = []
    receipt = apply(one.plan, one.ports, steps.append)
    text = one.config.read_text(encoding="utf-8")
    assert "// my agent: do not touch" in text
    assert "contextWindow: 262144" in text
    assert "${OLLAMA_API_KEY}" in text
    assert text.count(NEW_NAME) == 2
    assert one.server.models[NEW_NAME] == {"num_ctx": 262144}
    assert receipt.state is ReceiptState.APPLIED
    assert steps[0] == "planned"
    assert steps[-1] == "applied"
    order = [step for step in steps if "acted" in step]
    assert "create" in order[0]
    assert "write" in order[1]
    assert os.name != "posix" or one.config.stat().st_mode & 0o777 == 0o640


def test_undo_restores_bytes_mode_and_definitions(tmp_path: Path) -> None:
    one = world(tmp_path)
    before = one.state()
    receipt = apply(one.plan, one.ports)
    one.config.chmod(0o600)
    undone = undo(receipt.id[:12], one.ports)
    assert undone.state is ReceiptState.UNDONE
    assert one.state() == before


@pytest.mark.parametrize("replaces", [False, True])
def test_killed_at_every_step_leaves_old_or_new_after_recovery(tmp_path: Path, *, replaces: bool) -> None:
    steps = _steps(tmp_path / "count", replaces=replaces)
    new = _new_state(tmp_path / "new", replaces=replaces)
    assert len(steps) >= 10
    for number in range(len(steps)):
        one = world(tmp_path / f"kill-{number}", server=_server(replaces=replaces))
        old, plan = one.state(), one.plan
        passed: list[str] = []

        def die(step: str, passed: list[str] = passed, number: int = number) -> None:
            passed.append(step)
            if len(passed) == number + 1:
                raise Killed

        with pytest.raises(Killed):
            apply(plan, one.ports, die)
        left = open_receipts(one.ports)
        if left:
            with pytest.raises(FixError, match="interrupted"):
                apply(plan, one.ports)
        done = recover(one.ports)
        assert [problems for _, problems in done] == [()] * len(left)
        state = one.state()
        assert state == (old if left else new), steps[number]
        assert open_receipts(one.ports) == ()
        if not left:
            undo(LAST, one.ports)
            assert one.state() == old
        assert one.backups() == []


@pytest.mark.parametrize("replaces", [False, True])
def test_killed_at_every_act_on_the_disk(tmp_path: Path, *, replaces: bool) -> None:
    acts: list[str] = []
    counted = world(tmp_path / "count", lambda act, _: acts.append(act), server=_server(replaces=replaces))
    apply(counted.plan, counted.ports)
    new = counted.state()
    for number in range(len(acts)):
        left_acts = [number]

        def die(_act: str, _path: Path, left_acts: list[int] = left_acts) -> None:
            left_acts[0] -= 1
            if left_acts[0] == -1:
                raise Killed

        folder, server = tmp_path / f"kill-{number}", _server(replaces=replaces)
        one = world(folder, die, server=server)
        old = one.state()
        with pytest.raises(Killed):
            apply(one.plan, one.ports)
        after = world(folder, server=server)
        assert all(not problems for _, problems in recover(after.ports))
        assert after.state() in (old, new), acts[number]
        assert open_receipts(after.ports) == ()
        assert after.backups() == [] or after.state() == new


def test_killed_while_undoing_goes_on_to_the_old_state(tmp_path: Path) -> None:
    first = world(tmp_path / "count", server=_server(replaces=True))
    apply(first.plan, first.ports)
    steps: list[str] = []
    undo(LAST, first.ports, on_step=steps.append)
    assert len(steps) >= 4
    for number in range(len(steps)):
        one = world(tmp_path / f"kill-{number}", server=_server(replaces=True))
        old = one.state()
        apply(one.plan, one.ports)
        passed: list[str] = []

        def die(step: str, passed: list[str] = passed, number: int = number) -> None:
            passed.append(step)
            if len(passed) == number + 1:
                raise Killed

        with pytest.raises(Killed):
            undo(LAST, one.ports, on_step=die)
        assert all(not problems for _, problems in recover(one.ports))
        assert one.state() == old
        assert one.backups() == []


@pytest.mark.parametrize("lasting", [False, True])
def test_disk_full_at_every_act_rolls_back(tmp_path: Path, *, lasting: bool) -> None:
    acts: list[str] = []
    counted = world(tmp_path / "count", lambda act, _: acts.append(act))
    apply(counted.plan, counted.ports)
    writes = [number for number, act in enumerate(acts) if act in {"write", "fsync"}]
    assert len(writes) > 10
    for number in writes:
        seen = [0]

        def full(act: str, _path: Path, seen: list[int] = seen, number: int = number) -> None:
            seen[0] += 1
            later = lasting and seen[0] > number + 1 and act in {"write", "fsync"}
            if seen[0] == number + 1 or later:
                raise OSError(errno.ENOSPC, "No space left on device")

        folder, server = tmp_path / f"full-{number}", MemoryServer()
        one = world(folder, full, server=server)
        old = one.state()
        with pytest.raises(FixError, match="No space left"):
            apply(one.plan, one.ports)
        assert one.state() == old, acts[number]
        after = world(folder, server=server)
        recover(after.ports)
        assert open_receipts(after.ports) == ()
        assert after.state() == old


def test_server_down_at_every_call_rolls_back(tmp_path: Path) -> None:
    counted = world(tmp_path / "count", server=_server(replaces=True))
    plan = counted.plan
    counted.server.acts.clear()
    apply(plan, counted.ports)
    for number in range(len(counted.server.acts)):
        one = world(tmp_path / f"down-{number}", server=_server(replaces=True))
        plan, old = one.plan, one.state()
        one.server.acts.clear()

        def down(_: str, one: World = one, number: int = number) -> None:
            if len(one.server.acts) > number:
                raise ServerError("nothing answers")

        one.server.act = down
        with pytest.raises(FixError, match="nothing answers"):
            apply(plan, one.ports)
        assert one.state()[0] == old[0]
        one.server.act = lambda _: None
        assert all(not problems for _, problems in recover(one.ports))
        assert one.state() == old
        assert one.backups() == []


@pytest.mark.parametrize("lie", ["create says success", "number stored as text", "error after success"])
@pytest.mark.parametrize("replaces", [False, True])
def test_a_lying_server_is_found_out_and_rolled_back(tmp_path: Path, lie: str, *, replaces: bool) -> None:
    one = world(tmp_path, server=_server(replaces=replaces))
    old = one.state()
    one.server.lies = lie
    with pytest.raises(FixFailed, match="everything is as before") as failed:
        apply(one.plan, one.ports)
    assert failed.value.receipt.state is ReceiptState.UNDONE
    assert one.state() == old
    assert one.backups() == []


def test_a_copy_that_was_not_made_stops_before_the_original_changes(tmp_path: Path) -> None:
    one = world(tmp_path, server=_server(replaces=True))
    old = one.state()
    one.server.lies = "copy says success"
    with pytest.raises(FixFailed, match="not the same"):
        apply(one.plan, one.ports)
    assert one.state() == old
    assert "create" not in one.server.acts


def test_a_missing_base_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    one = world(tmp_path)
    plan, old = one.plan, one.config.read_bytes()
    one.server.models.clear()
    with pytest.raises(FixError, match="does not exist"):
        apply(plan, one.ports)
    assert one.config.read_bytes() == old
    assert not list((tmp_path / "data" / "receipts").glob("2*"))


def test_a_file_changed_since_the_plan_is_refused(tmp_path: Path) -> None:
    one = world(tmp_path)
    plan = one.plan
    one.config.write_text(CONFIG + "// later\n", encoding="utf-8")
    with pytest.raises(FixError, match="changed since the plan"):
        apply(plan, one.ports)
    assert one.config.read_text(encoding="utf-8").endswith("// later\n")
    assert NEW_NAME not in one.server.models


def test_a_file_changed_just_before_the_replace_is_kept(tmp_path: Path) -> None:
    other = CONFIG.replace("do not touch", "changed meanwhile")

    def meddle(act: str, path: Path) -> None:
        if act == "check":
            path.write_text(other, encoding="utf-8")

    one = world(tmp_path, meddle)
    with pytest.raises(FixFailed) as failed:
        apply(one.plan, one.ports)
    assert "meanwhile" in str(failed.value)
    assert failed.value.problems == ()
    assert NEW_NAME not in one.server.models
    assert one.config.read_text(encoding="utf-8") == other


def test_an_interrupt_rolls_back(tmp_path: Path) -> None:
    one = world(tmp_path)
    old = one.state()

    def stop(step: str) -> None:
        if "acted: write" in step:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        apply(one.plan, one.ports, stop)
    assert one.state() == old


def test_an_empty_or_blocked_plan_is_refused(tmp_path: Path) -> None:
    from dataclasses import replace

    one = world(tmp_path)
    with pytest.raises(FixError, match="nothing"):
        apply(replace(one.plan, files=(), definitions=()), one.ports)
    with pytest.raises(FixError, match="server is down"):
        apply(replace(one.plan, blocked=("server is down",)), one.ports)
