"""Real OpenClaw, as ``tests/real/run`` brings it: a folder whose node_modules holds it and a Node of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from truelimit.adapters.agents.openclaw_validator import OpenClawValidator

SEPTEMBER = os.environ.get("TRUELIMIT_REAL_OPENCLAW")
FEBRUARY = os.environ.get("TRUELIMIT_REAL_OPENCLAW_FEBRUARY")


@dataclass(frozen=True, slots=True)
class RealOpenClaw:
    """One installation. ``home`` is the home folder that it works in."""

    folder: Path
    home: Path

    @property
    def program(self) -> Path:
        """Return the command's file."""
        return self.folder / "node_modules" / ".bin" / "openclaw"

    @property
    def config(self) -> Path:
        """Return its configuration."""
        return self.home / ".openclaw" / "openclaw.json"

    def environment(self) -> dict[str, str]:
        """Return the variables: its own home, its own Node first, nothing of the OpenClaw that the user may have."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("OPENCLAW_", "CLAWDBOT_"))}
        path = os.pathsep.join(str(folder) for folder in self._bins()) + os.pathsep + kept.get("PATH", "")
        return {**kept, "HOME": str(self.home), "USERPROFILE": str(self.home), "PATH": path, "NO_COLOR": "1"}

    def _bins(self) -> list[Path]:
        """February has no Node of its own: it runs under September's."""
        folders = [self.folder, *([Path(SEPTEMBER)] if SEPTEMBER else [])]
        return [folder / "node_modules" / ".bin" for folder in folders]

    def run(self, *arguments: str, seconds: float = 170) -> tuple[int, str, str]:
        """Run a command to its end and return status and both outputs; nothing that it started is left behind."""
        process = subprocess.Popen(
            [str(self.program), *arguments],
            env=self.environment(),
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            start_new_session=sys.platform != "win32",
        )
        try:
            output, errors = process.communicate(timeout=seconds)
        finally:
            _end(process)
        return process.returncode, output, errors

    def write(self, text: str) -> Path:
        """Write its configuration."""
        self.config.parent.mkdir(parents=True, exist_ok=True)
        self.config.write_text(text, encoding="utf-8")
        return self.config

    def validator(self, generation: str) -> OpenClawValidator:
        """Return the program's own validator of that configuration, through our adapter."""
        return OpenClawValidator(generation, str(self.config), [str(self.program)], self.environment())


def _end(process: subprocess.Popen[str]) -> None:
    if sys.platform == "win32":
        process.kill()
    else:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait(15)
