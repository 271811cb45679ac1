"""The language that this run speaks: ``--lang TAG``, else the environment's TRUELIMIT_LANG, else English."""

from __future__ import annotations

from contextvars import ContextVar

TYPE_CHECKING = False  # not from typing: see cli/main.py
if TYPE_CHECKING:
    from collections.abc import Sequence

    from truelimit.report.language import Language

VARIABLE = "TRUELIMIT_LANG"
_chosen: ContextVar[str] = ContextVar("language", default="en")


def choose(argv: Sequence[str]) -> str:
    """Set the language of this run from its arguments or the environment; return what is wrong with it, else ``""``."""
    import os

    tag = _asked(argv) or os.environ.get(VARIABLE) or "en"
    if tag != "en":
        from truelimit.report.language import LanguageError, language

        try:
            language(tag)
        except LanguageError as error:
            return str(error)
    _chosen.set(tag)
    return ""


def english() -> None:
    """Speak English again: a run that is not the whole process leaves nothing behind."""
    _chosen.set("en")


def _asked(argv: Sequence[str]) -> str:
    for index, word in enumerate(argv):
        if word == "--lang" and index + 1 < len(argv):
            return argv[index + 1]
        if word.startswith("--lang="):
            return word.partition("=")[2]
    return ""


def say() -> Language:
    """Return the language of this run."""
    from truelimit.report.language import language

    return language(_chosen.get())


def tell(text: str) -> str:
    """Return a message in the language of this run; a plain text stays as it is."""
    return text if _chosen.get() == "en" else say().told(text)
