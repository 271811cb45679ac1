"""Any server with OpenAI's chat API as an endpoint: counts from ``usage``, times from the client's own clock."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from statistics import median

from truelimit.adapters.bench.events import error_words, event
from truelimit.adapters.bench.ollama import no_model, which_model
from truelimit.adapters.bench.wire import Progress, Refusal, Wire, own_words, refusal_words, seen, trouble
from truelimit.adapters.servers.http import HttpTrouble, fetch
from truelimit.adapters.servers.llama_server.replies import models_of, whole_number
from truelimit.app.bench_ports import BenchError, Watch
from truelimit.app.ports import Deadline
from truelimit.bench.nouns import Reply, Target
from truelimit.domain.measurements import MeasuredModel, MeasuredServer
from truelimit.domain.message import said
from truelimit.units import Seconds, Tokens

_PATH = "/v1/chat/completions"
_LISTED = 1000
_LOOKS = 3  # plain questions whose median time is the latency


class OpenAiEndpoint:
    """One model behind OpenAI's API."""

    def __init__(self, wire: Wire, model: str | None) -> None:
        """Ask for the models. Raises BenchError; names are offered."""
        self._wire = wire
        with wire.asking():
            self._target = _examined(wire, model)

    @property
    def target(self) -> Target:
        """What it is."""
        return self._target

    def count(self, text: str) -> Tokens:
        """Raise: this API counts no text without reading it."""
        raise BenchError(
            said("{url}: this API has no tokenizer to ask ({size:,} characters)", url=self._wire.name, size=len(text))
        )

    def ask(self, prompt: str, most_tokens: int, seconds: float, watch: Watch) -> Reply:
        """Send a prompt as one message of a user."""
        body = {
            "model": self._target.model.name,
            "messages": [{"role": "user", "content": prompt}],
            "max_tokens": most_tokens,
            "temperature": 0,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        where, progress = self._wire.name + _PATH, Progress()
        usage: Mapping[str, object] | None = None
        for item in self._wire.lines(_PATH, body, seconds, watch, progress):
            if isinstance(item, Refusal):
                return _refused(where, item)
            at, line = item
            found = event(line, where)
            if found is not None:
                usage = _noted(found, at, progress, where) or usage
        if not progress.cancelled and usage is None:
            why = said("sent no usage") if progress.parts else said("ended without text and usage")
            raise BenchError(
                said(
                    "{where}: the stream {why}, so tokens are not known; update the server",
                    where=where,
                    why=why,
                )
            )
        return _reply(usage, progress, where)

    def busy(self) -> bool | None:
        """Return None: this API does not say."""
        return None

    def unload(self) -> None:
        """Raise: this API cannot."""
        raise BenchError(said("OpenAI's API has no way to unload a model"))

    def load(self, seconds: float) -> Seconds:
        """Raise: this API cannot."""
        raise BenchError(
            said("OpenAI's API has no way to load a model (asked to within {seconds:.0f} s)", seconds=seconds)
        )


def _noted(found: Mapping[str, object], at: float, progress: Progress, where: str) -> Mapping[str, object] | None:
    words = error_words(found)
    if words is not None:
        raise own_words(where, words)
    choices = found.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        delta = choice.get("delta") if isinstance(choice, dict) else None
        if isinstance(delta, dict) and any(delta.get(key) for key in ("content", "reasoning_content", "reasoning")):
            progress.part(at)
    usage = found.get("usage")
    return usage if isinstance(usage, dict) else None


def _reply(usage: Mapping[str, object] | None, progress: Progress, where: str) -> Reply:
    plain = seen(progress, where)
    if usage is None:
        return plain
    prompt, written = whole_number(usage, "prompt_tokens"), whole_number(usage, "completion_tokens")
    cached = whole_number(usage.get("prompt_tokens_details"), "cached_tokens")
    return replace(
        plain,
        prompt_tokens=None if prompt is None else Tokens(prompt),
        cached_tokens=None if cached is None else Tokens(cached),
        written=None if written is None else Tokens(written),
    )


def _refused(where: str, refusal: Refusal) -> Reply:
    words = (error_words(refusal.value) or "").lower()
    if refusal.status in {400, 413} and ("context" in words or "too long" in words or "maximum" in words):
        return Reply(overflow=(0, None), where=where)
    raise refusal_words(where, refusal, error_words)


def _examined(wire: Wire, asked: str | None) -> Target:
    times, value = [], None
    for _ in range(_LOOKS):
        began = time.perf_counter()
        try:
            reply = fetch("GET", wire.base + "/v1/models", Deadline(10), timeout=10)
        except HttpTrouble as error:
            raise trouble(error) from None
        times.append(time.perf_counter() - began)
        if reply.status in {401, 403}:
            raise refusal_words(f"{wire.name}/v1/models", Refusal(reply.status, None), error_words)
        value = reply.value if reply.status == 200 else None
    name, entry = _chosen(asked, value, wire)
    meta = models_of({"data": [entry]}) if entry else None
    context = (meta.context or meta.foreign_context) if meta else None
    return Target(
        server=MeasuredServer("openai", None, wire.name, context=Tokens(context) if context else None),
        model=MeasuredModel(name, parameters=float(meta.parameters) if meta and meta.parameters else None),
        is_local=wire.is_local,
        latency=Seconds(median(times)),
    )


def _chosen(asked: str | None, value: object, wire: Wire) -> tuple[str, Mapping[str, object] | None]:
    data = value.get("data") if isinstance(value, dict) else None
    entries = {
        str(item["id"]): item
        for item in (data[:_LISTED] if isinstance(data, list) else ())
        if isinstance(item, dict) and isinstance(item.get("id"), str) and item["id"]
    }
    if asked is not None and (asked in entries or not entries):
        return asked, entries.get(asked)
    if asked is None and len(entries) == 1:
        return next(iter(entries.items()))
    if not entries:
        raise BenchError(
            said(
                "{url}/v1/models: no list of models; expected Ollama, llama-server or a server with OpenAI's API; "
                "check the address, or name the model with --model",
                url=wire.name,
            )
        )
    if asked is None:
        raise which_model(wire, list(entries))
    raise no_model(wire, asked, list(entries))
