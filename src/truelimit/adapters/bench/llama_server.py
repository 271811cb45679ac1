"""llama-server as an endpoint: raw prompts to ``/completion``, its own tokenizer and timings; ``/slots`` rarely."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from truelimit.adapters.bench.events import error_words, event
from truelimit.adapters.bench.wire import Progress, Refusal, Wire, own_words, refusal_words, seen, trouble
from truelimit.adapters.servers.http import HttpTrouble, post_json
from truelimit.adapters.servers.llama_server.client import LlamaServerClient
from truelimit.adapters.servers.llama_server.model_file import header_at
from truelimit.adapters.servers.llama_server.replies import ModelMeta, Props, number, overflow_of, whole_number
from truelimit.app.bench_ports import BenchError, Watch
from truelimit.app.ports import Deadline
from truelimit.bench.nouns import Reply, Target
from truelimit.domain.measurements import MeasuredModel, MeasuredServer
from truelimit.domain.message import said
from truelimit.limits.names import same_model, stem
from truelimit.units import Bytes, Seconds, Tokens, from_ms

_PATH = "/completion"
_COUNT_SECONDS = 60.0


class LlamaServerEndpoint:
    """The one model of a llama-server."""

    def __init__(self, wire: Wire, model: str | None) -> None:
        """Ask what it is. Raises BenchError, also when it serves another model than the one named."""
        self._wire = wire
        with wire.asking():
            try:
                client = LlamaServerClient(wire.base, Deadline(10))
                props, meta = client.props(), client.models()
            except HttpTrouble as error:
                raise trouble(error) from None
        self._target = _target(wire, props, meta)
        _check_name(model, self._target.model.name, props, meta, wire)

    @property
    def target(self) -> Target:
        """What it is."""
        return self._target

    def count(self, text: str) -> Tokens:
        """Return the tokens of a text, the mark of the beginning included."""
        body = {"content": text, "add_special": True}
        with self._wire.asking():
            try:
                deadline = Deadline(_COUNT_SECONDS)
                answer = post_json(self._wire.base + "/tokenize", body, deadline, timeout=_COUNT_SECONDS)
            except HttpTrouble as error:
                raise trouble(error) from None
        tokens = answer.get("tokens") if isinstance(answer, dict) else None
        if not isinstance(tokens, list):
            raise BenchError(
                said("{url}/tokenize: no list of tokens in the answer; update the server", url=self._wire.name)
            )
        return Tokens(len(tokens))

    def ask(self, prompt: str, most_tokens: int, seconds: float, watch: Watch) -> Reply:
        """Send a raw prompt; the answer runs to its full length, end marks ignored."""
        body = {
            "prompt": prompt,
            "n_predict": most_tokens,
            "cache_prompt": True,
            "stream": True,
            "ignore_eos": True,
            "temperature": 0,
            "return_progress": True,
        }
        where, progress, last = self._wire.name + _PATH, Progress(), None
        for item in self._wire.lines(_PATH, body, seconds, watch, progress):
            if isinstance(item, Refusal):
                return _refused(where, item)
            at, line = item
            found = event(line, where)
            if found is not None:
                last = _noted(found, at, progress, where) or last
        if progress.cancelled:
            return _reply(None, progress, where)
        if last is None:
            raise BenchError(
                said("{where}: the answer ended without timings; update the server, or look at its log", where=where)
            )
        return _reply(last, progress, where)

    def busy(self) -> bool | None:
        """Return whether a slot is at work."""
        with self._wire.asking(), contextlib.suppress(HttpTrouble):
            slots = LlamaServerClient(self._wire.base, Deadline(5)).slots()
            return None if slots is None else slots.busy > 0
        return None

    def unload(self) -> None:
        """Raise: it cannot."""
        raise BenchError(said("llama-server loads its model when it starts and keeps it"))

    def load(self, seconds: float) -> Seconds:
        """Raise: it cannot."""
        raise BenchError(
            said(
                "llama-server loads its model when it starts and keeps it (asked to within {seconds:.0f} s)",
                seconds=seconds,
            )
        )


def _noted(found: Mapping[str, object], at: float, progress: Progress, where: str) -> Mapping[str, object] | None:
    """Note one event; return its timings if it has any."""
    words = error_words(found)
    if words is not None:
        raise own_words(where, words)
    read = found.get("prompt_progress")
    if isinstance(read, dict):
        progress.read = whole_number(read, "processed")
    elif found.get("content") or found.get("tokens"):
        progress.part(at)
    timings = found.get("timings")
    return timings if found.get("stop") is True and isinstance(timings, dict) else None


def _reply(timings: Mapping[str, object] | None, progress: Progress, where: str) -> Reply:
    cached, evaluated = whole_number(timings, "cache_n"), whole_number(timings, "prompt_n")
    read, write = number(timings, "prompt_ms"), number(timings, "predicted_ms")
    written = whole_number(timings, "predicted_n")
    prompt = None if evaluated is None else Tokens(evaluated + (cached or 0))
    return replace(
        seen(progress, where),
        prompt_tokens=prompt,
        cached_tokens=None if cached is None else Tokens(cached),
        prefill_seconds=None if read is None else from_ms(read),
        written=None if written is None else Tokens(written),
        timed=_timed(timings, written, write),
        decode_seconds=None if write is None else from_ms(write),
    )


def _timed(timings: object, written: int | None, write_ms: float | None) -> Tokens | None:
    """The tokens that the time covers: builds since 2026 leave the first one out; their own rate tells which it is."""
    rate = number(timings, "predicted_per_second")
    if written is None or write_ms is None:
        return None
    told = round(rate * from_ms(write_ms)) if rate else written - 1
    return Tokens(told if told in {written, written - 1} else max(0, written - 1))


def _refused(where: str, refusal: Refusal) -> Reply:
    over = overflow_of(refusal.value)
    if over is not None:
        return Reply(overflow=over, where=where)
    raise refusal_words(where, refusal, error_words)


def _target(wire: Wire, props: Props, meta: ModelMeta) -> Target:
    header = None
    if wire.is_local and props.model_path:
        header, _ = header_at(Path(props.model_path))
    native = meta.native_context
    context = props.context or meta.context
    return Target(
        server=MeasuredServer("llama-server", props.build, wire.name, context=Tokens(context) if context else None),
        model=MeasuredModel(
            name=_name(props, meta, wire),
            architecture=header.architecture if header else None,
            parameters=float(meta.parameters) if meta.parameters else None,
            weights_bytes=Bytes(meta.size) if meta.size else None,
            quantization=meta.quantization,
        ),
        native_context=Tokens(native) if native else None,
        loaded=True,
        counts_tokens=True,
        tells_cached=True,
        shows_work=props.serves_slots,
        is_local=wire.is_local,
    )


def _name(props: Props, meta: ModelMeta, wire: Wire) -> str:
    name = props.model_alias or meta.name or props.model_path or wire.name
    return stem(name) if "/" in name or name.lower().endswith(".gguf") else name


def _check_name(asked: str | None, name: str, props: Props, meta: ModelMeta, wire: Wire) -> None:
    """A llama-server ignores the model's name: measuring another model than the one meant must not happen silently."""
    known = [text for text in (name, props.model_alias, meta.name, props.model_path) if text]
    if asked is None or any(same_model(asked, text) or stem(asked) == stem(text) for text in known):
        return
    raise BenchError(
        said(
            "{url}: there is no model {asked!r} here; it serves {name}; give that name, or none",
            url=wire.name,
            asked=asked,
            name=name,
        )
    )
