"""What Ollama's write endpoints answer: status lines, errors inside a 200, doubly encoded errors."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from truelimit.adapters.servers.ollama.show import count_of, mapping_of, text_of
from truelimit.domain.message import said
from truelimit.units import Seconds, Tokens, from_ns

_ERROR_CHARS = 300


@dataclass(frozen=True, slots=True)
class PromptCount:
    """A prompt as the server counted it, and the context it holds it against (None where it did not say)."""

    prompt: Tokens
    context: Tokens | None


@dataclass(frozen=True, slots=True)
class Generated:
    """Numbers of one answer; its text is dropped.

    ``prompt_tokens`` counts cached tokens as well, ``prompt_seconds`` is only the time of those really evaluated.
    ``queue_seconds`` is the time that no field names: waiting behind another request.
    """

    prompt_tokens: Tokens | None
    prompt_seconds: Seconds
    output_tokens: Tokens | None
    output_seconds: Seconds
    load_seconds: Seconds
    total_seconds: Seconds
    done_reason: str

    @property
    def queue_seconds(self) -> Seconds:
        """Total less load, prompt and answer, never below 0."""
        named = self.load_seconds + self.prompt_seconds + self.output_seconds
        return Seconds(max(0.0, self.total_seconds - named))


def generated(body: Mapping[str, object]) -> Generated:
    """Return the numbers of a final answer of ``/api/generate``; times that are not given are 0."""
    prompt, output = count_of(body, "prompt_eval_count"), count_of(body, "eval_count")
    keys = ("prompt_eval_duration", "eval_duration", "load_duration", "total_duration")
    reading, writing, loading, total = (from_ns(count_of(body, key) or 0) for key in keys)
    return Generated(
        None if prompt is None else Tokens(prompt),
        reading,
        None if output is None else Tokens(output),
        writing,
        loading,
        total,
        text_of(body, "done_reason") or "",
    )


def lines(value: object) -> Iterator[Mapping[str, object]]:
    """Yield the objects of a streamed answer (one JSON object a line), or the one object of a plain one."""
    if isinstance(value, dict):
        yield value
    elif isinstance(value, str):
        for line in value.splitlines():
            parsed = _parsed(line)
            if isinstance(parsed, dict):
                yield parsed


def error_text(value: object) -> str | None:
    """Return the first error in an answer (also inside a stream of status 200), shortened; None if there is none."""
    for item in lines(value):
        error = item.get("error")
        if isinstance(error, str) and error:
            return error[:_ERROR_CHARS]
        if isinstance(error, dict):
            return (text_of(error, "message") or said("an error without a message"))[:_ERROR_CHARS]
    return None


def refused_prompt(value: object) -> PromptCount | None:
    """Return the counts in the error of a prompt that does not fit; Ollama hands on llama-server's, encoded twice."""
    for item in lines(value):
        error = item.get("error")
        inner = _parsed(error) if isinstance(error, str) else item
        details = mapping_of(inner, "error") if isinstance(inner, dict) else {}
        prompt, context = count_of(details, "n_prompt_tokens"), count_of(details, "n_ctx")
        if prompt is not None:
            return PromptCount(Tokens(prompt), None if context is None else Tokens(context))
    return None


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
