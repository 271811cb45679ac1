"""The weeks of work before the incident: conversations, turns and calls, made from a small table, always the same."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

from truelimit.adapters.demo.pace import Server
from truelimit.units import MINUTE

WORKSPACES = {"main": "work/shop", "acme": "clients/acme", "ledger": "clients/ledger"}
FILES = tuple(f"src/{name}.py" for name in (
    "cart", "orders", "prices", "stock", "users", "mail", "taxes", "forms", "search", "events", "reports", "api",
))  # fmt: skip
_BASE = 8_960  # tokens of the agent's own prompt in an empty conversation
_PAUSE = 2.0 * MINUTE
_MANY = 5


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool call: its name, the file or command, the tokens of its result."""

    name: str
    target: str
    tokens: int


@dataclass(frozen=True, slots=True)
class Asked:
    """One call of the model. ``began`` and ``seconds`` in s; ``message``: tokens of what the user wrote before it."""

    began: float
    seconds: float
    prompt: int
    output: int
    tools: tuple[Tool, ...] = ()
    message: int | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """One transcript: when it was opened (s since 1970), whose it is, and its calls."""

    agent: str
    opened: float
    calls: tuple[Asked, ...]

    @property
    def name(self) -> str:
        """A short name that tells when it was opened."""
        return f"{datetime.fromtimestamp(self.opened, UTC):%Y%m%d-%H%M}-{self.agent}"


def conversations(table: str) -> Iterator[Conversation]:
    """Yield the conversations of a table; one server answers them all, in the order of their lines."""
    server = Server()
    for line in table.splitlines():
        if line and not line.startswith("#"):
            day, time, agent, *turns = line.split()
            opened = datetime.fromisoformat(f"{day}T{time}:00+00:00").timestamp()
            dice = Random(zlib.crc32(line.encode()))  # noqa: S311 - always the same for the same line
            yield Conversation(agent, opened, tuple(_Talk(server, agent, opened, dice).calls(turns)))


@dataclass(slots=True)
class _Talk:
    """A conversation while it goes on: the time, and the tokens that the next prompt has."""

    server: Server
    agent: str
    now: float
    dice: Random
    depth: int = _BASE
    session: str = field(default="")

    def calls(self, turns: list[str]) -> Iterator[Asked]:
        self.session, pause = f"{self.agent} {self.now}", 1.0
        for turn in turns:
            if turn.startswith("+"):
                pause = float(turn[1:]) * MINUTE
                continue
            self.now += self._about(pause)
            yield from self._turn(turn[0], int(turn[1:] or 0))
            pause = _PAUSE

    def _turn(self, kind: str, files: int) -> Iterator[Asked]:
        message: int | None = self._about(120)
        self.depth += message or 0
        for output, tools in self._steps(kind, files):
            yield self._ask(output, tools, message)
            message = None

    def _steps(self, kind: str, files: int) -> Iterator[tuple[int, tuple[Tool, ...]]]:
        """Yield output tokens and tool calls of each call of a turn."""
        names = self.dice.sample(FILES, files)
        if kind == "c":
            yield self._about(380), ()
            return
        many = files >= _MANY
        size = 5_400 if many else 2_300
        yield self._about(70 + 25 * files), tuple(Tool("read", name, self._about(size)) for name in names)
        if kind == "e":
            changes = tuple(Tool("edit", name, 40) for name in names)
            half = (files + 1) // 2 if many else files
            for part in (changes[:half], changes[half:]):
                if part:
                    yield self._about(260 * len(part)), part
        if many:
            yield self._about(80), (Tool("exec", "pytest -q", self._about(700)),)
        yield self._about(180 if kind == "e" else 420), ()

    def _ask(self, output: int, tools: tuple[Tool, ...], message: int | None) -> Asked:
        took = self.server.seconds(self.session, self.now, self.depth, output, self.dice.uniform(0.94, 1.08))
        made = Asked(self.now, took, self.depth, output, tools, message)
        self.now += took + sum(0.4 + 9 * (tool.name == "exec") for tool in tools)
        self.depth += output + sum(tool.tokens for tool in tools)
        return made

    def _about(self, middle: float) -> int:
        return round(middle * self.dice.uniform(0.8, 1.25))
