"""The command line as a person runs it, in a process of its own with a data folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Run:
    """One run: exit status, both outputs."""

    status: int
    output: str
    errors: str

    @property
    def json(self) -> dict[str, Any]:
        """Return the JSON document that it printed. Raises AssertionError with what it printed instead."""
        try:
            document = json.loads(self.output)
        except ValueError:
            raise AssertionError(f"no JSON, status {self.status}: {self.output[:500]} {self.errors[-1500:]}") from None
        assert isinstance(document, dict)
        return document


@dataclass(frozen=True, slots=True)
class TrueLimit:
    """Runs ``truelimit``; receipts go to ``data``; ``variables`` are set for each run."""

    data: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: str | Path, seconds: float = 170) -> Run:
        """Run it to its end. Raises subprocess.TimeoutExpired."""
        done = subprocess.run(
            [sys.executable, "-m", "truelimit", *map(str, arguments)],
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=seconds,
            check=False,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **self.variables, "TRUELIMIT_DATA_DIR": str(self.data), "TRUELIMIT_DEBUG": "1"},
        )
        assert "Traceback" not in done.stderr, done.stderr[-3000:]
        return Run(done.returncode, done.stdout, done.stderr)


def named(items: list[dict[str, Any]], **wanted: object) -> dict[str, Any]:
    """Return the only item whose keys have these values. Raises AssertionError with what is there instead."""
    found = [item for item in items if all(item.get(key) == value for key, value in wanted.items())]
    seen = [{key: item.get(key) for key in wanted} for item in items]
    assert len(found) == 1, f"{len(found)} with {wanted} among {seen}"
    return found[0]
