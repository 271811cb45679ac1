"""Runs the command line: ``python -m truelimit``."""

from __future__ import annotations

from truelimit.cli.main import main

raise SystemExit(main())
