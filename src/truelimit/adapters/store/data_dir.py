"""Where this program keeps what must survive it: receipts and the originals of files that it changed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

VARIABLE = "TRUELIMIT_DATA_DIR"
RECEIPTS = "receipts"
MEASUREMENTS = "measurements.jsonl"


def data_dir(override: Path | None = None) -> Path:
    """Return the folder: ``override``, else the environment's TRUELIMIT_DATA_DIR, else the user's data folder."""
    if override is not None:
        return override
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named).expanduser()
    if sys.platform == "linux" and not {"XDG_DATA_HOME", "ANDROID_DATA"} & os.environ.keys():
        return Path("~/.local/share/truelimit").expanduser()  # as platformdirs has it, which takes 4 ms to load
    import platformdirs

    return Path(platformdirs.user_data_dir("truelimit", appauthor=False))
