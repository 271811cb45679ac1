"""The header reader beside the ``gguf`` package's, each in a process of its own.

``python -m benchmarks.gguf_header [MODEL.gguf]``; without a file one with a vocabulary of 262,144 strings is made.
CPU seconds and peak memory are those above a bare Python, the least of several runs.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

RUNS = 7
CPU_BAR = 0.02
MEMORY_BAR_MIB = 16

_START = """
import sys, time
def peak():
    if sys.platform == "linux":
        return next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))
    if sys.platform == "win32":
        import psutil
        return psutil.Process().memory_info().peak_wset
    import resource
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
"""
_END = """
print('{"total": %r, "read": %r, "peak": %d}' % (time.process_time(), time.process_time() - begun, peak()))
"""
_WORK = {
    "bare": "begun = time.process_time()",
    "ours": """
from pathlib import Path
from truelimit.adapters.files.gguf.read import read_header
begun = time.process_time()
read_header(Path(sys.argv[1]))
""",
    "gguf": """
from gguf import GGUFReader
begun = time.process_time()
GGUFReader(sys.argv[1])
""",
}


def main(arguments: Sequence[str] = ()) -> int:
    """Print the comparison; return 1 when a bar is missed."""
    if arguments:
        return _compare(Path(arguments[0]))
    with tempfile.TemporaryDirectory() as folder:
        return _compare(_generated(Path(folder) / "model.gguf"))


def _compare(model: Path) -> int:
    best = {name: _best(name, model) for name in _WORK}
    bare, ours, theirs = best["bare"], best["ours"], best["gguf"]
    memory = {name: (run["peak"] - bare["peak"]) / 2**20 for name, run in best.items()}
    print(f"bare Python   {bare['total']:.3f} s CPU, {bare['peak'] / 2**20:.1f} MiB")
    for name in ("ours", "gguf"):
        run = best[name]
        print(
            f"{name:5} reading {run['read']:.4f} s CPU; with imports {run['total'] / bare['total']:.2f} x bare Python;"
        )
        print(f"      {memory[name]:.1f} MiB above bare Python")
    print(f"reading: ours takes {ours['read'] / theirs['read']:.4f} of gguf's CPU")
    print(f"whole process: ours takes {ours['total'] / theirs['total']:.4f} of gguf's CPU")
    print(f"bars: {CPU_BAR} s CPU for reading, {MEMORY_BAR_MIB} MiB")
    return int(ours["read"] > CPU_BAR or memory["ours"] > MEMORY_BAR_MIB)


def _best(name: str, model: Path) -> dict[str, float]:
    runs = [_run(name, model) for _ in range(RUNS if name != "gguf" else 2)]
    return {key: min(run[key] for run in runs) for key in runs[0]}


def _run(name: str, model: Path) -> dict[str, float]:
    code = _START + _WORK[name] + _END
    done = subprocess.run(
        [sys.executable, "-c", code, str(model)], capture_output=True, text=True, check=True, timeout=120
    )
    numbers: dict[str, float] = json.loads(done.stdout)
    return numbers


def _generated(path: Path) -> Path:
    from truelimit.adapters.files.gguf.write import write_header

    tokens = [f"{index:06}"[: 1 + index % 6] + "ab" * (index % 5) for index in range(262_144)]
    metadata = {
        "general.architecture": "gemma3",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.scores": [0.0] * len(tokens),
        "tokenizer.ggml.token_type": [1] * len(tokens),
    }
    tensors = [(f"blk.{index}.weight", (640, 256), "Q5_0") for index in range(236)]
    write_header(path, metadata, tensors, sparse=True)
    return path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
