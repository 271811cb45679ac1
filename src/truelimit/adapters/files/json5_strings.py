"""Strings and other single values of JSON5: reading escapes, writing in a file's own style."""

from __future__ import annotations

import json
import math
import re

from truelimit.domain.message import said

_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(\r\n|[\n\r\u2028\u2029])|(.))", re.DOTALL)
_SINGLE = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "0": "\0"}
_PLAIN_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")


class BadEscapeError(ValueError):
    r"""An escape that JSON5 does not know: ``\x`` or ``\u`` without digits, or a digit other than 0."""


def unescape(body: str) -> str:
    """Return the text that a string's body (without its quotes) stands for. Raises BadEscapeError.

    Halves of surrogate pairs are joined; a lone half becomes U+FFFD, so that the result can always be written.
    """
    if "\\" not in body:
        return body
    text = _ESCAPE.sub(lambda match: _escape(match, body), body)
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _escape(match: re.Match[str], body: str) -> str:
    digits = match[1] or match[2]
    if digits:
        return chr(int(digits, 16))
    if match[3]:
        return ""
    char = match[4]
    after = body[match.end() : match.end() + 1]
    if char in "ux" or (char.isascii() and char.isdigit() and (char != "0" or after.isdigit())):
        raise BadEscapeError(said(r"\uXXXX, \xXX or \0"))
    return _SINGLE.get(char, char)


def is_plain_name(key: str) -> bool:
    """Return whether ``key`` may stand without quotes in JSON5 of any reader."""
    return _PLAIN_NAME.fullmatch(key) is not None


def write_string(text: str, quote: str = '"') -> str:
    """Return ``text`` as a string literal in ``quote``."""
    body = json.dumps(text, ensure_ascii=False)[1:-1].replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    if quote == "'":
        body = body.replace('\\"', '"').replace("'", "\\'")
    return f"{quote}{body}{quote}"


def write_scalar(value: object, quote: str = '"') -> str:
    """Return a string, number, boolean or None as JSON5. Raises TypeError for anything else."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return write_string(str(value), quote)
    if isinstance(value, int):
        return str(int(value))
    if not isinstance(value, float):
        raise TypeError(
            said("cannot write {name} into a configuration (expected JSON values)", name=type(value).__name__)
        )
    if math.isnan(value):
        return "NaN"
    return repr(value) if math.isfinite(value) else ("Infinity" if value > 0 else "-Infinity")
