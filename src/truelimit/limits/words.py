"""Names of limits in the words of a person: messages and reports speak in them, JSON keeps the short names."""

from __future__ import annotations

import re
from collections.abc import Iterable

from truelimit.domain.agent import Timeout
from truelimit.domain.limits import Rung

_TIMERS = {
    "node-fetch-headers": "Node fetch headers timeout",
    "node-fetch-body": "Node fetch body timeout",
    "openai-sdk-request": "OpenAI SDK request timeout",
    "provider-headers": "provider's timeout for headers",
    "provider-idle": "provider's timeout for silence",
    "idle-watchdog": "agent's watchdog for silence",
    "first-event": "agent's watchdog for the first event",
    "agent-run": "agent's run timeout",
    "agent-command": "agent command's timeout",
    "local-service-ready": "agent's wait for a local server",
    "server-load": "server's load timeout",
}
_CONTEXT = {
    "native": "trained for",
    "rope-scaled": "stretched by rope scaling",
    "memory-fit": "held by memory",
    "server-default": "server's default",
    "vram-tier": "default by memory tier",
    "definition": "model definition",
    "ctx-size": "server's --ctx-size",
    "request": "sent with each request",
    "fit": "reduced by the engine",
    "slot": "one slot's share",
    "loaded": "loaded now",
    "agent-context": "agent's window",
    "compaction-budget": "agent compacts at",
    "output-reserve": "left beside an answer",
}
_MEMORY = {
    "kv-cache": "KV cache",
    "compute-buffer": "compute buffer",
    "prompt-cache": "prompt cache",
    "os-share": "left to the system",
}
NAMES = {**_TIMERS, **_CONTEXT, **_MEMORY}
# "first-event" is also a kind of silence in running text, so it is left as it is there.
_IN_TEXT = re.compile(rf"(?<![\w./-])({'|'.join(name for name in _TIMERS if name != 'first-event')})(?![\w/-])")


def rung_words(name: str) -> str:
    """Return the name of a limit for a person: ``node-fetch-headers`` is the Node fetch headers timeout."""
    return NAMES.get(name, name)


def spoken(text: str) -> str:
    """Return a text with the short names of timers replaced by words."""
    return _IN_TEXT.sub(lambda match: _TIMERS[match.group()], text)


def told(rungs: Iterable[Rung | Timeout]) -> str:
    """Return limits by their words, each once: ``agent's window and model definition``."""
    names = list(dict.fromkeys(rung_words(rung.name) for rung in rungs))
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
