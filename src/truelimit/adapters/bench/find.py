"""Which server answers at an address, as an endpoint to measure."""

from __future__ import annotations

from urllib.parse import urlsplit

from truelimit.adapters.bench.llama_server import LlamaServerEndpoint
from truelimit.adapters.bench.ollama import OllamaEndpoint
from truelimit.adapters.bench.openai import OpenAiEndpoint
from truelimit.adapters.bench.wire import Wire, key_wanted, trouble
from truelimit.adapters.servers.http import HttpReply, HttpTrouble, fetch, shown
from truelimit.adapters.servers.llama_server.replies import props_of
from truelimit.app.bench_ports import BenchError, Endpoint
from truelimit.app.ports import Deadline
from truelimit.domain.message import said

APIS = ("auto", "ollama", "llama-server", "openai")


def endpoint_at(
    url: str, model: str | None, api: str = "auto", key: str | None = None, load_seconds: float = 300.0
) -> Endpoint:
    """Return the endpoint at a URL (with or without ``/v1``). ``key`` goes with every request.

    ``load_seconds`` bounds the loading of a model that is not in memory.

    Raises BenchError in one line: nothing answers, no model server, a key is wanted, no such model (names offered).
    """
    wire = Wire(_base(url), key)
    kind = _kind(wire) if api == "auto" else api
    if kind == "ollama":
        return OllamaEndpoint(wire, model, load_seconds)
    if kind == "llama-server":
        return LlamaServerEndpoint(wire, model)
    return OpenAiEndpoint(wire, model)


def _base(url: str) -> str:
    text = url.strip() if "://" in url else f"http://{url.strip()}"
    parts = urlsplit(text)
    if parts.username or parts.password:
        raise BenchError(
            said(
                "{url}: a user name or password in an address would end up in lists of processes; "
                "give a key with --api-key-env NAME",
                url=shown(text),
            )
        )
    return text.rstrip("/").removesuffix("/v1").rstrip("/")


def _kind(wire: Wire) -> str:
    """llama-server is asked for first: old builds of it answer some of Ollama's questions too."""
    props = _looked(wire, "/props")
    if props_of(props.value) is not None or "llama.cpp" in props.headers.get("server", ""):
        if props.status == 401:
            raise key_wanted(f"{wire.name}/props")
        if props.status == 503:
            raise BenchError(
                said("{url}: llama-server is loading its model (status 503); try again when it is ready", url=wire.name)
            )
        return "llama-server"
    version = _looked(wire, "/api/version")
    if isinstance(version.value, dict) and isinstance(version.value.get("version"), str):
        return "ollama"
    models = _looked(wire, "/v1/models")
    if models.status in {401, 403} or (isinstance(models.value, dict) and isinstance(models.value.get("data"), list)):
        return "openai"
    if props.status in {401, 403}:
        raise key_wanted(wire.name)
    raise BenchError(
        said(
            "{url}: not a model server (status {status} for /v1/models); expected Ollama, llama-server or a "
            "server with OpenAI's API; check the address",
            url=wire.name,
            status=str(models.status),
        )
    )


def _looked(wire: Wire, path: str) -> HttpReply:
    with wire.asking():
        try:
            return fetch("GET", wire.base + path, Deadline(10), timeout=5)
        except HttpTrouble as error:
            raise trouble(error) from None
