"""What a plan and a sweep cost: ``python -m benchmarks.plan_speed [RUNS]``.

CPU seconds (user and system) of whole processes with compiled modules, least and median of runs taken in turn, beside
bare Python and as a multiple of it, which says more than seconds on another machine; and of the plan itself in a
process that runs already. Goals: one plan, as a process, at most 0.10 s; a sweep of a million points, written as CSV,
under 5 s (the whole process), those of which parts lie in main memory too.
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

RUNS = 11
PLAN_GOAL, SWEEP_GOAL = 0.10, 5.0
_WAIT = ["--deadline", "300"]
_PLAN = ["-m", "truelimit", "plan", "Llama 3.3 70B", "--machine", "dgx-spark"]
_LIMITED = ["-m", "truelimit", "plan", "qwen3-coder-30b-a3b", "--machine", "mac-studio-m2-ultra-64", *_WAIT]
_AXES = ["context=256..262144..256", "kv-type=f16,bf16,q8_0,q5_1,q5_0,q4_1,q4_0", "quant=Q4_K_M,Q5_K_M,Q6_K,Q8_0,F16",
         "machine=" + ",".join(["mac-studio-m2-ultra-64", "mac-studio-m2-ultra-128", "mac-studio-m3-ultra-96",
                                "dgx-spark", "framework-desktop-128"]), "slots=1,2,3,4,5,6"]  # fmt: skip
_PLACED = ["context=1024..131072..128", "kv-type=f16,q8_0,q5_1,q4_0", "slots=1,2,3,4,5,6,7,8",
           "quant=Q8_0,Q6_K,Q5_K_M,Q4_K_M,IQ4_XS,Q3_K_M,IQ3_XXS,Q2_K",
           "machine=pc-rtx-4090,pc-rtx-5090,pc-rtx-3090,pc-2x-rtx-5060-ti-16"]  # fmt: skip
_OFFLOAD = "plan --sweep, 1,041,408 points over cards and main memory"
_BARE, _TEXT, _SWEEP = "bare Python", "plan (text)", "plan --sweep, 1,075,200 points"
_COMMANDS = {
    _BARE: ["-c", "pass"],
    _TEXT: _PLAN,
    "plan --json": [*_PLAN, "--json"],
    "plan, time binds (text)": _LIMITED,
    _SWEEP: ["-m", "truelimit", "plan", "qwen3-coder-30b-a3b", "--csv", "--sweep", *_AXES],
    _OFFLOAD: ["-m", "truelimit", "plan", "llama-3.3-70b", "--csv", "--sweep", *_PLACED],
}
_STATUSES = (0, 1)  # 1: it does not fit
_LONG = {_SWEEP, _OFFLOAD}


def main(arguments: Sequence[str] = ()) -> int:
    """Print the comparison; return 1 when a goal is missed."""
    runs = int(arguments[0]) if arguments else RUNS
    with tempfile.TemporaryDirectory() as compiled:
        cpu = _processes(runs, {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": compiled})
    bare = statistics.median(cpu[_BARE])
    for name, times in cpu.items():
        median = statistics.median(times)
        print(f"{name:32} {min(times):7.4f} s CPU at least, {median:7.4f} s median ({median / bare:.1f} x bare Python)")
    itself = _itself(runs)
    print(f"{'the plan itself, imports done':32} {itself:7.4f} s CPU median ({itself / bare:.1f} x bare Python)")
    plan, swept = statistics.median(cpu[_TEXT]), max(statistics.median(cpu[name]) for name in _LONG)
    for what, value, goal in (("one plan as a process", plan, PLAN_GOAL), ("the slower sweep", swept, SWEEP_GOAL)):
        print(f"goal: {what} at most {goal} s: {'met' if value <= goal else 'missed'} ({value:.3f} s, {runs} runs)")
    return int(plan > PLAN_GOAL or swept > SWEEP_GOAL)


def _processes(runs: int, environment: dict[str, str]) -> dict[str, list[float]]:
    """Return the CPU seconds of each command's runs; a sweep, which takes seconds, runs three times at most."""
    cpu: dict[str, list[float]] = {name: [] for name in _COMMANDS}
    for run in range(runs + 1):
        for name, command in _COMMANDS.items():
            if run <= 3 or name not in _LONG:
                cpu[name].append(cpu_seconds([sys.executable, *command], environment, _STATUSES))
    return {name: times[1:] for name, times in cpu.items()}  # the first one compiles


def _itself(runs: int) -> float:
    from truelimit.cli.main import main as truelimit

    times = []
    for _ in range(runs + 1):
        with contextlib.redirect_stdout(io.StringIO()):
            begun = time.process_time()
            truelimit(_PLAN[2:])
            times.append(time.process_time() - begun)
    return statistics.median(times[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
