"""Ollama as fixes use it: create, copy, delete, load and count, each bounded and each failure said in words."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from truelimit.adapters.servers.http import HttpReply, HttpTrouble, fetch
from truelimit.adapters.servers.ollama import eras, live, replies
from truelimit.adapters.servers.ollama.replies import Generated, PromptCount
from truelimit.adapters.servers.ollama.show import Listed, listed
from truelimit.app.ports import Deadline
from truelimit.domain.message import said
from truelimit.domain.server import Definition, Engine, Loaded

if TYPE_CHECKING:
    from truelimit.domain.provenance import Missing

_COUNT_SECONDS = 2.0
_PAUSE = 0.05


def full_name(name: str) -> str:
    """Return the name with its tag, as Ollama completes it: ``llama3`` is ``llama3:latest``."""
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


class OllamaClient:
    """One Ollama. Every method raises HttpTrouble, which says what happened, where, and what to do."""

    def __init__(self, url: str, deadline_seconds: float = 30.0) -> None:
        """Keep the address; each call gets ``deadline_seconds`` of its own unless it takes ``seconds``."""
        self.url = url.rstrip("/")
        self._seconds = deadline_seconds

    def version(self) -> str:
        """Return the version text; raises also when another program answers."""
        return live.ask_version(self.url, Deadline(self._seconds))

    def names(self) -> tuple[str, ...]:
        """Return the names of the models that this server holds."""
        return tuple(entry.name for entry in self._entries())

    def has_model(self, name: str) -> bool:
        """Return whether the server holds the model itself: nothing is pulled."""
        return self._entry(name) is not None

    def show(self, name: str) -> Definition:
        """Return the definition as the server would load it."""
        return self.show_with_troubles(name)[0]

    def show_with_troubles(self, name: str) -> tuple[Definition, tuple[Missing, ...]]:
        """Return the definition, and what is wrong with it (a num_ctx that is text, say)."""
        entry = self._entry(name)
        if entry is None:
            raise self._no_model(name, "/api/show")
        return live.ask_definition(self.url, entry, Deadline(self._seconds))

    def create(self, name: str, base: str, parameters: Mapping[str, int]) -> tuple[str, ...]:
        """Create ``name`` from the existing ``base``; returns the server's status lines, the last ``success``.

        The base is looked up first, because Ollama would pull a missing one. Parameters must be whole numbers: the
        API takes any, and a wrong type makes the model unloadable. If the server reports an error on the way, what it
        made of a new name is removed again, for it then ends with ``success`` all the same.
        """
        path = "/api/create"
        for key, value in parameters.items():
            if isinstance(value, bool) or not isinstance(value, int):
                what = said("parameter {key} is {name}, nothing was sent", key=key, name=type(value).__name__)
                raise HttpTrouble(self.url + path, what, said("a whole number"), said("give it as a number"))
        if not self.has_model(base):
            raise self._no_model(base, path)
        is_new = not self.has_model(name)
        body = {"model": name, "from": base, "parameters": dict(parameters)}
        try:
            reply = self._ask("POST", path, body)
        except HttpTrouble as trouble:
            if trouble.status == 200 and is_new:
                with contextlib.suppress(HttpTrouble):
                    self.delete(name)
            raise
        statuses = tuple(str(item.get("status", "")) for item in replies.lines(reply.value))
        if not statuses or statuses[-1] != "success":
            what = said("creating {name} did not end with success", name=name)
            raise HttpTrouble(
                self.url + path, what, said("the status success"), said("look at the server's log"), status=200
            )
        return statuses

    def copy(self, source: str, destination: str) -> None:
        """Give the model ``source`` a second name; no model data is copied."""
        self._ask("POST", "/api/copy", {"source": source, "destination": destination})

    def delete(self, name: str) -> None:
        """Remove a name, and the data that no other name uses."""
        self._ask("DELETE", "/api/delete", {"model": name})

    def load(self, name: str, seconds: float | None = None) -> Loaded | None:
        """Load the model without any prompt; return how it is loaded.

        None when the server lists it under another name that shares its model file and its options.
        """
        self._ask("POST", "/api/generate", {"model": name, "stream": False}, seconds)
        return self._loaded_as(name)

    def unload(self, name: str) -> None:
        """Ask the server to unload the model, and wait until it no longer lists it."""
        self._ask("POST", "/api/generate", {"model": name, "stream": False, "keep_alive": 0})
        deadline = Deadline(self._seconds)
        while self._loaded_as(name) is not None:
            if deadline.left() <= 0:
                what = said("{name} is still loaded", name=name)
                raise HttpTrouble(
                    self.url + "/api/ps", what, said("the model to be gone"), said("wait for its requests to end")
                )
            time.sleep(_PAUSE)

    def loaded(self) -> tuple[Loaded, ...]:
        """Return the models in memory; ``context`` is what one request may use."""
        path = "/api/ps"
        reply = self._ask("GET", path)
        models = reply.value.get("models") if isinstance(reply.value, dict) else None
        if not isinstance(models, list):
            raise HttpTrouble(
                self.url + path, said("no list of models"), said("a list"), said("check the address"), status=200
            )
        found = (live.loaded_model(self.url + path, entry) for entry in models)
        return tuple(item for item in found if item is not None)

    def count_prompt(self, name: str, prompt: str) -> PromptCount | None:
        """Return how many tokens the prompt has, where this server can tell without reading it; else None.

        Only from 0.30: asked not to truncate, it refuses a prompt that does not fit with both numbers, at once. A
        prompt that fits would be read, so the question is taken back after 2 s (this engine then stops). Ollama's own
        runner gives no numbers, and would read an abandoned prompt to its end: it is not asked.
        """
        if eras.era(self.version()) is not Engine.LLAMA_SERVER:
            return None
        body = {"model": name, "prompt": prompt, "raw": True, "stream": False, "truncate": False}
        try:
            reply = self._fetch("POST", "/api/generate", {**body, "options": {"num_predict": 1}}, _COUNT_SECONDS)
        except HttpTrouble:
            return None
        if reply.status == 400:
            return replies.refused_prompt(reply.value)
        counted = replies.generated(reply.value).prompt_tokens if isinstance(reply.value, dict) else None
        return None if counted is None else PromptCount(counted, None)

    def generate(self, name: str, prompt: str, seconds: float, most_tokens: int = 1) -> Generated:
        """Send a prompt as it is, through the definition's own context, and return the numbers of the answer."""
        options = {"num_predict": most_tokens}
        body = {"model": name, "prompt": prompt, "raw": True, "stream": False, "options": options}
        reply = self._ask("POST", "/api/generate", body, seconds)
        if not isinstance(reply.value, dict) or reply.value.get("done") is not True:
            what = said("the answer has no end")
            raise HttpTrouble(
                self.url + "/api/generate", what, said('"done": true'), said("look at the server's log"), status=200
            )
        return replies.generated(reply.value)

    def _entries(self) -> tuple[Listed, ...]:
        reply = self._ask("GET", "/api/tags")
        models = reply.value.get("models") if isinstance(reply.value, dict) else None
        if not isinstance(models, list):
            raise HttpTrouble(
                self.url + "/api/tags", said("no list of models"), said("a list"), said("check the address"), status=200
            )
        return tuple(entry for entry in map(listed, models) if entry is not None)

    def _entry(self, name: str) -> Listed | None:
        wanted = full_name(name).casefold()
        return next((entry for entry in self._entries() if full_name(entry.name).casefold() == wanted), None)

    def _loaded_as(self, name: str) -> Loaded | None:
        wanted = full_name(name).casefold()
        return next((item for item in self.loaded() if full_name(item.name).casefold() == wanted), None)

    def _no_model(self, name: str, path: str) -> HttpTrouble:
        do = said("pull it first, or correct the name (see: ollama list)")
        return HttpTrouble(
            self.url + path,
            said("there is no model {name}, nothing was changed", name=name),
            said("an existing model"),
            do,
        )

    def _fetch(self, method: str, path: str, body: object = None, seconds: float | None = None) -> HttpReply:
        allowed = self._seconds if seconds is None else seconds
        return fetch(method, self.url + path, Deadline(allowed), body=body, timeout=allowed)

    def _ask(self, method: str, path: str, body: object = None, seconds: float | None = None) -> HttpReply:
        """Return an answer of status 200 without an error inside."""
        reply = self._fetch(method, path, body, seconds)
        error = replies.error_text(reply.value)
        if reply.status == 200 and error is None:
            return reply
        why = error or said("no reason given")
        what = said("status {status}: {why}", status=reply.status, why=why)
        advice = _ADVICE.get(reply.status, said("look at the server's log"))
        raise HttpTrouble(
            self.url + path, what, said("status 200 without an error"), advice,
            status=reply.status, value=reply.value,
        )  # fmt: skip


_ADVICE = {
    403: said("use the address that OLLAMA_HOST names, such as 127.0.0.1"),
    404: said("check the model's name (ollama list) and that this is Ollama"),
    503: said("try again when the server is less busy"),
}
