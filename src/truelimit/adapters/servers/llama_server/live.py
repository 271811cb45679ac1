"""What answers at an address: a llama-server with all that it tells, or a clear word on what it is instead."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from truelimit.adapters.servers.http import HttpReply, HttpTrouble, get_text, shown
from truelimit.adapters.servers.llama_server.client import LlamaServerClient
from truelimit.adapters.servers.llama_server.model_file import header_at
from truelimit.adapters.servers.llama_server.replies import ModelMeta, Props, props_of
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known, Missing
from truelimit.domain.server import Definition, Engine, Loaded, Server, ServerKind, ServerSettings
from truelimit.units import Bytes, Tokens

if TYPE_CHECKING:
    from truelimit.app.ports import Deadline

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """What one address gave: a server, or why there is none. ``examined``: what was asked."""

    server: Server | None = None
    missing: tuple[Missing, ...] = ()
    examined: tuple[str, ...] = ()


def ask(url: str, deadline: Deadline, *, named: bool, with_files: bool) -> Answer:
    """Return what answers at the URL. Never raises.

    ``named``: the user named the address, so silence there is worth a word. ``with_files``: the model file may be
    read where the server names one on this machine.
    """
    client = LlamaServerClient(url, deadline)
    try:
        front = client.front()
    except HttpTrouble as trouble:
        return Answer(missing=(Missing(said("model server at {url}", url=shown(url)), str(trouble)),) if named else ())
    props = props_of(front.value) if front.status == 200 else None
    if props is None and "llama.cpp" not in front.headers.get("server", ""):
        return Answer(missing=_something_else(client, deadline) if named else ())
    if front.status in {401, 403, 503}:
        return Answer(missing=(_closed(client.url, front),), examined=(f"{shown(client.url)}/props",))
    return _told(client, props, with_files=with_files)


def _closed(url: str, front: HttpReply) -> Missing:
    fact = said("llama-server at {url}", url=shown(url))
    if front.status == 503:
        return Missing(fact, said("it is loading its model (status 503): run this again when it is ready"))
    why = said(
        "status {status}: it wants an API key; start it without --api-key, or name its log with --log",
        status=front.status,
    )
    return Missing(fact, why)


def _something_else(client: LlamaServerClient, deadline: Deadline) -> tuple[Missing, ...]:
    """Say what a server is that is no llama-server."""
    fact = said("model server at {url}", url=shown(client.url))
    try:
        if "Ollama is running" in get_text(client.url + "/", deadline):
            return (Missing(fact, said("this is Ollama, not llama-server: name it with --ollama instead of --server")),)
    except HttpTrouble:
        pass
    try:
        return (Missing(fact, _foreign(client.models())),)
    except HttpTrouble as trouble:
        return (Missing(fact, said("neither llama-server nor another model server: {trouble}", trouble=trouble)),)


def _foreign(meta: ModelMeta) -> str:
    owner = f" (owned_by {_printable(meta.owner)})" if meta.owner else ""
    limit = (
        said("; it says that its context is {foreign_context:,} tokens", foreign_context=meta.foreign_context)
        if meta.foreign_context
        else ""
    )
    return said(
        "it speaks the OpenAI API but is neither Ollama nor llama-server{owner}, so it is not examined{limit}",
        owner=owner,
        limit=limit,
    )


def _printable(text: str) -> str:
    return "".join(letter for letter in text[:40] if letter.isprintable())


def _told(client: LlamaServerClient, props: Props | None, *, with_files: bool) -> Answer:
    url, missing = shown(client.url), []
    try:
        meta = client.models()
    except HttpTrouble as trouble:
        meta = None
        missing.append(Missing(said("native context of llama-server at {url}", url=url), str(trouble)))
    if props is None:
        missing.append(
            Missing(
                said("properties of llama-server at {url}", url=url), said("/props gave no settings: update the server")
            )
        )
    missing += _extras(client, props)
    definition, gap = _definition(url, props, meta, with_files=with_files and _is_loopback(client.url))
    server = Server(
        kind=ServerKind.LLAMA_SERVER,
        name=url,
        url=client.url,
        version=_known(props.build if props else None, said("{url}/props: build_info", url=url)),
        engine=Engine.LLAMA_SERVER,
        live=True,
        settings=ServerSettings(
            parallel=_known(props.slots if props else None, said("{url}/props: total_slots", url=url))
        ),
        definitions=(definition,),
        loaded=(_loaded(url, definition.name, props, meta),),
    )
    return Answer(server, (*missing, *gap), (f"{url}/props", f"{url}/v1/models"))


def _extras(client: LlamaServerClient, props: Props | None) -> list[Missing]:
    """Ask for slots and counters once; say which is switched off."""
    url, found = shown(client.url), []
    if props is not None and not props.serves_slots:
        found.append(
            Missing(said("slots of llama-server at {url}", url=url), said("switched off: start it with --slots"))
        )
    if props is not None and not props.serves_metrics:
        found.append(
            Missing(said("counters of llama-server at {url}", url=url), said("switched off: start it with --metrics"))
        )
    for name, flag, question in (("slots", "--slots", client.slots), ("counters", "--metrics", client.metrics)):
        if any(item.fact.startswith(name) for item in found):
            continue
        try:
            question()
        except HttpTrouble as trouble:
            off = (
                said("switched off (status 501): start it with {flag}", flag=flag)
                if trouble.status == 501
                else str(trouble)
            )
            found.append(Missing(said("{name} of llama-server at {url}", name=name, url=url), off))
    return found


def _definition(
    url: str, props: Props | None, meta: ModelMeta | None, *, with_files: bool
) -> tuple[Definition, tuple[Missing, ...]]:
    path = props.model_path if props else None
    name = (props.model_alias if props else None) or (meta.name if meta else None) or path or url
    header, gap = header_at(Path(path)) if path and with_files else (None, ())
    definition = Definition(
        name=name,
        where=f"{url}/props: model_path",
        header=header,
        file_bytes=_known(
            Bytes(meta.size) if meta and meta.size else None, said("{url}/v1/models: meta.size", url=url)
        ),
        quantization=meta.quantization if meta else None,
    )
    return definition, gap


def _loaded(url: str, name: str, props: Props | None, meta: ModelMeta | None) -> Loaded:
    context = _known(
        _tokens(props.context if props else None), said("{url}/props: default_generation_settings.n_ctx", url=url)
    )
    return Loaded(
        name=name,
        context=context or _known(_tokens(meta.context if meta else None), f"{url}/v1/models: meta.n_ctx"),
        slots=_known(props.slots if props else None, said("{url}/props: total_slots", url=url)),
        native_context=_known(
            _tokens(meta.native_context if meta else None), said("{url}/v1/models: meta.n_ctx_train", url=url)
        ),
    )


def _tokens(value: int | None) -> Tokens | None:
    return None if value is None else Tokens(value)


def _known(value: T | None, where: str) -> Known[T] | None:
    return None if value is None else Known(value, where, Basis.REPORTED)


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
