"""Where this program keeps what must survive it: receipts and the originals of files that it changed."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "TRUELIMIT_DATA_DIR"
RECEIPTS = "receipts"


def data_dir(override: Path | None = None) -> Path:
    """Return the folder: ``override``, else the environment's TRUELIMIT_DATA_DIR, else the user's data folder."""
    if override is not None:
        return override
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named).expanduser()
    import platformdirs

    return Path(platformdirs.user_data_dir("truelimit", appauthor=False))
