"""Where facts of this machine come from, gathered so that tests can put others in their place."""

from __future__ import annotations

import platform
import subprocess
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from truelimit.adapters.host.nvidia import NvidiaCard, nvidia_cards

COMMAND_SECONDS = 2.0
_LONGEST_FILE = 65536


@dataclass(frozen=True, slots=True)
class Memory:
    """Main memory and swap, in bytes."""

    total: int
    available: int
    swap_used: int


@dataclass(frozen=True, slots=True)
class Sources:
    """What is asked about a machine. ``system`` is ``Linux``, ``Darwin`` or ``Windows``, ``release`` its version.

    ``memory`` raises OSError or RuntimeError when it cannot be had. ``run`` returns the output of a command, None
    when there is none within two seconds. ``root`` is the folder that holds ``sys`` and ``proc``.
    """

    system: str
    release: str
    processor: str
    memory: Callable[[], Memory]
    nvidia: Callable[[], tuple[NvidiaCard, ...]]
    run: Callable[[Sequence[str]], str | None]
    root: Path


def this_machine() -> Sources:
    """Return the sources of the machine that this program runs on."""
    system = platform.system()
    release = platform.mac_ver()[0] if system == "Darwin" else platform.release()
    return Sources(system, release, platform.processor(), _memory, nvidia_cards, run, Path("/"))


def run(command: Sequence[str]) -> str | None:
    """Return what a command prints, or None when it is not there or not done within two seconds."""
    try:
        done = subprocess.run(
            list(command), capture_output=True, timeout=COMMAND_SECONDS, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("utf-8", "replace")


def first_bytes(path: Path) -> str | None:
    """Return the text of a small system file without surrounding space, or None when it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(_LONGEST_FILE).decode("utf-8", "replace").strip()
    except OSError:
        return None


def number_in(path: Path) -> int | None:
    """Return the number that a small system file holds, or None."""
    text = first_bytes(path)
    return int(text) if text and text.isascii() and text.isdigit() else None


def _memory() -> Memory:
    import psutil

    try:
        memory = psutil.virtual_memory()
        with warnings.catch_warnings():
            # psutil warns when /proc/vmstat is not there; the amounts used here do not come from it.
            warnings.simplefilter("ignore", RuntimeWarning)
            swap_used = psutil.swap_memory().used
    except psutil.Error as error:
        raise OSError(type(error).__name__) from None
    return Memory(memory.total, memory.available, swap_used)
