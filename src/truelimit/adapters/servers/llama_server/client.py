"""The questions that truelimit asks a llama-server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from truelimit.adapters.servers.http import HttpReply, HttpTrouble, fetch, get_text, post_json
from truelimit.adapters.servers.llama_server.pace import Pace
from truelimit.adapters.servers.llama_server.replies import (
    ModelMeta,
    Props,
    Slots,
    metrics_of,
    models_of,
    number,
    overflow_of,
    props_of,
    slots_of,
    whole_number,
)
from truelimit.domain.message import said
from truelimit.units import Seconds, Tokens, from_ms

if TYPE_CHECKING:
    from truelimit.app.ports import Deadline

T = TypeVar("T")
_SLOTS: Pace[Slots | None] = Pace()
_METRICS: Pace[Mapping[str, float]] = Pace()


@dataclass(frozen=True, slots=True)
class Completion:
    """What one completion cost. ``refused``: the prompt was too long; then nothing was read.

    ``evaluated`` leaves out the ``cached`` tokens; ``read_seconds`` is the time to read the evaluated ones.
    """

    refused: bool = False
    prompt: Tokens | None = None
    context: Tokens | None = None
    cached: Tokens | None = None
    evaluated: Tokens | None = None
    read_seconds: Seconds | None = None
    written: Tokens | None = None
    write_seconds: Seconds | None = None


class LlamaServerClient:
    """Asks one server. Each method raises HttpTrouble when it does not answer as it should."""

    def __init__(self, url: str, deadline: Deadline) -> None:
        """Ask at this URL (with or without ``/v1``), all together within the deadline."""
        self.url = url.rstrip("/").removesuffix("/v1")
        self._deadline = deadline

    def front(self) -> HttpReply:
        """Return the answer of ``/props`` with status and headers, whatever it is: it tells which program answers."""
        return fetch("GET", self.url + "/props", self._deadline)

    def props(self) -> Props:
        """Return what the server says of itself."""
        return self._understood("/props", props_of(self._get("/props")), said("llama-server's properties"))

    def models(self) -> ModelMeta:
        """Return the first model that the server lists."""
        return self._understood("/v1/models", models_of(self._get("/v1/models")), said("a list with a model"))

    def slots(self) -> Slots | None:
        """Return the slots; at most one question in two seconds, else the last answer."""
        return _SLOTS.ask(self.url, lambda: slots_of(self._get("/slots")))

    def metrics(self) -> Mapping[str, float] | None:
        """Return the counters; at most one question in two seconds, else the last answer."""
        return _METRICS.ask(self.url, lambda: metrics_of(get_text(self.url + "/metrics", self._deadline)))

    def count(self, messages: Sequence[Mapping[str, str]]) -> Tokens:
        """Return how many tokens these messages make, template included; the model does not run."""
        path = "/v1/chat/completions/input_tokens"
        answer = post_json(self.url + path, {"messages": list(messages)}, self._deadline, timeout=60)
        return Tokens(self._understood(path, whole_number(answer, "input_tokens"), "input_tokens"))

    def complete(self, prompt: str, max_tokens: int) -> Completion:
        """Send a raw prompt and return what it cost; the answer itself is thrown away.

        A prompt that is too long is no trouble but a Completion that says so.
        """
        body = {"prompt": prompt, "n_predict": max_tokens, "cache_prompt": True, "stream": False}
        reply = fetch("POST", self.url + "/completion", self._deadline, body=body, timeout=self._deadline.left())
        over = overflow_of(reply.value)
        if over is not None:
            return Completion(refused=True, prompt=Tokens(over[0]), context=Tokens(over[1]))
        timings = reply.value.get("timings") if isinstance(reply.value, dict) else None
        if reply.status != 200 or timings is None:
            raise self._trouble("/completion", reply, said("a completion with timings"))
        return _completion(timings)

    def _get(self, path: str) -> object:
        reply = fetch("GET", self.url + path, self._deadline)
        if reply.status != 200 or not reply.is_json:
            raise self._trouble(path, reply, said("status 200 with JSON"))
        return reply.value

    def _trouble(self, path: str, reply: HttpReply, expected: str) -> HttpTrouble:
        what = said("status {status}", status=reply.status) + ("" if reply.is_json else said(", not JSON"))
        do = said("check which program answers at this address")
        return HttpTrouble(self.url + path, what, expected, do, status=reply.status, value=reply.value)

    def _understood(self, path: str, value: T | None, expected: str) -> T:
        if value is None:
            raise HttpTrouble(
                self.url + path, said("the answer lacks what it should hold"), expected, said("update the server")
            )
        return value


def _completion(timings: object) -> Completion:
    cached, evaluated = whole_number(timings, "cache_n"), whole_number(timings, "prompt_n")
    read, write = number(timings, "prompt_ms"), number(timings, "predicted_ms")
    written = whole_number(timings, "predicted_n")
    return Completion(
        prompt=None if cached is None or evaluated is None else Tokens(cached + evaluated),
        cached=None if cached is None else Tokens(cached),
        evaluated=None if evaluated is None else Tokens(evaluated),
        read_seconds=None if read is None else from_ms(read),
        written=None if written is None else Tokens(written),
        write_seconds=None if write is None else from_ms(write),
    )
