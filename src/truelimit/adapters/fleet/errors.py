"""What cannot be done with a fleet's files or engines, in words."""

from __future__ import annotations

from truelimit.domain.message import said

FLEET_EXTRA = "pip install 'truelimit[fleet]'"
SPARK_EXTRA = "pip install 'truelimit[spark]'"


class FleetError(ValueError):
    """A fleet cannot be counted: says which file, option or engine, what was expected, and what to do."""


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text, or its kind."""
    text = str(error).strip()
    return text.splitlines()[0][:300] if text else type(error).__name__


def needed(error: ImportError, extra: str) -> FleetError:
    """Return what to say of a package that is not installed."""
    return FleetError(
        said(
            "{partition} is not installed; it comes with: {extra}",
            partition=error.name.partition(".")[0] if error.name else said("a package"),
            extra=extra,
        )
    )
