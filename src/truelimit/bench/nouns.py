"""What is asked of an endpoint and what one request cost."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from truelimit.domain.frozen import dataclass
from truelimit.domain.message import said
from truelimit.units import Seconds, Tokens

if TYPE_CHECKING:
    from truelimit.domain.measurements import MeasuredModel, MeasuredServer


class Purpose(StrEnum):
    """Why a request is sent."""

    WARM_UP = "warm-up"
    MEASURE = "measure"
    SAME_AGAIN = said("same prompt again")
    CANCEL = said("cancel midway")
    AFTER_CANCEL = said("same prompt after the cancel")


@dataclass(frozen=True, slots=True)
class Target:
    """The endpoint: which server and model, and what it would serve.

    ``counts_tokens``: it counts a text without reading it. ``tells_cached``: it says how many tokens came from its
    cache. ``shows_work``: it says whether it is busy. ``can_unload``: the model can be taken out of memory.
    ``loaded`` tells whether it was in memory at the start (None: not known). ``is_local``: it runs on this machine.
    ``latency`` is that of a plain question (taken off where only the client has timed), ``first_load`` what loading
    the model took where it was not in memory.
    """

    server: MeasuredServer
    model: MeasuredModel
    native_context: Tokens | None = None
    loaded: bool | None = None
    counts_tokens: bool = False
    tells_cached: bool = False
    shows_work: bool = False
    can_unload: bool = False
    is_local: bool = False
    latency: Seconds = Seconds(0.0)
    first_load: Seconds | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What one request cost, as client and server tell it; the answer's text is dropped.

    Times of the client count from the moment of asking, connection included. ``prompt_tokens`` holds cached ones.
    ``prefill_seconds`` and ``decode_seconds`` are the server's own (None: it gives none); ``timed`` is the number of
    written tokens that ``decode_seconds`` cover. ``overflow`` is (prompt, context) of a refusal as too long.
    """

    headers_seconds: Seconds | None = None
    first_token_seconds: Seconds | None = None
    last_token_seconds: Seconds | None = None
    total_seconds: Seconds = Seconds(0.0)
    prompt_tokens: Tokens | None = None
    cached_tokens: Tokens | None = None
    prefill_seconds: Seconds | None = None
    written: Tokens | None = None
    timed: Tokens | None = None
    decode_seconds: Seconds | None = None
    load_seconds: Seconds | None = None
    queue_seconds: Seconds | None = None
    chunks: int = 0
    cancelled: bool = False
    overflow: tuple[int, int | None] | None = None
    where: str = ""


@dataclass(frozen=True, slots=True)
class Observation:
    """A request and what it cost. ``depth`` is the tokens that its prompt should have, ``run`` counts repeats."""

    purpose: Purpose
    depth: Tokens
    run: int
    reply: Reply


@dataclass(frozen=True, slots=True)
class Load:
    """How long the model took to load. ``asked``: it was unloaded for that; else it just was not in memory."""

    seconds: Seconds
    asked: bool
    where: str
