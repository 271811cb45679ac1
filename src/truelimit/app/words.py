"""Who set a limit, in the words of a person."""

from __future__ import annotations

from truelimit.domain.limits import Rung, SetBy
from truelimit.domain.message import said
from truelimit.domain.server import ServerKind

_SET_BY = {
    SetBy.MODEL: said("the model's training"),
    SetBy.SERVER_DEFINITION: said("the model definition on the server"),
    SetBy.SERVER_ENVIRONMENT: said("the server's environment"),
    SetBy.SERVER_DEFAULT: said("the server's default"),
    SetBy.SLOT: said("the server's slots"),
    SetBy.REQUEST: said("the agent's own requests"),
    SetBy.AGENT_CONFIG: said("the agent's configuration"),
    SetBy.AGENT_DEFAULT: said("a default of the agent"),
    SetBy.LAUNCHER: said("the launcher"),
    SetBy.CLIENT_LIBRARY: said("the agent's HTTP library"),
    SetBy.PROXY: said("a proxy on the path"),
    SetBy.SERVER_LOAD: said("the server's bound on loading"),
    SetBy.MACHINE: said("the machine"),
}


def who_set(rung: Rung, server: ServerKind | None = None) -> str:
    """Return who set a limit, with the key where there is one: ``the agent's configuration (contextWindow)``.

    ``server`` is the kind of the stack's server: llama-server has a command line where others have definitions.
    """
    if rung.set_by is SetBy.SERVER_DEFINITION and server is ServerKind.LLAMA_SERVER:
        return said("the way llama-server was started (--ctx-size)")
    _, colon, key = rung.where.partition(" (line ")[0].rpartition(": ")
    key = key.rpartition(".")[2]
    plain = bool(colon) and key.replace("_", "").isalnum()
    who = _SET_BY[rung.set_by]
    return said("{who} ({key})", who=who, key=key) if plain else who
