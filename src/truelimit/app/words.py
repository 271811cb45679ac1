"""Who set a limit, in the words of a person."""

from __future__ import annotations

from truelimit.domain.limits import Rung, SetBy
from truelimit.domain.server import ServerKind

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
