"""A unified diff for people: values of secret keys are masked, the files themselves are never shown whole."""

from __future__ import annotations

import difflib
import re

_MASK = "(hidden)"
_HIDDEN_NAME = r"[\w.-]*(?:key|token|secret|passw(?:or)?d|passphrase|credential|authorization|cookie|bearer)s?"
_SECRET_PAIR = re.compile(
    rf"""(?P<key>["']?(?<![\w.-]){_HIDDEN_NAME}["']?\s*[:=]\s*)(?P<quote>["'])(?P<value>(?:\\.|(?!(?P=quote)).)*)(?P=quote)""",
    re.IGNORECASE,
)
_SECRET_TEXT = re.compile(r"\b(?:sk|pk|ghp|gho|xox[abp]|hf|glpat|AKIA)[-_]?[A-Za-z0-9_-]{8,}|(?i:\bbearer\s+)[^\s\"']+")
_USER_IN_URL = re.compile(r"(?<=://)[^\s/@\"']+(?=@)")
_REFERENCE = re.compile(r"^\$\{[A-Z0-9_]+\}$")


def unified_diff(file: str, old: str, new: str) -> str:
    """Return the unified diff of two texts with three lines of context, secrets masked; empty when they agree."""
    lines = difflib.unified_diff(
        _lines(old), _lines(new), fromfile=f"{file} (now)", tofile=f"{file} (after)", n=3, lineterm=""
    )
    return "\n".join(masked(line.rstrip("\r\n")) for line in lines)


def is_secret(key: str) -> bool:
    """Return whether a key's name says that its value is a secret."""
    return re.fullmatch(_HIDDEN_NAME, key, re.IGNORECASE) is not None


def masked(line: str) -> str:
    """Return a line with string values of secret keys, known key formats and URL passwords replaced.

    A reference to the environment such as ``${OPENAI_API_KEY}`` is no secret and stays.
    """
    line = _SECRET_PAIR.sub(_masked_pair, line)
    return _USER_IN_URL.sub(_MASK, _SECRET_TEXT.sub(_MASK, line))


def _masked_pair(match: re.Match[str]) -> str:
    if _REFERENCE.match(match["value"]):
        return match[0]
    return f"{match['key']}{match['quote']}{_MASK}{match['quote']}"


def _lines(text: str) -> list[str]:
    """Split at line feeds alone: str.splitlines would also cut at characters that JSON allows in a string."""
    return [line + "\n" for line in text.split("\n")]
