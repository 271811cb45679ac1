"""What a scripted model answers, in no protocol's and no agent's words, and what its server knows afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MODEL = "scripted-30b"
WINDOW = 65_536
MARK = "scripted-turn"  # stands in a user's message: "scripted-turn:NAME;"


@dataclass(frozen=True, slots=True)
class Touch:
    """A file that the model wants to ``read``, ``edit`` (its first word) or ``write``."""

    what: str
    path: str


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: its tool calls, else a text; the tokens that it counts; seconds until and after its first token.

    ``prompt`` is the whole prompt, ``cached`` the part that a cache held. ``overflow``: HTTP 400 as llama-server words
    it. ``cut``: the answer ended at its longest (``finish_reason`` length).
    """

    prompt: int
    cached: int
    output: int
    touches: tuple[Touch, ...] = ()
    text: str = "Done."
    wait: float = 0.3
    write: float = 0.2
    cut: bool = False
    overflow: bool = False


SIDE = Reply(700, 0, 5, text="A title", wait=0.0, write=0.0)  # to what an agent asks for itself


@dataclass(slots=True)
class Served:
    """One request and its answer, as the server knows them. Times are seconds since 1970."""

    turn: str
    side: bool
    reply: Reply
    came: float
    first: float = 0.0
    ended: float = 0.0
    told: tuple[str, ...] = ()


Tools = Mapping[str, Any]


@dataclass(slots=True)
class Script:
    """The turns by name, and what was answered so far. One main request at a time: what repeats none is a side call."""

    turns: Mapping[str, tuple[Reply, ...]]
    served: list[Served] = field(default_factory=list)

    def answer(self, body: str, *, has_tools: bool, came: float) -> Served:
        """Return what is answered to a request with this text of a body."""
        name = body.rpartition(MARK + ":")[2].partition(";")[0] if MARK + ":" in body else ""
        done = [item for item in self.served if item.turn == name and not item.side]
        replies = self.turns.get(name, ())
        is_next = has_tools and len(done) < len(replies) and self._goes_on(done, body)
        item = Served(name, not is_next, replies[len(done)] if is_next else SIDE, came)
        item.told = tuple(f"call_{name}_{len(done)}_{place}" for place, _ in enumerate(item.reply.touches))
        self.served.append(item)
        return item

    def _goes_on(self, done: list[Served], body: str) -> bool:
        """Return whether a request holds what the last answer asked for: another one is none of this conversation."""
        return all(call in body for item in done[-1:] for call in item.told)
