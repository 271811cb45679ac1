"""A transcript that an earlier run read is read on from there: with the same calls, and without a word of text."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.kept_evidence import read_with
from truelimit.adapters.agents.openclaw import transcript_fold
from truelimit.adapters.agents.openclaw.session_counters import counters_of
from truelimit.adapters.agents.openclaw.sessions import read_transcript
from truelimit.app.ports import Evidence

SAMPLES = sorted((Path(__file__).parents[2] / "samples" / "openclaw" / "2026.2.17").glob("session-*.jsonl"))


def counted(path: Path) -> Evidence:
    """Read with counters that may tell the prompts of calls that counted none."""
    entry = {
        "sessionId": path.stem,
        "updatedAt": 1_795_400_000_000,
        "totalTokens": 146_761,
        "compactionCount": 2,
        "contextBudgetStatus": {"updatedAt": 1_795_380_900_000, "estimatedPromptTokens": 140_000, "route": "fits"},
    }
    found = counters_of("k", entry, "sessions.json")
    return read_transcript(path, {found.session: found} if found else None)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
@pytest.mark.parametrize("read", [read_transcript, counted])
def test_an_unchanged_transcript_gives_the_same_again(tmp_path: Path, path: Path, read: object) -> None:
    plain = read(path)  # type: ignore[operator]
    first, _ = read_with(tmp_path, read, path)  # type: ignore[arg-type]
    second, found = read_with(tmp_path, read, path)  # type: ignore[arg-type]
    assert [kept is not None and kept.is_same for kept in found] == [True]
    assert repr(plain) == repr(first) == repr(second)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(SAMPLES), st.lists(st.floats(0.05, 1), min_size=1, max_size=3), st.booleans())
def test_a_transcript_that_grows_gives_what_a_whole_reading_gives(
    tmp_path_factory: pytest.TempPathFactory, sample: Path, shares: list[float], is_long: bool
) -> None:
    folder = tmp_path_factory.mktemp("grows")
    path, content = folder / "s.jsonl", sample.read_bytes()
    if is_long:
        content = content.replace(
            b'"role": "user", "content": [', b'"role": "user", "content": ["' + b"x" * 5000 + b'",'
        )
    for share in [*sorted(shares), 1.0]:
        written = path.stat().st_size if path.exists() else 0
        with path.open("ab") as file:
            file.write(content[written : int(len(content) * share)])
        kept, _ = read_with(folder / "cache", read_transcript, path)
        assert repr(kept) == repr(read_transcript(path))


def test_only_what_is_new_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "s.jsonl"
    path.write_bytes(SAMPLES[0].read_bytes().rstrip() + b"\n")
    read_with(tmp_path / "cache", read_transcript, path)
    seen: list[int] = []
    entry_in = transcript_fold.entry_in
    monkeypatch.setattr(transcript_fold, "entry_in", lambda *line: seen.append(line[0]) or entry_in(*line))
    size = path.stat().st_size
    with path.open("ab") as file:
        file.write(b'{"type":"compaction"}\n')
    read_with(tmp_path / "cache", read_transcript, path)
    read_with(tmp_path / "cache", read_transcript, path)
    assert seen == [size]


def test_no_text_is_kept(tmp_path: Path) -> None:
    secret = "the word that nobody may keep"
    path = tmp_path / "s.jsonl"
    head = '{"type":"message","id":"a","parentId":null,"timestamp":"2026-02-18T11:15:0%d.000Z","message":{%s}}\n'
    failed = (
        f'"role":"assistant","content":[],"api":"ollama","model":"m","stopReason":"error","errorMessage":"{secret}"'
    )
    note = f'{{"type":"custom","customType":"openclaw:prompt-error","data":{{"error":"{secret}"}}}}\n'
    lines = [head % (1, f'"role":"user","content":"{secret}"'), note, head % (2, failed), head % (3, failed)]
    path.write_text("".join(lines), encoding="utf-8")
    plain = read_transcript(path)
    read_with(tmp_path / "cache", read_transcript, path)
    (entry,) = (tmp_path / "cache").iterdir()
    assert secret not in entry.read_text(encoding="utf-8")
    kept, found = read_with(tmp_path / "cache", read_transcript, path)
    assert found[0] is not None
    assert repr(kept) == repr(plain)
    with path.open("a", encoding="utf-8") as file:
        file.write(note)
    for _ in range(2):
        assert repr(read_with(tmp_path / "cache", read_transcript, path)[0]) == repr(read_transcript(path))
    assert secret not in entry.read_text(encoding="utf-8")
