"""How a failed call ended, from the text of its error and the time that it took."""

from __future__ import annotations

from truelimit.adapters.files.error_texts import classify
from truelimit.domain.workload import Ending
from truelimit.units import Tokens
from truelimit.workload.endings import of_error


def of_text(text: str, seconds: float | None = None) -> tuple[Ending, Tokens | None]:
    """Return how a call that left this error text after so many seconds ended, and the prompt that the text names."""
    error = classify(text)
    return of_error(error, seconds), error.prompt
