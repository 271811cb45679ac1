"""The port DefinitionServer over Ollama."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from truelimit.adapters.servers.http import HttpTrouble, get_json, post_json
from truelimit.adapters.servers.ollama.client import OllamaClient, full_name
from truelimit.app.fix_ports import PromptRefusal, ServerError
from truelimit.app.ports import Deadline
from truelimit.domain.message import said

_WORDS = (
    "one",
    "two",
    "six",
    "ten",
    "red",
    "sun",
    "day",
    "man",
    "car",
    "dog",
    "the",
    "and",
    "for",
    "you",
    "not",
    "can",
)
_UNLOAD_SECONDS = 10.0
_PAUSE = 0.05


class OllamaDefinitions:
    """Definitions of one Ollama. Every call is bounded in time and raises ServerError."""

    def __init__(self, url: str, deadline_seconds: float = 30.0) -> None:
        """Keep the address; nothing is asked yet."""
        self._client = OllamaClient(url, deadline_seconds)
        self._seconds = deadline_seconds

    def digest(self, name: str) -> str | None:
        """Return the digest of the definition's manifest, None when there is no such model."""
        wanted = full_name(name).casefold()
        for entry in self._tags():
            if full_name(str(entry.get("name", ""))).casefold() == wanted:
                return str(entry.get("digest", ""))
        return None

    def parameters(self, name: str) -> Mapping[str, object]:
        """Return the parameters of the definition that are numbers; one stored as text is not among them."""
        with _said():
            return self._client.show(name).parameters

    def create(self, name: str, base: str, parameters: Mapping[str, int]) -> None:
        """Create a definition from an existing one."""
        with _said():
            self._client.create(name, base, parameters)

    def copy(self, source: str, destination: str) -> None:
        """Copy a definition; an existing destination is overwritten."""
        with _said():
            self._client.copy(source, destination)

    def delete(self, name: str) -> None:
        """Delete a definition; model data that others use stays."""
        with _said():
            self._client.delete(name)

    def load(self, name: str, context: int | None, seconds: float) -> None:
        """Load the model with an empty prompt."""
        self._generate({"model": name}, context, seconds)

    def unload(self, name: str) -> None:
        """Ask for the model file to be unloaded, and wait (at most 10 s) until fewer models are in memory."""
        import time

        before = len(self.loaded())
        self._generate({"model": name, "keep_alive": 0}, None, self._seconds)
        deadline = Deadline(_UNLOAD_SECONDS)
        while before and len(self.loaded()) >= before and deadline.left() > 0:
            time.sleep(_PAUSE)

    def loaded(self) -> Mapping[str, int]:
        """Return the context of each model in memory, by full name and, for the tag ``latest``, also without it."""
        with _said():
            found = {full_name(item.name): item.context.value for item in self._client.loaded() if item.context}
        return {**found, **{name.removesuffix(":latest"): context for name, context in found.items()}}

    def read_prompt(self, name: str, tokens: int, context: int | None, seconds: float) -> int:
        """Return the tokens that the server counted in a prompt of about this many words, answered with one token."""
        body = {"model": name, "prompt": prompt_of(tokens), "raw": True, "options": {"num_predict": 1}}
        answer = self._generate(body, context, seconds)
        count = answer.get("prompt_eval_count")
        if isinstance(count, bool) or not isinstance(count, int):
            raise ServerError(said("{url}/api/generate: the answer counts no prompt tokens", url=self._client.url))
        return count

    def refusal(self, name: str, tokens: int, context: int | None) -> PromptRefusal | None:
        """Return the server's numbers for a prompt that cannot fit; None where it would read or cut it instead.

        ``context`` must be None: the client asks through the definition's own context.
        """
        if context is not None:
            return None
        with _said():
            counted = self._client.count_prompt(name, prompt_of(tokens))
        return None if counted is None else PromptRefusal(counted.prompt, counted.context)

    def _tags(self) -> list[dict[str, object]]:
        url = f"{self._client.url}/api/tags"
        with _said():
            answer = get_json(url, Deadline(self._seconds), timeout=self._seconds)
        models = answer.get("models") if isinstance(answer, dict) else None
        if not isinstance(models, list):
            raise ServerError(said("{url}: no list of models; check that Ollama answers at this address", url=url))
        return [entry for entry in models if isinstance(entry, dict)]

    def _generate(self, body: dict[str, object], context: int | None, seconds: float) -> dict[str, object]:
        options = dict(body.get("options") or {}) if isinstance(body.get("options"), dict) else {}  # type: ignore[call-overload]
        if context is not None:
            options["num_ctx"] = context
        url = f"{self._client.url}/api/generate"
        request = {**body, "stream": False, **({"options": options} if options else {})}
        with _said():
            answer = post_json(url, request, Deadline(seconds), timeout=seconds)
        if not isinstance(answer, dict) or answer.get("error"):
            reason = str(answer.get("error"))[:200] if isinstance(answer, dict) else said("not an object")
            raise ServerError(said("{url}: {reason}; look at the server's log", url=url, reason=reason))
        return answer


def prompt_of(tokens: int) -> str:
    """Return a prompt of so many short common words: about one token each in usual vocabularies."""
    return " ".join(_WORDS[number % len(_WORDS)] for number in range(tokens))


def definition_server(deadline_seconds: float = 30.0) -> Callable[[str], OllamaDefinitions]:
    """Return what opens a definition server by URL: the port ``servers`` of FixPorts."""
    return lambda url: OllamaDefinitions(url, deadline_seconds)


@contextmanager
def _said() -> Iterator[None]:
    """Turn the client's trouble into the port's error, its words kept."""
    try:
        yield
    except HttpTrouble as trouble:
        raise ServerError(str(trouble)) from None
