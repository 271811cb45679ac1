"""A log that an earlier run read is not read again, and one that grew since is read on: with the same result."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.kept_evidence import read_with
from support.server_log_text import LLAMA_LOGS, OLLAMA_LOGS, slog
from truelimit.adapters.files import server_log_lines
from truelimit.adapters.files.server_log import read_server_log

SAMPLES = sorted([*OLLAMA_LOGS.glob("*.log"), *LLAMA_LOGS.glob("*.log")])


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_an_unchanged_log_gives_the_same_again(tmp_path: Path, path: Path) -> None:
    plain = read_server_log(path)
    first, found = read_with(tmp_path, read_server_log, path)
    second, again = read_with(tmp_path, read_server_log, path)
    assert found == [None]
    assert [kept is not None and kept.is_same for kept in again] == [True]
    assert repr(plain) == repr(first) == repr(second)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(SAMPLES), st.lists(st.floats(0.05, 1), min_size=1, max_size=3))
def test_a_log_that_grows_gives_what_a_whole_reading_gives(
    tmp_path_factory: pytest.TempPathFactory, sample: Path, shares: list[float]
) -> None:
    """Cut anywhere: in the middle of a load, of a request, of a line."""
    folder = tmp_path_factory.mktemp("grows")
    path, content = folder / "server.log", sample.read_bytes()
    for share in [*sorted(shares), 1.0]:
        written = path.stat().st_size if path.exists() else 0
        with path.open("ab") as file:
            file.write(content[written : int(len(content) * share)])
        kept, _ = read_with(folder / "cache", read_server_log, path)
        assert repr(kept) == repr(read_server_log(path))


def test_only_what_is_new_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[int] = []
    search = server_log_lines.LineFinder._search
    monkeypatch.setattr(
        server_log_lines.LineFinder,
        "_search",
        lambda finder, block: searched.append(len(block)) or search(finder, block),
    )
    path = tmp_path / "server.log"
    path.write_text(slog("Listening on 127.0.0.1:11434 (version 0.16.1)") + "\n" + "noise\n" * 1000, encoding="utf-8")
    read_with(tmp_path / "cache", read_server_log, path)
    searched.clear()
    with path.open("a", encoding="utf-8") as file:
        file.write(slog("truncating input prompt", "limit=4096 prompt=9000 keep=4 new=4096") + "\n")
    log, _ = read_with(tmp_path / "cache", read_server_log, path)
    assert sum(searched) < 200
    assert log.version is not None
    assert log.counts == {"PromptTruncated": 1}


def test_nothing_that_may_be_secret_is_kept(tmp_path: Path) -> None:
    secret = "sk-AAAABBBBCCCCDDDDEEEE"
    path = tmp_path / "server.log"
    lines = [
        slog(
            "server config", f'env="map[OLLAMA_HOST:http://u:{secret}@h OLLAMA_API_KEY:{secret} HTTP_PROXY:{secret}]"'
        ),
        slog("llama runner terminated", f'error="CUDA error: out of memory {secret}"', level="ERROR"),
        slog("starting runner", f'cmd="ollama runner --model /m --api-key {secret}"'),
        f'[GIN] 2026/02/18 - 11:15:04 | 200 | 1.5s | 127.0.0.1 | POST "/api/chat?key={secret}"',
        f"slot update_slots: id 0 | task 0 | new prompt, n_ctx_slot = 4096, n_keep = 0, task.n_tokens = 9 {secret}",
        f"ggml: failed to allocate {secret}",
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    read_with(tmp_path / "cache", read_server_log, path)
    (entry,) = (tmp_path / "cache").iterdir()
    assert secret not in entry.read_text(encoding="utf-8")


def test_more_lines_than_are_kept_are_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    groups = tuple(
        server_log_lines.Group(group.name, 5, group.patterns, group.needs) for group in server_log_lines.GROUPS
    )
    monkeypatch.setattr(server_log_lines, "GROUPS", groups)
    path = tmp_path / "server.log"
    line = '[GIN] 2026/02/18 - 11:15:{:02} | 200 | 1.5s | 127.0.0.1 | POST "/api/chat"\n'
    path.write_text("".join(line.format(number) for number in range(4)), encoding="utf-8")
    read_with(tmp_path / "cache", read_server_log, path)
    with path.open("a", encoding="utf-8") as file:
        file.write("".join(line.format(number) for number in range(4, 8)))
    kept, _ = read_with(tmp_path / "cache", read_server_log, path)
    assert repr(kept) == repr(read_server_log(path))
    assert kept.left_out == {"access lines": 3}
