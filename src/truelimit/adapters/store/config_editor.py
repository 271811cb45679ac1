"""The port TextEditor over JSON5 documents: one key at a time, everything else untouched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truelimit.adapters.files.json5_document import Json5Document, Json5Error
from truelimit.domain.findings import ABSENT

if TYPE_CHECKING:
    from truelimit.domain.agent import ConfigPath


class Json5Editor:
    """Edits texts in JSON5 (and JSON); every failure is a ValueError with file, line and what to do."""

    def value(self, text: str, file: str, path: ConfigPath) -> object:
        """Return the value at ``path``, or ABSENT."""
        return _parsed(text, file).get(path, ABSENT)

    def set(self, text: str, file: str, path: ConfigPath, value: object) -> str:
        """Return the text with the value at ``path``."""
        try:
            return _parsed(text, file).set(path, value)
        except (Json5Error, TypeError) as error:
            raise ValueError(str(error)) from None

    def remove(self, text: str, file: str, path: ConfigPath) -> str:
        """Return the text without the key."""
        try:
            return _parsed(text, file).remove(path)
        except Json5Error as error:
            raise ValueError(str(error)) from None


def _parsed(text: str, file: str) -> Json5Document:
    try:
        return Json5Document.parse(text, file)
    except Json5Error as error:
        raise ValueError(str(error)) from None
