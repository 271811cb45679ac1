"""Runs every benchmark of this folder that has ``main``: ``python -m benchmarks``."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import benchmarks


def main() -> int:
    """Run all benchmarks in order of name; return 1 when one of them failed."""
    failed = False
    for module in sorted(info.name for info in pkgutil.iter_modules(benchmarks.__path__) if info.name != "__main__"):
        run = getattr(importlib.import_module(f"benchmarks.{module}"), "main", None)
        if run is not None:
            print(f"== {module}", flush=True)
            failed |= bool(run([]))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
