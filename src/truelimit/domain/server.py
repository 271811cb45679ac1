"""A model server: what it is, what it would serve, what it has loaded, what its log tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING

from truelimit.domain.frozen import dataclass
from truelimit.domain.set_by import SetBy
from truelimit.units import Bytes, Seconds, Tokens

if TYPE_CHECKING:
    from datetime import datetime

    from truelimit.domain.model import ModelHeader
    from truelimit.domain.provenance import Known


class ServerKind(StrEnum):
    """Which program answers."""

    OLLAMA = "ollama"
    LLAMA_SERVER = "llama-server"


class Engine(StrEnum):
    """Which code runs the model. Ollama's own runner up to 0.24, llama-server from 0.30."""

    OLLAMA_RUNNER = "ollama-runner"
    LLAMA_SERVER = "llama-server"


@dataclass(frozen=True, slots=True)
class Definition:
    """A model as a server would load it: a name, a model file, parameters set in the definition.

    ``same_blob`` names other definitions that share the model file (they share one loaded copy in Ollama).
    ``parameters`` holds the definition's parameters with JSON types; ``num_ctx`` repeats the one that matters here.
    ``flash_attention`` and ``batch`` (tokens, physical batch too) hold for this model where the server decides them
    by model; None: the server's settings hold.
    """

    name: str
    where: str
    header: ModelHeader | None = None
    file_bytes: Known[Bytes] | None = None
    digest: str | None = None
    parent: str | None = None
    num_ctx: Known[Tokens] | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)
    same_blob: tuple[str, ...] = ()
    quantization: str | None = None
    flash_attention: Known[bool] | None = None
    batch: Known[int] | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model in memory, as the server reports it; ``context`` is for one slot."""

    name: str
    context: Known[Tokens] | None
    slots: Known[int] | None = None
    size: Known[Bytes] | None = None
    size_vram: Known[Bytes] | None = None
    native_context: Known[Tokens] | None = None


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Settings that hold for the whole server. Each is None when not known.

    ``default_context`` is what a model gets when neither definition nor request says otherwise;
    ``default_context_set_by`` tells an environment variable from a default in the server's code.
    ``tier_context`` is the default by memory tier, even where a variable overrides it.
    """

    default_context: Known[Tokens] | None = None
    default_context_set_by: SetBy = SetBy.SERVER_DEFAULT
    tier_context: Known[Tokens] | None = None
    parallel: Known[int] | None = None
    unified_kv: Known[bool] | None = None
    kv_type: Known[str] | None = None
    kv_type_v: Known[str] | None = None
    flash_attention: Known[bool] | None = None
    batch: Known[int] | None = None
    ubatch: Known[int] | None = None
    prompt_cache: Known[Bytes] | None = None
    load_timeout: Known[Seconds] | None = None
    keep_alive: Known[Seconds] | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a server's log that matters. ``time`` is None where the log carries none."""

    where: str
    time: datetime | None


@dataclass(frozen=True, slots=True)
class ModelLoaded(Event):
    """A model was loaded: context over all slots, slots, cache type, and how long it took.

    ``model`` is what the log names: a name, a blob path or digest.
    """

    model: str | None = None
    total_context: Tokens | None = None
    slots: int | None = None
    context_per_slot: Tokens | None = None
    native_context: Tokens | None = None
    kv_type: str | None = None
    flash_attention: bool | None = None
    batch: int | None = None
    seconds: Seconds | None = None
    kv_type_v: str | None = None
    ubatch: int | None = None


@dataclass(frozen=True, slots=True)
class BuffersReported(Event):
    """What the engine said that it allocated: ``kind`` is model, kv, state, compute, output or total."""

    kind: str = ""
    device: str = ""
    size: Bytes = Bytes(0)


@dataclass(frozen=True, slots=True)
class RequestEnded(Event):
    """An access-log line: HTTP status, duration, path. ``time`` is when it ended."""

    status: int = 0
    seconds: Seconds = Seconds(0.0)
    path: str = ""


