"""Ollama as an endpoint: raw prompts to ``/api/generate``, through the definition's own context.

Its count of prompt tokens holds cached ones while its time covers only those evaluated; no field tells the cached
part. So every prompt needs a head of its own, and what the cache spared is derived from the time.
"""

from __future__ import annotations

import difflib
import time
from dataclasses import replace

from truelimit.adapters.bench.events import error_words, plain
from truelimit.adapters.bench.wire import Progress, Refusal, Wire, own_words, refusal_words, seen, trouble
from truelimit.adapters.servers.http import HttpTrouble
from truelimit.adapters.servers.ollama import eras
from truelimit.adapters.servers.ollama.client import OllamaClient, full_name
from truelimit.adapters.servers.ollama.replies import Generated, generated, refused_prompt
from truelimit.app.bench_ports import BenchError, Watch
from truelimit.bench.nouns import Reply, Target
from truelimit.domain.measurements import MeasuredModel, MeasuredServer
from truelimit.domain.message import Message, counted, said
from truelimit.domain.server import Definition, Loaded
from truelimit.limits.published import parameter_count
from truelimit.units import Seconds, Tokens

_PATH = "/api/generate"


class OllamaEndpoint:
    """One model of an Ollama."""

    def __init__(self, wire: Wire, model: str | None, load_seconds: float) -> None:
        """Look the model up and load it (that tells its context). Raises BenchError; names are offered."""
        self._wire = wire
        self._client = OllamaClient(wire.base, 30)
        with wire.asking():
            try:
                self._target = self._examined(model, load_seconds)
            except HttpTrouble as error:
                raise trouble(error) from None

    @property
    def target(self) -> Target:
        """What it is."""
        return self._target

    def count(self, text: str) -> Tokens:
        """Raise: Ollama counts no text without reading it."""
        raise BenchError(
            said("{url}: Ollama has no tokenizer to ask ({size:,} characters)", url=self._wire.name, size=len(text))
        )

    def ask(self, prompt: str, most_tokens: int, seconds: float, watch: Watch) -> Reply:
        """Send a raw prompt; it must fit (``truncate`` off, where the version knows that)."""
        options = {"num_predict": most_tokens, "temperature": 0, "seed": 1}
        body = {
            "model": self._target.model.name,
            "prompt": prompt,
            "raw": True,
            "stream": True,
            "truncate": False,
            "options": options,
        }
        where, progress = self._wire.name + _PATH, Progress()
        last: dict[str, object] | None = None
        for item in self._wire.lines(_PATH, body, seconds, watch, progress):
            if isinstance(item, Refusal):
                return _refused(where, item)
            at, line = item
            found = plain(line, where)
            if found is None:
                continue
            words = error_words(found)
            if words is not None:
                raise own_words(where, words)
            if found.get("response") or found.get("thinking"):
                progress.part(at)
            last = found if found.get("done") is True else last
        if last is None and not progress.cancelled:
            raise BenchError(
                said('{where}: the answer ended without "done": true; look at the server\'s log', where=where)
            )
        return _reply(generated(last) if last else None, progress, where)

    def busy(self) -> bool | None:
        """Return None: Ollama does not say whether it is at work."""
        return None

    def unload(self) -> None:
        """Take the model out of memory and wait until it is gone."""
        with self._wire.asking():
            try:
                self._client.unload(self._target.model.name)
            except HttpTrouble as error:
                raise trouble(error) from None

    def load(self, seconds: float) -> Seconds:
        """Load the model without a prompt; return how long that took."""
        began = time.monotonic()
        with self._wire.asking():
            try:
                self._client.load(self._target.model.name, seconds)
            except HttpTrouble as error:
                raise trouble(error) from None
        return Seconds(time.monotonic() - began)

    def _examined(self, asked: str | None, load_seconds: float) -> Target:
        version = self._client.version()
        name = _chosen(asked, self._client, self._wire)
        definition = self._client.show(name)
        before = _as_loaded(self._client.loaded(), name)
        began = time.monotonic()
        loaded = before or self._client.load(name, load_seconds)
        load = None if before else Seconds(time.monotonic() - began)
        context = _context(definition, loaded, version)
        header = definition.header
        return Target(
            server=MeasuredServer("ollama", version, self._wire.name, context=context),
            model=MeasuredModel(
                name=name,
                architecture=header.architecture if header else None,
                parameters=parameter_count(header) if header else None,
                weights_bytes=definition.file_bytes.value if definition.file_bytes else None,
                quantization=definition.quantization,
            ),
            native_context=header.native_context.value if header and header.native_context else None,
            loaded=before is not None,
            can_unload=True,
            is_local=self._wire.is_local,
            first_load=load,
        )


