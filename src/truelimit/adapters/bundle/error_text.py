"""An error text reduced to the known phrases and numbers in it, so that it is read again as before."""

from __future__ import annotations

import re
from collections.abc import Iterator

from truelimit.adapters.agents.openclaw.error_reading import SEPTEMBER, read_error
from truelimit.domain.session import CallError, ErrorKind

_MISREAD = "provider rejected the request schema or tool payload"
_SOURCE = re.compile(r"; source=\w{1,40}")
# For a text whose phrase alone is not recognised any more: the plainest text of its kind.
_PLAINEST = {
    ErrorKind.OVERFLOW: "context_length_exceeded",
    ErrorKind.TIMEOUT: "request timed out",
    ErrorKind.CONNECTION: "fetch failed",
    ErrorKind.ENGINE_CRASH: "model runner has unexpectedly stopped",
    ErrorKind.OUT_OF_MEMORY: "cudaMalloc failed: out of memory",
    ErrorKind.LOAD_TIMEOUT: "timed out waiting for llama runner to start",
    ErrorKind.BUSY: "server busy, please try again",
    ErrorKind.WINDOW_TOO_SMALL: "blocked model (context window too small)",
    ErrorKind.CANCELLED: "request was aborted",
}


def reduced(text: str, version: int | None = SEPTEMBER) -> str:
    """Return a text without content that means the same error to the reader of this transcript version.

    An empty text stays empty. Of an unknown text its HTTP status and its length are kept.
    """
    if not text:
        return ""
    error = read_error(text, version)
    candidates = list(_candidates(error))
    for candidate in candidates:
        if _meaning(read_error(candidate, version)) == _meaning(error):
            return candidate
    same_kind = (item for item in candidates if read_error(item, version).kind is error.kind)
    return next(same_kind, _PLAINEST.get(error.kind, "unknown"))


def _candidates(error: CallError) -> Iterator[str]:
    """Yield texts from the plainest on: the known phrase, then with what else the reader looks for."""
    phrase = _SOURCE.sub("", error.text)
    phrases = [phrase, *_rebuilt(error), *([_PLAINEST[error.kind]] if error.kind in _PLAINEST else [])]
    numbers = _numbers(error)
    advice = f" ({error.advice_key})" if error.advice_key else ""
    for start in phrases:
        yield start
        for misread in ("", f" | {_MISREAD}"):
            yield f"{start}{misread}{advice}"
            yield f"{start}{numbers}{misread}{advice}"


def _rebuilt(error: CallError) -> Iterator[str]:
    """Yield long texts of which the phrase keeps only the numbers, in the words of their servers."""
    if error.prompt and error.context:
        yield (
            f"trying to keep the first {error.prompt} tokens when context the overflows. However, the model is loaded "
            f"with context length of only {error.context} tokens"
        )
        yield f"request ({error.prompt} tokens) exceeds the available context size ({error.context} tokens)"
    if error.kind is ErrorKind.BUSY:
        yield "503 loading model"
    if error.seconds is not None:
        yield f"fetch timeout after {round(error.seconds * 1000)}ms"


def _numbers(error: CallError) -> str:
    prompt = f' "n_prompt_tokens":{error.prompt}' if error.prompt else ""
    return prompt + (f' "n_ctx":{error.context}' if error.context else "")


def _meaning(error: CallError) -> tuple[object, ...]:
    return error.kind, error.prompt, error.context, error.seconds, error.misread, error.advice_key
