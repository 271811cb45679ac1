"""OpenClaw's own check of its configuration, where it is installed. It only reads; ``doctor --fix`` is never called."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from truelimit.adapters.agents.openclaw.generations import FEBRUARY
from truelimit.app.fix_ports import ValidationResult
from truelimit.domain.message import joined, said
from truelimit.fixes.diff import masked
from truelimit.units import KIB

SECONDS = 120.0
"""A cold start takes 25-40 s on two cores."""

_MOST_OUTPUT = 256 * KIB
_MOST_ISSUES = 5
_INVALID = re.compile(r"Invalid config at [^\n]*?:(?:\\n|\n)(?P<issues>(?:\s*- [^\n]*\n?)*)")


@dataclass(frozen=True, slots=True)
class OpenClawValidator:
    """``openclaw config validate --json``, or for February's versions, which have none, ``openclaw config get models``.

    ``config_file`` is the root file, ``generation`` the agent's. ``command`` replaces the search on PATH.
    """

    generation: str
    config_file: str
    command: Sequence[str] | None = None
    environment: Mapping[str, str] | None = None
    seconds: float = SECONDS

    def __call__(self) -> ValidationResult:
        """Return what OpenClaw says. Not installed, too slow or not understood: ``ok`` is None, with the reason."""
        command = self.command or _installed(self.environment)
        if command is None:
            return ValidationResult(
                False, None, said("OpenClaw is not installed here, so its own validator was not asked")
            )
        february = self.generation == FEBRUARY
        arguments = ["config", "get", "models"] if february else ["config", "validate", "--json"]
        shown = f"openclaw {' '.join(arguments)}"
        answer = _run([*command, *arguments], self._environment(), self.seconds)
        if isinstance(answer, str):
            return ValidationResult(False, None, said("{shown}: {answer}", shown=shown, answer=answer))
        return _february(shown, *answer) if february else _september(shown, *answer)

    def _environment(self) -> dict[str, str]:
        environment = dict(os.environ if self.environment is None else self.environment)
        return environment | {"OPENCLAW_CONFIG_PATH": self.config_file, "NO_COLOR": "1"}


def _installed(environment: Mapping[str, str] | None) -> Sequence[str] | None:
    path = None if environment is None else environment.get("PATH", "")
    found = shutil.which("openclaw", path=path)
    return (found,) if found else None


def _run(command: Sequence[str], environment: dict[str, str], seconds: float) -> tuple[int, str] | str:
    """Return exit status and output, or why there is none. Whatever it started is ended when the time is over."""
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=sys.platform != "win32",
            )
        except OSError as error:
            return said("cannot be started ({strerror})", strerror=error.strerror or type(error).__name__)
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            return said("no answer within {seconds:.0f} s", seconds=seconds)
        finally:
            _end(process)
        output.seek(0)
        return status, output.read(_MOST_OUTPUT).decode("utf-8", errors="replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and, where the system has process groups, all that it started."""
    if process.poll() is not None:
        return
    if sys.platform == "win32":
        process.kill()
    else:
        import signal

        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _september(shown: str, status: int, output: str) -> ValidationResult:
    start, end = output.find("{"), output.rfind("}")
    try:
        answer = json.loads(output[start : end + 1])
        valid = answer["valid"]
    except (ValueError, KeyError, TypeError, RecursionError):
        valid, answer = None, {}
    if valid is True and status == 0:
        return ValidationResult(True, True, said("{shown}: valid", shown=shown))
    if valid is False:
        issues = [item for item in answer.get("issues") or () if isinstance(item, dict)]
        lines = [f"{item.get('path', '?')}: {item.get('message', '?')}" for item in issues]
        return ValidationResult(True, False, said("{shown}: invalid: {lines}", shown=shown, lines=_listed(lines)))
    return ValidationResult(
        True, None, said("{shown}: answer not understood (exit status {status})", shown=shown, status=status)
    )


def _february(shown: str, status: int, output: str) -> ValidationResult:
    invalid = _INVALID.search(output)
    if invalid:
        lines = [line.strip().removeprefix("- ") for line in invalid["issues"].splitlines() if line.strip()]
        return ValidationResult(True, False, said("{shown}: invalid: {lines}", shown=shown, lines=_listed(lines)))
    if status == 0:
        return ValidationResult(
            True, True, said("{shown}: read without complaint (this version has no validator)", shown=shown)
        )
    return ValidationResult(
        True, None, said("{shown}: answer not understood (exit status {status})", shown=shown, status=status)
    )


def _listed(lines: Sequence[str]) -> str:
    more = said("; and {lines} more", lines=len(lines) - _MOST_ISSUES) if len(lines) > _MOST_ISSUES else ""
    return (
        joined("; ", (_shown(line)[:200] for line in lines[:_MOST_ISSUES])) + more if lines else said("no reason given")
    )


def _shown(line: str) -> str:
    """A complaint of an unknown key names keys alone, no values: there is nothing to mask."""
    return line if "Unrecognized key" in line else masked(line)
