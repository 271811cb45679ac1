"""The forms that a setting or a count may have: anything else in its place is left out."""

from __future__ import annotations

import re

_NUMBER = r"-?\d{1,20}(?:\.\d{1,12})?"
_DURATION = r"-?(?:\d{1,12}(?:\.\d{1,12})?(?:ns|us|µs|μs|ms|s|m|h)){1,4}"
_TRUTH = r"[01]|true|false|on|off|auto|enabled|disabled|Enabled|Disabled|Auto"
_CACHE_TYPE = r"(?:b?f|F|BF)(?:16|32)|i?q\d_(?:\d|nl|k)|I?Q\d_(?:\d|NL|K)"
_SETTING = re.compile(rf"{_NUMBER}|{_DURATION}|{_TRUTH}|{_CACHE_TYPE}")
_OPERATIONS = ("fit", "alloc", "commit", "close")


def is_setting(text: str) -> bool:
    """Return whether a text is a number, a duration, a truth value or a type of cache."""
    return _SETTING.fullmatch(text) is not None


def setting(text: str) -> str:
    """Return a setting as it is, or nothing for another text."""
    return text if is_setting(text) else ""


def request_value(text: str) -> str:
    """Return a value of a load request: a setting or an operation, else nothing."""
    return text if text in _OPERATIONS else setting(text)
