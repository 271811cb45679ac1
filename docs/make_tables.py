"""Packs the shipped tables for fast reading: src/truelimit/tables/packed/. ``--check`` only compares."""

from __future__ import annotations

import sys
from pathlib import Path

from truelimit.tables import files
from truelimit.tables.packed import FOLDER, OUTERMOST, packed

TABLES = Path(__file__).parents[1] / "src" / "truelimit" / "tables"
FOLDERS = ("", "accelerators", "machines", "models")


def content(folder: str) -> str:
    """Return the packed form of a folder's tables, by name."""
    found = [(path.stem, path.read_bytes()) for path in sorted((TABLES / folder).glob("*.toml"))]
    return packed((name, data, files.parsed(data, f"{name}.toml")) for name, data in found)


def main() -> int:
    """Write the packed tables, or return 1 if one differs and ``--check`` was given."""
    wanted = {TABLES / FOLDER / f"{folder or OUTERMOST}.txt": content(folder) for folder in FOLDERS}
    if "--check" not in sys.argv[1:]:
        for path, text in wanted.items():
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        return 0
    stale = [path.name for path, text in wanted.items() if not path.is_file() or path.read_text("utf-8") != text]
    if stale:
        print(f"not up to date: {', '.join(stale)}; run python docs/make_tables.py", file=sys.stderr)
    return int(bool(stale))


if __name__ == "__main__":
    raise SystemExit(main())
