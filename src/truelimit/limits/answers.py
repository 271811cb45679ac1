"""Which server answers a route, and which of its definitions the route's model is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from truelimit.domain.server import Definition, Server, ServerKind
from truelimit.limits.addresses import OLLAMA, OLLAMA_PORT, Address, address_of
from truelimit.limits.names import same_digest, same_model, stem

if TYPE_CHECKING:
    from truelimit.domain.model import ModelHeader

_LLAMA_WORDS = ("llama-server", "llama.cpp", "llamacpp", "llama-cpp", "llama_cpp")


def server_for(provider: str, api: str, base_url: str | None, servers: Sequence[Server]) -> Server | None:
    """Return the server that answers at a route's address, or None.

    By address; else, where the route's address is a local one, the only server of the kind that provider, api or port
    point to, if its address is not known (traces) or the user named it.
    """
    address, kind = address_of(base_url), kind_of(provider, api, base_url)
    if address is None and kind is ServerKind.OLLAMA:
        address = OLLAMA
    at_address = [server for server in servers if address is not None and address_of(server.url) == address]
    if at_address:
        return at_address[0]
    if address is not None and not address.is_near:
        return None
    others = [server for server in servers if (server.url is None or server.named) and _may_be(server, kind, address)]
    return others[0] if len(others) == 1 else None


def _may_be(server: Server, kind: ServerKind | None, address: Address | None) -> bool:
    return server.kind is kind or (kind is None and address is not None)


def kind_of(provider: str, api: str, base_url: str | None) -> ServerKind | None:
    """Return the kind of server that a route's provider, api or port points to, or None."""
    name, address = provider.lower(), address_of(base_url)
    if api == "ollama" or name.startswith("ollama") or (address is not None and address.port == OLLAMA_PORT):
        return ServerKind.OLLAMA
    return ServerKind.LLAMA_SERVER if any(word in name for word in _LLAMA_WORDS) else None


def definition_for(model: str, server: Server | None) -> Definition | None:
    """Return the server's definition of a model by name; llama-server answers any name with its only one."""
    if server is None:
        return None
    for definition in server.definitions:
        if same_model(definition.name, model):
            return definition
    single = server.kind is ServerKind.LLAMA_SERVER and len(server.definitions) == 1
    return server.definitions[0] if single else None


def header_for(model: str, definition: Definition | None, models: Sequence[ModelHeader]) -> ModelHeader | None:
    """Return the header of a model: its definition's (the fuller one), else a file's that its digest or name fits.

    A header without tensors, as a short API answer gives it, yields to the same model's file where that was named.
    """
    own = definition.header if definition else None
    if own is not None and own.tensors:
        return own
    digests = (definition.digest if definition else None, own.where if own else None)
    for header in models:
        if any(same_digest(header.where, digest) for digest in digests):
            return header
    names = {stem(model), stem(model.replace(":", "-"))}
    by_name = next((header for header in models if {stem(header.where), header.name.lower()} & names), None)
    if by_name is not None:
        return by_name
    return own or (models[0] if len(models) == 1 and definition is None else None)
