"""What is taken out of a log before it is searched changes nothing that is found."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.server_log_text import LLAMA_LOGS, OLLAMA_LOGS
from truelimit.adapters.files import server_log_lines
from truelimit.adapters.files.server_log_lines import Line, LineFinder
from truelimit.adapters.files.server_log_noise import MESSAGES, START, Noise

# The plain way: one search of all that is noise, line by line.
PLAIN = re.compile(rb' level=DEBUG source=\S+ msg=(?!"?(?:' + START + rb"|" + MESSAGES + rb"))[^\n]*")
SAMPLES = sorted([*OLLAMA_LOGS.glob("*.log"), *LLAMA_LOGS.glob("*.log")])
LINES = [line for path in SAMPLES for line in path.read_bytes().splitlines()]
TIME = "time=2026-02-18T11:15:0{}.123{} level={} source=sched.go:{} msg={}"


class Plainly:
    """Shortens a block as a search for noise alone would."""

    def shortened(self, block: bytes) -> bytes:
        return PLAIN.sub(b"", block)


@st.composite
def log_lines(draw: st.DrawFn) -> bytes:
    """A line of a sample, or one of Go's with a message that is, begins like, or is not one that is read."""
    if draw(st.booleans()):
        return draw(st.sampled_from(LINES))
    words = ["load", "loading", "loa", "", "llama", "evaluating if", "Prompt processing", "Listening", "a failed to b"]
    message = draw(st.sampled_from(words)) + draw(st.sampled_from(["", " x", "=1", " failed to y", "ing cache slot z"]))
    text = f'"{message}"' if " " in message else message
    level = draw(st.sampled_from(["DEBUG", "INFO", "WARN", "TRACE"]))
    zone = draw(st.sampled_from(["Z", "+01:00"]))
    return TIME.format(draw(st.integers(0, 9)), zone, level, draw(st.integers(1, 2)), text).encode()


def found(path: Path, noise: object) -> tuple[list[Line], int]:
    finder = LineFinder(path, _noise=noise)  # type: ignore[arg-type]
    return list(finder), finder.damaged


@settings(deadline=None, max_examples=200)
@given(st.lists(log_lines(), max_size=60), st.sampled_from([b"\n", b"\r\n"]), st.sampled_from([300, 1 << 20]))
def test_the_same_lines_are_found_as_with_nothing_taken_out(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], end: bytes, block: int
) -> None:
    path = tmp_path_factory.mktemp("log") / "server.log"
    path.write_bytes(end.join(lines))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server_log_lines, "BLOCK", block)
        assert found(path, Noise()) == found(path, Plainly())


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_sample_logs_give_the_same_lines(path: Path) -> None:
    assert found(path, Noise()) == found(path, Plainly())


def test_lines_are_counted_and_dated_as_in_the_whole_block() -> None:
    noise = "time=2026-02-18T11:15:0{}.000Z level=DEBUG source=a.go:1 msg=nothing of interest at all, really x={}"
    lines = [noise.format(number % 10, number) for number in range(7)]
    block = "\n".join([*lines, "[GIN] an access line", *lines, ""]).encode()
    shortener = Noise()
    first, second = (shortener.shortened(block).decode().split("\n") for _ in range(2))
    assert len(first) == len(second) == len(block.decode().split("\n"))
    assert first[7] == second[7] == "[GIN] an access line"
    assert second[6] == "time=2026-02-18T11:15:06.000Z"
    assert len("".join(second)) < len(block) / 5


def test_metadata_of_a_model_is_no_event(tmp_path: Path) -> None:
    template = "llama_model_loader: - kv  21: tokenizer.chat_template str = {{ 'panic: failed to load buffer size' }}"
    path = tmp_path / "server.log"
    path.write_text(f"{template}\nllama_model_loader: loaded meta data\n{template}\n", encoding="utf-8")
    assert list(LineFinder(path)) == []
