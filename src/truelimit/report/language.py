"""The language that a report is written in: sentences from a catalogue, plurals, and numbers as its readers write them.

A language is given to every function that writes text. English needs no catalogue: its sentences are the keys. Any
other is a folder ``locale/TAG/LC_MESSAGES`` with a gettext catalogue; its numbers are written by Babel.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from truelimit.domain.frozen import dataclass
from truelimit.domain.message import Message, said

if TYPE_CHECKING:
    from gettext import NullTranslations
    from importlib.resources.abc import Traversable

DOMAIN = "truelimit"
SOURCE = "en"


class LanguageError(ValueError):
    """A language that cannot be had; the text says which there are, or what is lacking."""


@dataclass(frozen=True, slots=True)
class Language:
    """A language by its tag (``en``, ``hi``) and its catalogue; English has none."""

    tag: str
    catalogue: NullTranslations | None = field(default=None, compare=False)

    def gettext(self, message: str, **values: object) -> str:
        """Return a sentence in this language with the values at their places; English where it is not translated."""
        return _filled(self.look_up(message), self._told(values))

    def ngettext(self, one: str, many: str, count: int, **values: object) -> str:
        """Return the sentence for so many things; ``{count}`` in it is the number as this language writes it."""
        return _filled(self.look_up(one, many, count), {"count": self.decimal(count), **self._told(values)})

    def look_up(self, one: str, many: str = "", count: int = 1) -> str:
        """Return the template that the catalogue has for one in English (or for so many things), else the English."""
        if self.catalogue is None or not one:
            return many if many and count != 1 else one
        return self.catalogue.ngettext(one, many, count) if many else self.catalogue.gettext(one)

    def word(self, text: str) -> str:
        """Return one of the program's fixed words (a kind, a basis, the name of a limit); others stay as they are."""
        return self.told(text) if isinstance(text, Message) else self.look_up(text)

    def told(self, text: str) -> str:
        """Return a message (``domain.message``) in this language; a plain text is data and stays as it is."""
        if self.is_source:
            return text
        from truelimit.report.language_format import told

        return told(self, text)

    def _told(self, values: dict[str, object]) -> dict[str, object]:
        return {name: self.told(value) if isinstance(value, str) else value for name, value in values.items()}

    def decimal(self, value: float, digits: int = 0) -> str:
        """Return a number with separators of thousands and so many digits after the point.

        Raises LanguageError where Babel is missing and the language is not English.
        """
        if self.tag == SOURCE:
            return f"{value:,.{digits}f}"
        return _by_babel(value, digits, self.tag)

    @property
    def is_source(self) -> bool:
        """Whether this is the language that the messages are written in."""
        return self.tag == SOURCE


def marked(message: str) -> str:
    """Return the message: it marks a fixed word for the catalogue where it is defined, not where it is shown."""
    return message


def _filled(template: str, values: dict[str, object]) -> str:
    return template.format_map(values) if values else template


def _by_babel(value: float, digits: int, tag: str) -> str:
    try:
        from babel import Locale
    except ImportError as error:
        needs = said("numbers in the language {tag!r} need Babel: pip install babel", tag=tag)
        raise LanguageError(needs) from error
    from copy import copy
    from decimal import Decimal

    locale = Locale.parse(tag, sep="-")
    pattern = copy(locale.decimal_formats[None])
    pattern.frac_prec = (digits, digits)
    written: str = pattern.apply(Decimal(f"{value:.{digits}f}"), locale)
    return written


ENGLISH = Language(SOURCE)


def languages() -> tuple[str, ...]:
    """Return the tags of the languages that there are: English, and every folder with a catalogue."""
    found = [folder.name for folder in _folder().iterdir() if _catalogue(folder.name).is_file()]
    return (SOURCE, *sorted(found))


def language(tag: str) -> Language:
    """Return a language by its tag. Raises LanguageError for one that there is not."""
    if tag == SOURCE:
        return ENGLISH
    there = languages()
    if tag not in there:
        raise LanguageError(
            said("there is no language {tag!r}; there are: {there}", tag=tag[:20], there=", ".join(there))
        )
    from gettext import GNUTranslations

    with _catalogue(tag).open("rb") as file:
        return Language(tag, GNUTranslations(file))


def _folder() -> Traversable:
    from importlib.resources import files

    return files("truelimit") / "locale"


def _catalogue(tag: str) -> Traversable:
    return _folder() / tag / "LC_MESSAGES" / f"{DOMAIN}.mo"
