"""A moment that somebody names on the command line."""

from __future__ import annotations

from datetime import datetime

from truelimit.domain.message import said


def moment_of(text: str) -> datetime:
    """Return an aware time of ISO 8601; one without a zone is local. Raises ValueError with what was expected."""
    try:
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.astimezone()
    except (ValueError, OverflowError, OSError):
        raise ValueError(
            said(
                "{text!r} is no time; expected a day or a time of ISO 8601 such as 2026-02-18 or "
                "2026-02-18T11:15:00+00:00 (local time where no zone is named)",
                text=text[:40],
            )
        ) from None
