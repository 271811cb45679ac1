"""Names of limits in the words of a person: messages and reports speak in them, JSON keeps the short names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from truelimit.domain.agent import Timeout
    from truelimit.domain.limits import Rung
from truelimit.domain.message import Message, joined, said

_TIMERS = {
    "node-fetch-headers": said("Node fetch headers timeout"),
    "node-fetch-body": said("Node fetch body timeout"),
    "openai-sdk-request": said("OpenAI SDK request timeout"),
    "provider-headers": said("provider's timeout for headers"),
    "provider-idle": said("provider's timeout for silence"),
    "idle-watchdog": said("agent's watchdog for silence"),
    "first-event": said("agent's watchdog for the first event"),
    "agent-run": said("agent's run timeout"),
    "agent-command": said("agent command's timeout"),
    "local-service-ready": said("agent's wait for a local server"),
    "server-load": said("server's load timeout"),
}
_CONTEXT = {
    "native": said("trained for"),
    "rope-scaled": said("stretched by rope scaling"),
    "memory-fit": said("held by memory"),
    "server-default": said("server's default"),
    "vram-tier": said("default by memory tier"),
    "definition": said("model definition"),
    "ctx-size": said("server's --ctx-size"),
    "request": said("sent with each request"),
    "fit": said("reduced by the engine"),
    "slot": said("one slot's share"),
    "loaded": said("loaded now"),
    "agent-context": said("agent's window"),
    "compaction-budget": said("agent compacts at"),
    "output-reserve": said("left beside an answer"),
}
_MEMORY = {
    "kv-cache": said("KV cache"),
    "compute-buffer": said("compute buffer"),
    "prompt-cache": said("prompt cache"),
    "os-share": said("left to the system"),
}
NAMES = {**_TIMERS, **_CONTEXT, **_MEMORY}
# "first-event" is also a kind of silence in running text, so it is left as it is there.
_IN_TEXT = re.compile(rf"(?<![\w./-])({'|'.join(name for name in _TIMERS if name != 'first-event')})(?![\w/-])")


def rung_words(name: str) -> str:
    """Return the name of a limit for a person: ``node-fetch-headers`` is the Node fetch headers timeout."""
    return NAMES.get(name) or said(name)


def spoken(text: str) -> str:
    """Return a text with the short names of timers replaced by words, in a message also within its values."""
    if isinstance(text, Message):
        return text.with_values(lambda value: spoken(value) if isinstance(value, str) else value)
    parts = _IN_TEXT.split(text)
    return joined("", (_TIMERS.get(part, part) for part in parts)) if len(parts) > 1 else text


def told(rungs: Iterable[Rung | Timeout]) -> str:
    """Return limits by their words, each once: ``agent's window and model definition``."""
    names = list(dict.fromkeys(rung_words(rung.name) for rung in rungs))
    if len(names) < 2:
        return joined("", names)
    return said("{others} and {last}", others=joined(", ", names[:-1]), last=names[-1])
