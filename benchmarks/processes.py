"""What a process costs: CPU seconds and peak memory, of it and of what it started."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Container, Mapping, Sequence


def cpu_seconds(
    command: Sequence[str], environment: Mapping[str, str] | None = None, statuses: Container[int] | None = None
) -> float:
    """Return user and system CPU seconds of a command that prints nothing of interest."""
    return cost(command, environment, statuses)[0]


def cost(
    command: Sequence[str], environment: Mapping[str, str] | None = None, statuses: Container[int] | None = None
) -> tuple[float, float]:
    """Return (CPU seconds, peak memory in MiB) of a command.

    Raises RuntimeError for another exit code than those of ``statuses``, where they are told: what was refused was not
    measured.
    """
    merged = {**os.environ, **(environment or {})}
    process = subprocess.Popen(list(command), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=merged)
    if sys.platform == "win32":
        return _windows(process)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if statuses is not None and process.returncode not in statuses:
        raise RuntimeError(f"exit code {process.returncode}: {' '.join(command)}")
    scale = 2**20 if sys.platform == "darwin" else 2**10
    return used.ru_utime + used.ru_stime, used.ru_maxrss / scale


def _windows(process: subprocess.Popen[bytes]) -> tuple[float, float]:
    import psutil

    found, peak, seconds = psutil.Process(process.pid), 0, 0.0
    while process.poll() is None:
        try:
            peak, times = max(peak, found.memory_info().rss), found.cpu_times()
            seconds = times.user + times.system
            process.wait(0.02)
        except (subprocess.TimeoutExpired, psutil.Error):
            continue
    return seconds, peak / 2**20
