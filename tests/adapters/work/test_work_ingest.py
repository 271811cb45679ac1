"""Ingest: what is new and nothing else, damaged lines counted, hostile files never fatal."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.work_records import AGENTS, SAMPLES, context, jsonl, names_in
from truelimit.adapters.work import places as where
from truelimit.adapters.work.context import Context
from truelimit.adapters.work.hashing import Hasher
from truelimit.adapters.work.ingest import FOLDS, Ingested, ingest, oddities
from truelimit.adapters.work.places import SourceFile
from truelimit.adapters.work.privacy import PrivacyRules
from truelimit.adapters.work.store import WorkStore, WorkStoreError
from truelimit.app.ports import Places
from truelimit.domain.workload import WorkRequest


@pytest.fixture
def store(tmp_path: Path) -> Iterator[WorkStore]:
    with WorkStore(tmp_path / "data" / "w.duckdb") as held:
        yield held


def run(store: WorkStore, *paths: Path, reader: str = "claude-code", held: Context | None = None) -> Ingested:
    return ingest(store, [SourceFile(path, reader) for path in paths], held or context())


def entry(kind: str, at: int, uuid: str, **more: Any) -> dict[str, Any]:
    time = f"2026-02-18T10:{at // 60:02}:{at % 60:02}.000Z"
    base = {"parentUuid": None, "isSidechain": False, "type": kind, "uuid": uuid, "timestamp": time}
    return base | {"cwd": "/home/me/p", "sessionId": "s"} | more


def step(number: int, file: str) -> list[dict[str, Any]]:
    """A call of the turn that asks for an edit, and its result."""
    at = 20 * number
    edit = {"type": "tool_use", "name": "Edit", "input": {"file_path": file}}
    usage = {"input_tokens": 100 + number, "output_tokens": 5}
    message = {"id": f"m{number}", "role": "assistant", "model": "m", "content": [edit], "usage": usage}
    result = {"role": "user", "content": [{"type": "tool_result", "content": "x"}]}
    return [
        entry("assistant", at + 5, f"a{number}", message=message, requestId=f"r{number}"),
        entry("user", at + 6, f"t{number}", message=result),
    ]


ASKED = entry("user", 0, "u", message={"role": "user", "content": "do it"})
WHOLE = jsonl(ASKED, *step(0, "a"), *step(1, "b"), *step(2, "c"), *step(3, "d"))


def put(path: Path, lines: list[bytes], mode: str = "wb") -> Path:
    with path.open(mode) as stream:
        stream.write(b"".join(line + b"\n" for line in lines))
    return path


def test_a_second_run_reads_nothing(tmp_path: Path, store: WorkStore) -> None:
    path = put(tmp_path / "a.jsonl", WHOLE)
    first = run(store, path)
    assert (first.files, first.unchanged, first.size, store.count()) == (1, 0, path.stat().st_size, 4)
    second = run(store, path)
    assert (second.files, second.unchanged, second.size, store.count()) == (0, 1, 0, 4)


@settings(deadline=None, max_examples=10)
@given(cut=st.integers(0, sum(len(line) + 1 for line in WHOLE)))
def test_reading_on_gives_what_reading_at_once_does(cut: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("cut")
    raw = b"".join(line + b"\n" for line in WHOLE)
    path = folder / "a.jsonl"
    found: list[list[WorkRequest]] = []
    for pieces in ((raw,), (raw[:cut], raw[cut:])):
        path.unlink(missing_ok=True)
        with WorkStore(folder / f"{len(pieces)}.duckdb") as store:
            for piece in pieces:
                with path.open("ab") as stream:
                    stream.write(piece)
                run(store, path)
            assert store.damaged() == 0
            found.append(list(store.requests()))
    assert found[0] == found[1]
    assert [item.files_edited for item in found[0]] == [1, 2, 3, 4]


def test_only_what_grew_is_read(tmp_path: Path, store: WorkStore) -> None:
    path = put(tmp_path / "a.jsonl", WHOLE[:5])
    run(store, path)
    put(path, WHOLE[5:], "ab")
    grown = run(store, path)
    assert grown.size == sum(len(line) + 1 for line in WHOLE[5:])
    assert store.count() == 4


def test_a_rewritten_file_is_read_whole(tmp_path: Path, store: WorkStore) -> None:
    path = put(tmp_path / "a.jsonl", WHOLE)
    run(store, path)
    put(path, [WHOLE[0], *jsonl(*step(7, "z"), *step(8, "y"), *step(9, "x"), *step(10, "w"))])
    again = run(store, path)
    assert (again.size, store.count()) == (path.stat().st_size, 4)  # what it told before is gone
    assert [item.prompt_tokens for item in store.requests()] == [107, 108, 109, 110]
    put(path, WHOLE[:3])  # shorter than before
    assert run(store, path).size == path.stat().st_size
    assert [item.prompt_tokens for item in store.requests()] == [100]


def test_damaged_lines_are_counted_and_skipped(tmp_path: Path, store: WorkStore) -> None:
    broken = [b"{not json}", b'{"type": "assistant", "message": {"role"', b"\x00\xff\xfe", b"[1, 2]", b"", b"null"]
    path = put(tmp_path / "a.jsonl", [*WHOLE[:3], *broken, *WHOLE[3:]])
    assert run(store, path).damaged == 4  # a line without a call in it is not decoded, an empty one is none
    assert (store.count(), store.damaged()) == (4, 4)
    put(path, [b"{also no json"], "ab")
    assert run(store, path).damaged == 1
    assert store.damaged() == 5


def test_a_last_line_that_is_cut_counts_until_it_is_whole(tmp_path: Path, store: WorkStore) -> None:
    path = put(tmp_path / "a.jsonl", WHOLE[:-2])
    with path.open("ab") as stream:
        stream.write(WHOLE[-2][:80])
    assert (run(store, path).damaged, store.damaged()) == (1, 1)
    with path.open("ab") as stream:
        stream.write(WHOLE[-2][80:] + b"\n" + WHOLE[-1] + b"\n")
    run(store, path)
    assert (store.damaged(), store.count()) == (0, 4)


def test_a_line_of_64_mib_is_passed_over(tmp_path: Path, store: WorkStore) -> None:
    content = [{"type": "tool_result", "content": "x" * 100}]
    value = json.dumps(entry("user", 8, "big", message={"role": "user", "content": content}))
    head, tail = value.split("x" * 100)
    path = tmp_path / "a.jsonl"
    with path.open("wb") as stream:
        stream.write(WHOLE[0] + b"\n" + head.encode())
        for _ in range(64):
            stream.write(b"x" * 2**20)
        stream.write(tail.encode() + b"\n" + b"\n".join(WHOLE[3:]) + b"\n")
    assert run(store, path).damaged == 0
    first = next(store.requests())
    assert first.duration == 17.0  # from the result at 10:00:08 to the answer at 10:00:25


def test_a_long_line_of_another_kind_is_said(tmp_path: Path, store: WorkStore) -> None:
    path = tmp_path / "a.jsonl"
    with path.open("wb") as stream:
        stream.write(b'{"type": "assistant", "message": "' + b"x" * (17 * 2**20) + b'"}\n')
    run(store, path)
    assert oddities(store)["long"] == 1


def test_a_run_that_was_broken_off_goes_on_where_it_kept_something(
    tmp_path: Path, store: WorkStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(tmp_path / "a.jsonl", WHOLE)
    monkeypatch.setattr("truelimit.adapters.work.ingest._BATCH", 1)

    def break_off(_path: Path, _done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ingest(store, [SourceFile(path, "claude-code")], context(), break_off)
    assert store.count() == 1
    assert run(store, path).size < path.stat().st_size
    assert [item.files_edited for item in store.requests()] == [1, 2, 3, 4]


def test_copies_of_a_resumed_session_count_once(tmp_path: Path, store: WorkStore) -> None:
    copied = [line.replace(b'"sessionId":"s"', b'"sessionId":"s2"') for line in WHOLE]
    old, new = put(tmp_path / "a.jsonl", WHOLE), put(tmp_path / "b.jsonl", [*copied, *jsonl(*step(9, "z"))])
    result = run(store, old, new)
    assert (store.count(), result.copies) == (5, 4)
    assert len({item.session for item in store.requests()}) == 1  # the new call's line says "s" too


def test_interleaved_sessions_of_one_file(tmp_path: Path, store: WorkStore) -> None:
    other = [line.replace(b'"s"', b'"q"').replace(b'"uuid":"u"', b'"uuid":"v"') for line in WHOLE]
    other = [line.replace(b'"requestId":"r', b'"requestId":"q') for line in other]
    path = put(tmp_path / "a.jsonl", [line for pair in zip(WHOLE, other, strict=True) for line in pair])
    run(store, path)
    found = list(store.requests())
    assert len(found) == 8
    assert sorted(item.files_edited for item in found) == [1, 1, 2, 2, 3, 3, 4, 4]
    assert len({item.turn for item in found}) == 2


def test_rules_of_privacy_hold_for_what_was_read_before(tmp_path: Path, store: WorkStore) -> None:
    path = put(tmp_path / "a.jsonl", WHOLE)
    for rules, expected in (
        (PrivacyRules(), None),
        (PrivacyRules(private=("/home/me/*",)), True),
        (PrivacyRules(public=("/home/me",)), False),
        (PrivacyRules(private=("*/p",), public=("/home/me",)), True),
    ):
        run(store, path, held=Context(context().hasher, rules))
        assert {item.private for item in store.requests()} == {expected}


def test_an_empty_history_and_one_request(tmp_path: Path, store: WorkStore) -> None:
    empty = put(tmp_path / "empty.jsonl", [])
    assert run(store, empty).files == 1
    assert store.count() == 0
    run(store, put(tmp_path / "one.jsonl", WHOLE[:2]))
    assert store.count() == 1


@pytest.mark.parametrize("reader", ["opencode", "openclaw", "llama-swap"])
def test_what_is_no_database_is_said(tmp_path: Path, store: WorkStore, reader: str) -> None:
    path = tmp_path / "x.sqlite"
    for raw in (b"SQLite format 3\x00" + b"rubbish" * 500, b"no database"):
        path.write_bytes(raw)
        result = run(store, path, reader=reader)
        assert (store.count(), len(result.missing)) == (0, 1)
    sqlite3.connect(tmp_path / "other.sqlite").execute("CREATE TABLE t (a)").connection.close()
    assert run(store, tmp_path / "other.sqlite", reader=reader).missing


def test_a_file_that_cannot_be_read_is_said_and_tried_again(tmp_path: Path, store: WorkStore) -> None:
    path = tmp_path / "gone.jsonl"
    assert run(store, path).missing[0].fact == "records"
    run(store, put(path, WHOLE))
    assert store.count() == 4


def test_a_locked_store_is_one_clear_error(tmp_path: Path) -> None:
    import subprocess
    import sys

    path = tmp_path / "w.duckdb"
    with WorkStore(path):
        code = (
            "import sys\nfrom pathlib import Path\n"
            "from truelimit.adapters.work.store import WorkStore, WorkStoreError\n"
            "try:\n    WorkStore(Path(sys.argv[1]))\nexcept WorkStoreError as error:\n    print(error)"
        )
        told = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    assert "cannot be opened as the store of work" in told.stdout
    with pytest.raises(WorkStoreError, match=r"export writes \.parquet or \.jsonl"), WorkStore(path) as store:
        store.export(tmp_path / "x.txt")


KINDS = ["assistant", "user", "system", "event_msg", "api_error", "message"]


@settings(deadline=None, max_examples=60)
@given(
    reader=st.sampled_from(sorted(FOLDS)),
    lines=st.lists(
        st.recursive(
            st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.floats(allow_nan=False)),
            lambda inner: st.one_of(
                st.lists(inner, max_size=3),
                st.dictionaries(
                    st.sampled_from(
                        ["type", "message", "payload", "usage", "role", "content", "timestamp", "uuid", "sessionId",
                         "info", "systemPayload", "uiEvent", "id", "cwd", "input_tokens", "error", "subtype", "item"]
                    ),
                    st.one_of(inner, st.sampled_from(KINDS)),
                    max_size=6,
                ),
            ),
            max_leaves=12,
        ),
        max_size=8,
    ),
)  # fmt: skip
def test_no_json_breaks_a_fold(reader: str, lines: list[object]) -> None:
    from truelimit.adapters.work.ingest import _Run
    from truelimit.adapters.work.store import Part

    fold = FOLDS[reader](context())
    for value in lines:
        _Run._feed(fold, json.dumps(value).encode(), Part("", reader))
        json.dumps(fold.state())


# Where things lie


def home(folder: Path) -> Path:
    for source, target in (
        ("claude-code/session-ok.jsonl", ".claude/projects/p/8fa0.jsonl"),
        ("codex/rollout-ok.jsonl", ".codex/sessions/2026/11/22/rollout-1.jsonl"),
        ("qwen-code/chat-ok.jsonl", ".qwen/projects/p/chats/1.jsonl"),
        ("pi/session-nolimit.jsonl", ".pi/agent/sessions/--p--/1.jsonl"),
        ("cline/session.messages.json", ".cline/data/sessions/1/1.messages.json"),
    ):
        target_path = folder / target
        target_path.parent.mkdir(parents=True)
        target_path.write_bytes((AGENTS / source).read_bytes())
    february = folder / ".openclaw" / "agents" / "main" / "sessions" / "s.jsonl"
    february.parent.mkdir(parents=True)
    february.write_bytes((SAMPLES / "openclaw/2026.2.17/session-usage-above-window.jsonl").read_bytes())
    return folder


def test_finds_each_agent_in_its_usual_place(tmp_path: Path, store: WorkStore) -> None:
    sources = where.found(Places(home(tmp_path / "home"), isolated=True))
    assert sorted(item.reader for item in sources) == ["claude-code", "cline", "codex", "openclaw", "pi", "qwen-code"]
    ingest(store, sources, context())
    assert store.count() == 7


def test_variables_lead_elsewhere(tmp_path: Path) -> None:
    there = home(tmp_path / "there")
    environment = {"CLAUDE_CONFIG_DIR": str(there / ".claude"), "CODEX_HOME": str(there / ".codex")}
    (tmp_path / "home").mkdir()
    sources = where.found(Places(tmp_path / "home", environment=environment))
    assert [item.reader for item in sources] == ["claude-code", "codex"]


def test_files_that_are_named_are_told_apart_by_content(tmp_path: Path) -> None:
    home(tmp_path / "home")
    names = {
        AGENTS / "claude-code/session-hang.jsonl": "claude-code",
        AGENTS / "codex/rollout-overflow-recognised.jsonl": "codex",
        AGENTS / "qwen-code/chat-hang.jsonl": "qwen-code",
        AGENTS / "pi/session-idle.jsonl": "pi",
        AGENTS / "cline/session.messages.json": "cline",
        AGENTS / "opencode/log-header-timeout.txt": "opencode-log",
        SAMPLES / "openclaw/2026.2.17/session-overflow-vllm.jsonl": "openclaw",
        SAMPLES / "openclaw/2026.9.6/timeout-transcript_events.jsonl": "openclaw",
        SAMPLES / "ollama-logs/era_c_0.33.0_composed.log": "server-log",
        SAMPLES / "llamacpp/logs/llama-server_b10434_default_verbosity3.log": "server-log",
    }
    sources, missing = where.named(names)
    assert {item.path: item.reader for item in sources} == names
    assert missing == []
    other = tmp_path / "x.txt"
    other.write_text("nothing that is known", encoding="utf-8")
    sources, missing = where.named([other, tmp_path / "gone"])
    assert (sources, len(missing)) == ([], 2)


def test_the_salt_is_made_once(tmp_path: Path) -> None:
    from truelimit.adapters.work.hashing import SALT_FILE, hasher

    assert hasher(tmp_path)("x") == hasher(tmp_path)("x")
    assert hasher(tmp_path)("x") != hasher(tmp_path / "other")("x")
    assert hasher(tmp_path)("ab", "c") != hasher(tmp_path)("a", "bc")
    if os.name != "nt":
        assert (tmp_path / SALT_FILE).stat().st_mode & 0o077 == 0


# What gets into the store


def test_no_path_no_workspace_no_session_stands_in_the_store(tmp_path: Path, store: WorkStore) -> None:
    sources = where.found(Places(home(tmp_path / "home-of-a-person"), isolated=True))
    ingest(store, sources, Context(context().hasher, PrivacyRules(private=("/home/me/clients/acme",))))
    names = {name for item in sources for name in names_in(item.path)}
    models = {item.model for item in store.requests()}
    assert len(names) > 30
    kept = "\n".join(contents(store))
    assert kept.count("claude-code") > 2  # the columns are looked through at all
    assert [name for name in names - models if name in kept] == []
    assert "home-of-a-person" not in kept
    assert "acme" not in kept
    assert not any(item.path.stem in kept for item in sources if len(item.path.stem) > 4)


def contents(store: WorkStore) -> Iterator[str]:
    """Yield each row of each table as text: what somebody who gets the file can read in it."""
    for (name,) in store._db.execute("SELECT table_name FROM duckdb_tables()").fetchall():
        for values in store._db.execute(f"SELECT * FROM {name}").fetchall():
            yield repr(values)


def test_where_reading_stopped_is_known_without_names(tmp_path: Path, store: WorkStore) -> None:
    """Reading on finds its conversation, its inputs and its open answer by their hashes."""
    path = put(tmp_path / "a.jsonl", WHOLE[:3])
    run(store, path)
    put(path, WHOLE[3:], "ab")
    run(store, path)
    whole = put(tmp_path / "b.jsonl", WHOLE)
    with WorkStore(tmp_path / "other.duckdb") as other:
        run(other, whole)
        assert list(other.requests()) == list(store.requests())


def test_another_salt_is_an_error(tmp_path: Path, store: WorkStore) -> None:
    path = put(tmp_path / "a.jsonl", WHOLE)
    run(store, path)
    with pytest.raises(WorkStoreError, match=r"another work\.salt"):
        run(store, path, held=Context(Hasher(b"another salt")))


def test_a_log_that_grew_or_was_rotated(tmp_path: Path, store: WorkStore) -> None:
    """A request that was under way when its log was read counts once; one of a log that is gone stays."""
    whole = (SAMPLES / "llamacpp/logs/llama-server_b10434_default_verbosity3.log").read_bytes()
    path = tmp_path / "server.log"
    half = (
        whole.index(b"\n", whole.index(b"prompt processing")) + 1 if b"prompt processing" in whole else len(whole) // 2
    )
    path.write_bytes(whole[:half])
    run(store, path, reader="server-log")
    path.write_bytes(whole)
    run(store, path, reader="server-log")
    grown = store.count()
    with WorkStore(tmp_path / "once.duckdb") as once:
        run(once, path, reader="server-log")
        assert (once.count(), grown) == (grown, once.count())
    other = (SAMPLES / "ollama-logs/era_c_0.33.0_composed.log").read_bytes()
    path.write_bytes(other)
    run(store, path, reader="server-log")
    assert store.count() == grown + 4