@dataclass(frozen=True, slots=True)
class PromptTruncated(Event):
    """The server cut a prompt silently: tokens asked, kept, and the limit it cut to."""

    prompt: Tokens = Tokens(0)
    kept: Tokens = Tokens(0)
    limit: Tokens = Tokens(0)


@dataclass(frozen=True, slots=True)
class MessagesDropped(Event):
    """The server dropped whole messages from the front of a conversation (count as the log gives it)."""

    count: int = 0


@dataclass(frozen=True, slots=True)
class PromptRefused(Event):
    """The server refused a prompt as too long; numbers are None when its text gives none."""

    prompt: Tokens | None = None
    context: Tokens | None = None


@dataclass(frozen=True, slots=True)
class PromptStarted(Event):
    """Reading a prompt began: its tokens, the tokens taken from the cache (None unknown), the slot's context."""

    task: str = ""
    prompt: Tokens = Tokens(0)
    cached: Tokens | None = None
    context: Tokens | None = None


@dataclass(frozen=True, slots=True)
class PromptProgress(Event):
    """Progress while reading: tokens in place so far (cached ones included), seconds since the start of reading.

    ``evaluated`` leaves out tokens that came from the cache, where the log allows that.
    """

    task: str = ""
    tokens: Tokens = Tokens(0)
    evaluated: Tokens | None = None
    fraction: float = 0.0
    seconds: Seconds = Seconds(0.0)


@dataclass(frozen=True, slots=True)
class PromptRead(Event):
    """Reading a prompt ended: tokens really evaluated (cache excluded), seconds, and the depth it started from."""

    task: str = ""
    evaluated: Tokens = Tokens(0)
    seconds: Seconds = Seconds(0.0)
    from_depth: Tokens | None = None


@dataclass(frozen=True, slots=True)
class AnswerWritten(Event):
    """An answer ended: tokens that the seconds cover, seconds, and the depth (tokens before it) where known.

    Engines since 2026 do not time the first token of an answer: then ``tokens`` leaves it out.
    """

    task: str = ""
    tokens: Tokens = Tokens(0)
    seconds: Seconds = Seconds(0.0)
    depth: Tokens | None = None


@dataclass(frozen=True, slots=True)
class RequestCancelled(Event):
    """The client went away; ``tokens`` in place were kept in the cache where the engine says so."""

    task: str = ""
    tokens: Tokens | None = None


@dataclass(frozen=True, slots=True)
class EngineFailed(Event):
    """The engine died or did not load: ``reason`` is crash, out-of-memory or load-timeout; ``text`` is the log's."""

    reason: str = "crash"
    text: str = ""


@dataclass(frozen=True, slots=True)
class ModelEvicted(Event):
    """The scheduler unloaded a model or predicted that memory would not do."""

    text: str = ""
    predicted: Bytes | None = None
    available: Bytes | None = None


@dataclass(frozen=True, slots=True)
class ContextChanged(Event):
    """The server changed a context by itself: ``reason`` is clamped-to-native, capped-slot, fit or out-of-memory."""

    reason: str = ""
    asked: Tokens = Tokens(0)
    used: Tokens = Tokens(0)


@dataclass(frozen=True, slots=True)
class CacheEntryRefused(Event):
    """A conversation was too large for the host prompt cache and was thrown away."""

    size: Bytes = Bytes(0)
    limit: Bytes = Bytes(0)


@dataclass(frozen=True, slots=True)
class PoolExhausted(Event):
    """Requests running together filled the context that all slots share: ``tasks`` of them failed at once."""

    tasks: int = 0


@dataclass(frozen=True, slots=True)
class LayersOffloaded(Event):
    """How many layers went to the accelerator."""

    offloaded: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class Server:
    """A server, live or known from its traces. ``name`` is its URL or the place of the traces.

    ``named``: the user gave its address, so it stands for the one that an agent knows by another local address.
    """

    kind: ServerKind
    name: str
    url: str | None = None
    version: Known[str] | None = None
    engine: Engine | None = None
    live: bool = False
    settings: ServerSettings = field(default_factory=ServerSettings)
    definitions: tuple[Definition, ...] = ()
    loaded: tuple[Loaded, ...] = ()
    events: tuple[Event, ...] = ()
    named: bool = False
