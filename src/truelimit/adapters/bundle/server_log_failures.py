"""Failures of an engine in a log, reduced to the phrase that its reader knows them by."""

from __future__ import annotations

import re

from truelimit.adapters.bundle.redact import Redactor
from truelimit.adapters.files.server_log_failures import failure_match

_BEFORE = re.compile(r".*(?=runtime: out of memory)", re.DOTALL)


def failure_phrase(text: str, redact: Redactor) -> str | None:
    """Return the known phrase of a failure, with a number that tells different texts apart; None for no failure.

    The reader takes two equal texts for one failure told twice: the number keeps different ones different.
    """
    found = failure_match(text)
    if found is None:
        return None
    phrase, identity = found
    if phrase.startswith("/completion"):
        phrase = "llm predict error"
    phrase = _BEFORE.sub("", phrase).replace('"', "").replace("\\", "")
    return f"{phrase} [text {redact.number('texts of failures', identity)}]"
