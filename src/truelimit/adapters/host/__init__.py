"""This machine: memory, accelerators, operating system."""

from __future__ import annotations

from truelimit.adapters.host.read import read_machine

__all__ = ["read_machine"]
