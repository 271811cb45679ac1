"""The memory that a stack's model takes at a context, with the settings of its server."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from truelimit.domain.message import said, without_start
from truelimit.domain.provenance import Basis, Known, Missing
from truelimit.domain.server import Engine, ServerKind, ServerSettings
from truelimit.limits.ollama_version import ollama_version
from truelimit.limits.remembered import Remembered
from truelimit.limits.served import PADDING, last_load, native_context
from truelimit.perf.cache_layout import UnknownLayoutError
from truelimit.perf.kv_cache import CacheSettings
from truelimit.perf.layouts.nouns import SettingsRefusedError
from truelimit.perf.memory import MemoryNeed, MemorySettings, memory_needed
from truelimit.units import GIB, Bytes, Tokens

if TYPE_CHECKING:
    from truelimit.domain.facts import Stack
    from truelimit.domain.model import ModelHeader

T = TypeVar("T")
_Asked = tuple[int, str | None, bool | None]

DEFAULT_PROMPT_CACHE = Bytes(8 * GIB)  # llama-server --cache-ram: 8192 MiB; Ollama from 0.30 runs it so
_DEFAULT_UBATCH = 512


def memory_need(
    stack: Stack, context: int, *, kv_type: str | None = None, flash_attention: bool | None = None
) -> MemoryNeed | None:
    """Return the memory for one request's context of so many tokens, over all slots; None where it is not known.

    ``kv_type`` and ``flash_attention`` stand for the server's own where given.
    """
    need = need_or_reason(stack, context, kv_type, flash_attention)
    return None if isinstance(need, Missing) else need


def need_or_reason(
    stack: Stack, context: int, kv_type: str | None = None, flash_attention: bool | None = None
) -> MemoryNeed | Missing:
    """Return the memory needed, or the reason why it cannot be computed."""
    known, asked = _needs(stack), (context, kv_type, flash_attention)
    if asked not in known:
        known[asked] = _need_or_reason(stack, *asked)
    return known[asked]


def _nothing_yet(_stack: Stack) -> dict[_Asked, MemoryNeed | Missing]:
    return {}


_needs = Remembered(_nothing_yet)


def _need_or_reason(
    stack: Stack, context: int, kv_type: str | None, flash_attention: bool | None
) -> MemoryNeed | Missing:
    header = stack.header
    if header is None:
        return Missing(said("memory of the model"), said("no header of the model was found (file, store or server)"))
    try:
        return memory_needed(header, memory_settings(stack, context, kv_type, flash_attention))
    except SettingsRefusedError as error:  # not the file's fault
        return Missing(said("memory of the model"), error.reason)
    except UnknownLayoutError as error:
        return Missing(said("memory of the model"), _why(header, error))


def _why(header: ModelHeader, error: UnknownLayoutError) -> str:
    """The reason with the header's source before it, once."""
    start = said("{where}: {key}", where=header.where, key="")
    return said("{where}: {error}", where=header.where, error=without_start(error.reason, start))


def memory_settings(
    stack: Stack, context: int, kv_type: str | None = None, flash_attention: bool | None = None
) -> MemorySettings:
    """Return the settings of the stack's server for a context that one request may use.

    How the model was really loaded the last time stands before what settings and defaults would make of it.
    """
    settings = stack.server.settings if stack.server else ServerSettings()
    ran = last_load(stack)
    own_attention = stack.definition.flash_attention if stack.definition else None
    attention = _value(own_attention or settings.flash_attention, default=True)
    attention = ran.flash_attention if ran is not None and ran.flash_attention is not None else attention
    attention = attention if flash_attention is None else flash_attention
    type_k = kv_type or (ran and ran.kv_type) or _value(settings.kv_type, default="f16")
    type_v = kv_type or (ran and (ran.kv_type_v or ran.kv_type)) or _value(settings.kv_type_v, default=type_k)
    slots, unified, whole = _slots(stack, settings, context)
    cache = CacheSettings(
        context=Tokens(whole),
        slots=slots,
        unified=unified,
        kv_type_k=type_k,
        kv_type_v=type_v,
        ubatch=_value((stack.definition and stack.definition.batch) or settings.ubatch, default=_DEFAULT_UBATCH),
    )
    return MemorySettings(
        cache=cache,
        flash_attention=attention,
        logits_reserved=_reserves_logits(stack),
        prompt_cache=_prompt_cache(stack),
    )


