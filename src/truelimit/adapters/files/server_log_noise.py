"""Takes out of a block of a server's log what tells nothing, before it is searched: most of a log is that.

Debug lines whose message is none of those that are read, and the metadata of models that an engine prints when it
loads one. The ends of the lines stay, and the time of a line before another that has none, so that lines are counted
and dated as in the whole block.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

START = (
    rb"Listening on|server config|inference compute|vram-based|entering low vram|starting llama|starting runner"
    rb"|system memory|template selection"
)
MESSAGES = (
    rb"requested context size|invalid option|load\b|model weights|kv cache|compute graph|total memory|truncating "
    rb"|context limit hit|loading cache slot|client connection closed|aborting |llama|runtime OOM|model re"
    rb"|cache hit|cache miss|Prompt processing|llm predict error|error loading|Load failed|post predict"
)
_NOISE = re.compile(rb' level=DEBUG source=\S+ msg=(?!"?(?:' + START + rb"|" + MESSAGES + rb"))[^\n]*")
_METADATA = re.compile(rb"llama_model_loader: - kv +\d+:[^\n]*")
_METADATA_LINE = b"llama_model_loader: - kv "
_MESSAGE = re.compile(rb' level=DEBUG source=\S+ msg="?')
_PHRASES = tuple((START + b"|" + MESSAGES).replace(rb"\b", b"").split(b"|"))
_BEGINNINGS = frozenset(phrase[:length] for phrase in _PHRASES for length in range(len(phrase)))
_DATED = b"time="
# As much of a line, from its level on, as tells what kind of message it is.
_HEAD = 56
_MOST_KNOWN = 20_000


@dataclass(slots=True)
class Noise:
    """Remembers how the debug lines of one log begin that tell nothing: there are few ways, and very many lines."""

    _at: int = 0
    _known: set[bytes] = field(default_factory=set)

    def shortened(self, block: bytes) -> bytes:
        """Return a block of whole lines without its noise, its number of lines unchanged."""
        if b" level=DEBUG " in block:
            return self._without_debug(block.split(b"\n"))
        return _METADATA.sub(b"", block) if _METADATA_LINE in block else block

    def _without_debug(self, lines: list[bytes]) -> bytes:
        self._at = self._at or _length_of_time(lines)
        begin, end, known = self._at, self._at + _HEAD, self._known
        size = len(_METADATA_LINE)
        # The one step that is taken for each line of a log: everything that can be is left to the few that stay.
        stay = [
            index for index, line in enumerate(lines) if line[begin:end] not in known and line[:size] != _METADATA_LINE
        ]
        parts, following = [], 0
        for index in [*stay, len(lines)]:
            if index > following:
                is_dated = index < len(lines) and lines[index].startswith(_DATED)
                parts.append(
                    b"\n" * (index - following - 1) + (b"" if is_dated else _last_time(lines, following, index))
                )
            if index < len(lines):
                parts.append(self._without_noise(lines[index]))
            following = index + 1
        return b"\n".join(parts)

    def _without_noise(self, line: bytes) -> bytes:
        """Return a line, only its time if it is noise, and remember how such a line begins."""
        text = _NOISE.sub(b"", line)
        if len(text) < len(line) and len(self._known) < _MOST_KNOWN:
            head = line[self._at : self._at + _HEAD]
            if _is_noise(head):
                self._known.add(head)
        return text


def _last_time(lines: list[bytes], begin: int, end: int) -> bytes:
    """Return the time of the last dated one among the lines from ``begin`` to before ``end``."""
    dated = next((lines[at] for at in range(end - 1, begin - 1, -1) if lines[at].startswith(_DATED)), b"")
    return dated.partition(b" level=")[0]


def _length_of_time(lines: list[bytes]) -> int:
    """Return where the level begins: all times have one form, and a line with another is looked at by itself."""
    return next((at for line in lines[:1000] if (at := line.find(b" level=", 0, _HEAD)) > 0), 0)


def _is_noise(head: bytes) -> bool:
    """Return whether every line that goes on from this beginning is noise."""
    found = _MESSAGE.match(head)
    text = head[found.end() :] if found else b""
    return text not in _BEGINNINGS and not text.startswith(_PHRASES)