def _chosen(asked: str | None, client: OllamaClient, wire: Wire) -> str:
    """The name asked for, where the server holds it; else the only one loaded, or the only one there is."""
    names = client.names()
    if asked is not None:
        wanted = full_name(asked).casefold()
        found = next((name for name in names if full_name(name).casefold() == wanted), None)
        if found is not None:
            return found
        raise no_model(wire, asked, names)
    loaded = client.loaded()
    candidates = [item.name for item in loaded] if len(loaded) == 1 else list(names)
    if len(candidates) == 1:
        return candidates[0]
    raise which_model(wire, names)


def no_model(wire: Wire, asked: str, names: tuple[str, ...] | list[str]) -> BenchError:
    """Return the error for a name that is no model of the server."""
    near = offered(asked, names)
    return BenchError(said("{url}: there is no model {asked!r}; {offered}", url=wire.name, asked=asked, offered=near))


def which_model(wire: Wire, names: tuple[str, ...] | list[str]) -> BenchError:
    """Return the error for a model that was not named where there are several, or none."""
    return BenchError(
        said("{url}: which model? Name it with --model; {offered}", url=wire.name, offered=offered("", names))
    )


def offered(asked: str, names: tuple[str, ...] | list[str], most: int = 8) -> Message:
    """Return in words which names there are, the nearest first."""
    if not names:
        return said("the server holds no model")
    near = difflib.get_close_matches(asked, names, n=most, cutoff=0.4)
    ordered = [*near, *(name for name in names if name not in near)]
    there = said("there are: {names}", names=", ".join(ordered[:most]))
    if len(ordered) <= most:
        return there
    return there + counted(" and {count} more", " and {count} more", len(ordered) - most)


def _as_loaded(loaded: tuple[Loaded, ...], name: str) -> Loaded | None:
    wanted = full_name(name).casefold()
    return next((item for item in loaded if full_name(item.name).casefold() == wanted), None)


def _context(definition: Definition, loaded: Loaded | None, version: str) -> Tokens | None:
    """What one request may use: as loaded; else as defined or by default, never above the native context."""
    if loaded is not None and loaded.context is not None:
        return loaded.context.value
    known = definition.num_ctx or eras.default_context(version)
    header = definition.header
    native = header.native_context if header else None
    if known is None:
        return None
    return known.value if native is None else min(known.value, native.value)


def _reply(numbers: Generated | None, progress: Progress, where: str) -> Reply:
    plain_reply = seen(progress, where)
    return plain_reply if numbers is None else _with_numbers(plain_reply, numbers)


def _with_numbers(reply: Reply, numbers: Generated) -> Reply:
    """Both engines start the clock of writing at the first token: it covers one less than were written."""
    written = numbers.output_tokens
    return replace(
        reply,
        prompt_tokens=numbers.prompt_tokens,
        prefill_seconds=numbers.prompt_seconds or None,
        written=written,
        timed=None if not written else Tokens(written - 1),
        decode_seconds=numbers.output_seconds or None,
        load_seconds=numbers.load_seconds,
        queue_seconds=numbers.queue_seconds,
    )


def _refused(where: str, refusal: Refusal) -> Reply:
    count = refused_prompt(refusal.value)
    words = error_words(refusal.value) or ""
    if count is not None:
        return Reply(overflow=(count.prompt, count.context), where=where)
    if refusal.status == 400 and "context length" in words:
        return Reply(overflow=(0, None), where=where)
    raise refusal_words(where, refusal, error_words)
