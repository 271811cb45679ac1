"""What a plan and a sweep cost: ``python -m benchmarks.plan_speed [RUNS]``.

CPU seconds (user and system) of whole processes with compiled modules, median of runs taken in turn, beside bare
Python; and of the plan itself in a process that runs already. Goals: one plan at most 0.10 s (the plan itself), a sweep
of a million points, written as CSV, under 5 s (the whole process).
"""

from __future__ import annotations

import contextlib
import io
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence

from benchmarks.processes import cpu_seconds

RUNS = 7
PLAN_GOAL, SWEEP_GOAL = 0.10, 5.0
_PLAN = ["-m", "truelimit", "plan", "qwen3-coder-30b-a3b", "--machine", "mac-studio-m2-ultra-64", "--deadline", "300"]
_AXES = ["context=256..262144..256", "kv-type=f16,bf16,q8_0,q5_1,q5_0,q4_1,q4_0", "quant=Q4_K_M,Q5_K_M,Q6_K,Q8_0,F16",
         "machine=" + ",".join(["mac-studio-m2-ultra-64", "mac-studio-m2-ultra-128", "mac-studio-m3-ultra-96",
                                "dgx-spark", "framework-desktop-128"]), "slots=1,2,3,4,5,6"]  # fmt: skip
_COMMANDS = {
    "bare Python": ["-c", "pass"],
    "plan --json": [*_PLAN, "--json"],
    "plan (text)": _PLAN,
    "plan --sweep, 1,075,200 points": [*_PLAN, "--csv", "--sweep", *_AXES],
}


def main(arguments: Sequence[str] = ()) -> int:
    """Print the comparison; return 1 when a goal is missed."""
    runs = int(arguments[0]) if arguments else RUNS
    with tempfile.TemporaryDirectory() as compiled:
        median = _processes(runs, {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": compiled})
    bare, itself = median["bare Python"], _itself(runs)
    for name, seconds in median.items():
        print(f"{name:32} {seconds:7.3f} s CPU, {seconds - bare:7.3f} s beyond bare Python ({seconds / bare:.0f} x it)")
    print(f"{'the plan itself, imports done':32} {itself:7.3f} s CPU ({itself / bare:.1f} x bare Python)")
    swept = median["plan --sweep, 1,075,200 points"]
    for what, value, goal in (("one plan", itself, PLAN_GOAL), ("the sweep", swept, SWEEP_GOAL)):
        print(f"goal: {what} at most {goal} s: {'met' if value <= goal else 'missed'} ({value:.3f} s, {runs} runs)")
    return int(itself > PLAN_GOAL or swept > SWEEP_GOAL)


def _processes(runs: int, environment: dict[str, str]) -> dict[str, float]:
    cpu: dict[str, list[float]] = {name: [] for name in _COMMANDS}
    for run in range(runs + 1):
        for name, command in _COMMANDS.items():
            if run <= 3 or "sweep" not in name:
                cpu[name].append(cpu_seconds([sys.executable, *command], environment))
    return {name: statistics.median(times[1:]) for name, times in cpu.items()}  # the first one compiles


def _itself(runs: int) -> float:
    from truelimit.cli.main import main as truelimit

    times = []
    for _ in range(runs + 1):
        with contextlib.redirect_stdout(io.StringIO()):
            begun = time.process_time()
            truelimit([*_PLAN[2:], "--json"])
            times.append(time.process_time() - begun)
    return statistics.median(times[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
