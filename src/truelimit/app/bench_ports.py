"""What a benchmark needs from the edges: an endpoint to ask, a clock, heads for prompts, somebody to tell."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from truelimit.domain.frozen import dataclass

if TYPE_CHECKING:
    from truelimit.bench.nouns import Reply, Target
    from truelimit.units import Seconds, Tokens


class BenchError(Exception):
    """An endpoint could not be measured: one line that says what happened, where, and what to do."""


@dataclass(frozen=True, slots=True)
class Sign:
    """How far a request has come: seconds since it was sent, tokens read (None: not told), answer parts received."""

    seconds: Seconds
    read: Tokens | None = None
    parts: int = 0


Watch = Callable[[Sign], bool]
"""Called several times a second while a request runs; False takes the request back."""


class Endpoint(Protocol):
    """A model behind a server. Every method raises BenchError."""

    @property
    def target(self) -> Target:
        """What it is."""
        ...

    def count(self, text: str) -> Tokens:
        """Return the tokens of a prompt by the server's own tokenizer (only where the target counts tokens)."""
        ...

    def ask(self, prompt: str, most_tokens: int, seconds: float, watch: Watch) -> Reply:
        """Send a prompt and return what it cost; taken back after ``seconds`` or when ``watch`` says so."""
        ...

    def busy(self) -> bool | None:
        """Return whether the server is at work, None when it does not say (only where the target shows work)."""
        ...

    def unload(self) -> None:
        """Take the model out of memory (only where the target can unload)."""
        ...

    def load(self, seconds: float) -> Seconds:
        """Load the model without a prompt and return how long that took (only where the target can unload)."""
        ...


class Teller(Protocol):
    """Told how the run goes on: what is being done, the share that is done (0 to 1), seconds to go (None: unknown)."""

    def __call__(self, doing: str, share: float, to_go: float | None) -> None:
        """Take note."""
        ...


@dataclass(frozen=True, slots=True)
class World:
    """What a run needs of the world: a clock in seconds, a pause, a new head for a prompt, somebody to tell."""

    clock: Callable[[], float]
    pause: Callable[[float], None]
    head: Callable[[], str]
    tell: Teller
