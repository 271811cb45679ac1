"""Long lines of a transcript are read in part; what comes of them is what comes of the whole lines."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truelimit.adapters.agents.openclaw import json_values, transcript_reading
from truelimit.adapters.agents.openclaw.sessions import read_transcript
from truelimit.adapters.agents.openclaw.transcript import Transcript
from truelimit.adapters.agents.openclaw.transcript_lines import Answer, Damaged, Entry, entry_of
from truelimit.adapters.agents.openclaw.transcript_reading import entries
from truelimit.domain.session import Session

TRAPS = ['],"api":"x"', '"parentId"', '}],"stopReason":"error"}}', "\\", '"', "ä\n", "\ud800", "]}}", "plain words "]


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Text of up to 9 kB with what might be taken for the end of a content."""
    parts = draw(st.lists(st.sampled_from(TRAPS), max_size=6))
    return "".join(parts) * draw(st.sampled_from([1, 40])) + "x" * draw(st.sampled_from([0, 700, 5000]))


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """An answer with its content, in the order of keys of one of the two apis."""
    text = draw(texts())
    arguments = draw(st.sampled_from([{"a": text}, {"l": [1], "api": text}, {"l": [text], "stopReason": "stop"}]))
    content = [{"type": "text", "text": text}, {"type": "toolCall", "arguments": arguments}]
    usage = {"input": draw(st.integers(0, 9)), "output": 3, "cacheRead": 0, "cost": {"total": 0}}
    ids = {"api": draw(st.sampled_from(["ollama", "openai-completions"])), "provider": "p", "model": "m"}
    stop = {"stopReason": draw(st.sampled_from(["stop", "toolUse", "error"]))}
    middle = {**stop, **ids, "usage": usage} if draw(st.booleans()) else {**ids, "usage": usage, **stop}
    return _line({"role": "assistant", "content": content[: draw(st.integers(0, 2))], **middle, "timestamp": 1}, draw)


@st.composite
def inputs(draw: st.DrawFn) -> bytes:
    role = draw(st.sampled_from(["user", "toolResult"]))
    return _line({"role": role, "content": [{"type": "text", "text": draw(texts())[:1500]}]}, draw)


def _line(message: dict[str, object], draw: st.DrawFn) -> bytes:
    separators = draw(st.sampled_from([(",", ":"), (", ", ": ")]))
    head = {"type": "message", "id": "a", "parentId": None, "timestamp": "2026-02-18T11:15:00.000Z"}
    ascii_only = draw(st.booleans())
    line = json.dumps({**head, "message": message}, separators=separators, ensure_ascii=ascii_only)
    return line.encode(errors="surrogatepass")


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Two lines of which the first was never finished, a line with a hole, or bytes that are no UTF-8."""
    first, second = draw(answers()), draw(answers())
    cut = draw(st.integers(0, len(first)))
    hole = first[:cut] + b"\0" * 10 + first[cut:]
    kinds = [first[:cut], first[:cut] + second, hole, first[:cut] + b"\xff" + first[cut:], b"", b"  "]
    return draw(st.sampled_from(kinds))


def whole_entry(line: bytes) -> Entry | None:
    """Return the entry of a line that is decoded whole."""
    return None if line.isspace() or not line else entry_of(json_values.parse(line))


@settings(deadline=None, max_examples=300)
@given(st.lists(st.one_of(answers(), inputs(), damaged()), max_size=8))
def test_reading_in_part_gives_the_same_session(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    path = tmp_path_factory.mktemp("session") / "s.jsonl"
    path.write_bytes(b"\n".join(lines))
    plain = Transcript("s", str(path))
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        entry = whole_entry(line)
        if entry is not None:
            plain.feed(entry, f"{path}: line {number}")
    (session,) = read_transcript(path).sessions
    assert session == plain.finish()


def test_the_content_of_a_long_answer_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    parse = json_values.parse
    monkeypatch.setattr(transcript_reading.read, "parse", lambda raw: seen.append(len(raw)) or parse(raw))
    message = {
        "role": "assistant",
        "content": [{"type": "text", "text": "x" * 100_000}],
        "api": "ollama",
        "provider": "p",
        "model": "m",
        "usage": {"input": 7, "output": 2},
        "stopReason": "stop",
    }
    head = {"type": "message", "id": "a", "parentId": None, "timestamp": "2026-02-18T11:15:00.000Z"}
    line = json.dumps({**head, "message": message}, separators=(",", ":")).encode()
    ((_, entry),) = entries(io.BytesIO(line))
    assert isinstance(entry, Answer)
    assert (entry.prompt, entry.model, entry.stop) == (7, "m", "stop")
    assert seen != []
    assert max(seen) < 1000


def test_two_answers_in_one_line_are_damaged(tmp_path: Path) -> None:
    content = [{"type": "text", "text": "x" * 3000}]
    message = {"role": "assistant", "content": content, "api": "ollama", "model": "m", "stopReason": "stop"}
    head = {"type": "message", "id": "a", "parentId": None, "timestamp": "2026-02-18T11:15:00Z"}
    line = json.dumps({**head, "message": message}, separators=(",", ":"))
    path = tmp_path / "s.jsonl"
    path.write_text(f"{line[:2000]}{line}\n{line}\n", encoding="utf-8")
    session: Session = read_transcript(path).sessions[0]
    assert (len(session.calls), session.damaged_lines) == (1, 1)
    assert isinstance(next(entry for _, entry in entries(io.BytesIO(path.read_bytes()))), Damaged)
