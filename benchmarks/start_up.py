"""Start-up beside bare Python: ``truelimit --version`` and ``--help`` against ``python -c pass``.

``python -m benchmarks.start_up [RUNS]``. CPU seconds (user and system) of whole processes, median of many runs taken
in turn, so that a busy machine slows all alike. The goal, ``--version`` at most 1.5 times bare Python, is judged on the
entry point as installers write it (import ``main``, call it). Beside it: the script that lies in this environment (that
of an older pip imports ``re`` first, 6 ms that are not ours) and ``python -m``, which imports ``runpy``.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.processes import cpu_seconds

RUNS = 31
GOAL = 1.5
_ENTRY = "import sys; from truelimit.cli.main import main; sys.exit(main([{!r}]))"
_COMMANDS = {
    "bare Python": [sys.executable, "-c", "pass"],
    "--version": [sys.executable, "-c", _ENTRY.format("--version")],
    "--help": [sys.executable, "-c", _ENTRY.format("--help")],
    "-m truelimit --version": [sys.executable, "-m", "truelimit", "--version"],
}


def main(arguments: Sequence[str] = ()) -> int:
    """Print the comparison; return 1 when the goal is missed."""
    runs = int(arguments[0]) if arguments else RUNS
    commands = {**_COMMANDS, **_script()}
    cpu: dict[str, list[float]] = {name: [] for name in commands}
    wall: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            begun = time.perf_counter()
            cpu[name].append(cpu_seconds(command))
            wall[name].append(time.perf_counter() - begun)
    bare = statistics.median(cpu["bare Python"])
    for name, seconds in cpu.items():
        median = statistics.median(seconds)
        print(
            f"{name:24} {median * 1000:6.1f} ms CPU, {median / bare:.2f} x bare Python; "
            f"{statistics.median(wall[name]) * 1000:6.1f} ms elapsed"
        )
    ratio = statistics.median(cpu["--version"]) / bare
    print(f"goal: --version at most {GOAL} x bare Python: {'met' if ratio <= GOAL else 'missed'} ({runs} runs each)")
    return int(ratio > GOAL)


def _script() -> dict[str, list[str]]:
    """Return the script of this environment, where there is one."""
    script = shutil.which("truelimit", path=str(Path(sys.executable).parent))
    return {"script --version": [script, "--version"]} if script else {}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