def _value(known: Known[T] | None, default: T) -> T:
    return known.value if known is not None else default


def _slots(stack: Stack, settings: ServerSettings, context: int) -> tuple[int, bool, int]:
    """Slots, whether they share one cache, and the context over all of them.

    Ollama allocates num_ctx for each slot. llama-server without --parallel gives 4 slots one shared cache.
    """
    slots = max(1, _value(settings.parallel, default=1))
    ollama = stack.server is not None and stack.server.kind is ServerKind.OLLAMA
    unified = slots == 1 or (not ollama and _value(settings.unified_kv, default=True))
    return slots, unified, context if unified else context * slots


# Models that Ollama runs with its own engine, which reserves logits for one token a slot; the others went through the
# llama.cpp inside it, which reserves them for a whole batch (llama.cpp before PR 23861 of 2026-06-01). Read in
# fs/ggml/ggml.go (OllamaEngineRequired) and runner/ollamarunner/runner.go; 0.11.4 itself shows both.
_OWN_ENGINE = frozenset({"gemma3", "gemma3n", "gptoss", "gpt-oss", "llama4", "mistral3", "mllama", "qwen25vl"})
_OWN_ENGINE_LATER = frozenset({"deepseek2", "olmo3", "qwen3", "qwen3moe", "qwen3vl", "qwen3vlmoe"})
_LATER = (0, 13, 0)


def _reserves_logits(stack: Stack) -> bool:
    """Whether the engine reserves the logits of a whole batch: the llama.cpp inside Ollama up to 0.24 does."""
    server = stack.server
    if server is None or server.engine is not Engine.OLLAMA_RUNNER:
        return False
    architecture = stack.header.architecture if stack.header else ""
    version = ollama_version(server)
    later = version is not None and version >= _LATER
    return architecture not in _OWN_ENGINE and not (later and architecture in _OWN_ENGINE_LATER)


def _prompt_cache(stack: Stack) -> Bytes:
    """The host's prompt cache: as set, else llama-server's default where that engine runs, else none."""
    server = stack.server
    if server is None:
        return Bytes(0)
    if server.settings.prompt_cache is not None:
        return server.settings.prompt_cache.value
    return DEFAULT_PROMPT_CACHE if server.engine is Engine.LLAMA_SERVER else Bytes(0)


def largest_fit(stack: Stack, holds: Callable[[MemoryNeed], bool], near: int | None = None) -> Tokens | None:
    """Return the largest context, in steps of 256 up to the native one, whose need is held; None where none is.

    The need grows with the context, so the largest is found by halving. ``near`` is a context where it is looked for
    first, which changes nothing but the number of steps.
    """
    native = native_context(stack)
    if native is None:
        return None
    low, high = 0, -(-native.value // PADDING)  # steps: low is held (or 0), high + 1 is not looked at
    first = [] if near is None else [near // PADDING + step for step in (1, -1, 0)]
    while low < high:
        middle = first.pop() if first else (low + high + 1) // 2
        if not low < middle <= high:
            continue
        need = memory_need(stack, min(middle * PADDING, native.value))
        if need is None:
            return None
        low, high = (middle, high) if holds(need) else (low, middle - 1)
    return Tokens(min(low * PADDING, native.value)) if low else None


def kv_basis(stack: Stack) -> tuple[str, Basis]:
    """Return where the type of the cache is known from: the server's setting, or the default f16."""
    known = stack.server.settings.kv_type if stack.server else None
    return (known.where, known.basis) if known is not None else (said("f16, the engine's default"), Basis.SPECIFIED)
