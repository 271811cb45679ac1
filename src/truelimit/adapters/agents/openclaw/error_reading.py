"""Error texts as OpenClaw shows them: what each generation fails to recognise, and which key it advises to raise."""

from __future__ import annotations

from dataclasses import replace

from truelimit.adapters.files.error_texts import classify
from truelimit.domain.session import CallError, ErrorKind

FEBRUARY = 3
SEPTEMBER = 4

# Overflow texts that a generation takes for something else (functions called directly and live runs of both versions).
_NOT_RECOGNISED = {
    FEBRUARY: ("the prompt is longer than", "is longer than the model's context length"),
    SEPTEMBER: ("the prompt is longer than",),
}
AGENT_KEY = "agents.defaults.timeoutSeconds"
PROVIDER_KEY = "models.providers.<id>.timeoutSeconds"


def read_error(text: str, version: int | None) -> CallError:
    """Return the error of a call in a transcript of format ``version`` (3: February 2026, 4: September 2026).

    Adds to the text's own meaning what this generation makes of it: ``misread`` where it does not recognise an
    overflow, or shows a dead engine or lack of memory as a passing fault; ``advice_key`` where it shows the user a
    text that names a key.
    """
    error = classify(text)
    generation = FEBRUARY if version is not None and version <= FEBRUARY else SEPTEMBER
    return replace(
        error,
        misread=error.misread or _misread(error, text, generation),
        advice_key=error.advice_key or _advice(error, generation),
    )


def _misread(error: CallError, text: str, generation: int) -> bool:
    if error.kind is ErrorKind.OVERFLOW:
        return any(phrase in text for phrase in _NOT_RECOGNISED[generation])
    return error.kind in {ErrorKind.OUT_OF_MEMORY, ErrorKind.ENGINE_CRASH} and generation == SEPTEMBER


def _advice(error: CallError, generation: int) -> str | None:
    """Return the key in the text that the user reads when a run or a provider times out."""
    if "operation was aborted" in error.text.lower() or "embedded run timeout" in error.text:
        return AGENT_KEY
    return PROVIDER_KEY if generation == SEPTEMBER and "idle timeout" in error.text.lower() else None
