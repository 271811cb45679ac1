"""How wide the terminal is."""

from __future__ import annotations

import os
import sys


def terminal_columns(otherwise: int) -> int:
    """Return the columns of the terminal: COLUMNS, else what the system says, else ``otherwise``.

    It is what ``shutil.get_terminal_size`` does; loading that, with all its compressors, takes 2 ms.
    """
    try:
        columns = int(os.environ["COLUMNS"])
    except (KeyError, ValueError):
        columns = 0
    if columns > 0:
        return columns
    try:
        return os.get_terminal_size(sys.__stdout__.fileno()).columns or otherwise  # type: ignore[union-attr]
    except (AttributeError, ValueError, OSError):
        return otherwise
