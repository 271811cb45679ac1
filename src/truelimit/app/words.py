"""Names of limits in the words of a person: reports speak in them, JSON keeps the short names."""

from __future__ import annotations

import re

from truelimit.domain.limits import Rung, SetBy
from truelimit.domain.server import ServerKind

_TIMERS = {
    "node-fetch-headers": "Node fetch headers timeout",
    "node-fetch-body": "Node fetch body timeout",
    "openai-sdk-request": "OpenAI SDK request timeout",
    "provider-headers": "provider's timeout for headers",
    "provider-idle": "provider's timeout for silence",
    "idle-watchdog": "agent's watchdog for silence",
    "first-event": "agent's watchdog for the first event",
    "agent-run": "agent's run timeout",
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
_NAMES = {**_TIMERS, **_CONTEXT, **_MEMORY}
# "first-event" is also a kind of silence in running text, so it is left as it is there.
_IN_TEXT = re.compile(rf"(?<![\w./-])({'|'.join(name for name in _TIMERS if name != 'first-event')})(?![\w/-])")

_SET_BY = {
    SetBy.MODEL: "the model's training",
    SetBy.SERVER_DEFINITION: "the model definition on the server",
    SetBy.SERVER_ENVIRONMENT: "the server's environment",
    SetBy.SERVER_DEFAULT: "the server's default",
    SetBy.SLOT: "the server's slots",
    SetBy.REQUEST: "the agent's own requests",
    SetBy.AGENT_CONFIG: "the agent's configuration",
    SetBy.AGENT_DEFAULT: "a default of the agent",
    SetBy.LAUNCHER: "the launcher",
    SetBy.CLIENT_LIBRARY: "the agent's HTTP library",
    SetBy.PROXY: "a proxy on the path",
    SetBy.SERVER_LOAD: "the server's bound on loading",
    SetBy.MACHINE: "the machine",
}


def rung_words(name: str) -> str:
    """Return the name of a limit for a person: ``node-fetch-headers`` is the Node fetch headers timeout."""
    return _NAMES.get(name, name)


def spoken(text: str) -> str:
    """Return a text with the short names of timers replaced by words."""
    return _IN_TEXT.sub(lambda match: _TIMERS[match.group()], text)


def who_set(rung: Rung, server: ServerKind | None = None) -> str:
    """Return who set a limit, with the key where there is one: ``the agent's configuration (contextWindow)``.

    ``server`` is the kind of the stack's server: llama-server has a command line where others have definitions.
    """
    if rung.set_by is SetBy.SERVER_DEFINITION and server is ServerKind.LLAMA_SERVER:
        return "the way llama-server was started (--ctx-size)"
    _, colon, key = rung.where.partition(" (line ")[0].rpartition(": ")
    key = key.rpartition(".")[2]
    plain = bool(colon) and key.replace("_", "").isalnum()
    return f"{_SET_BY[rung.set_by]} ({key})" if plain else _SET_BY[rung.set_by]
