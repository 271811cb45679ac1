"""Evidence that is large or repeats itself: time grows with it, memory does not, and the report can be read."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.damage import run
from support.homes import HOMES
from support.json_contract import checked_doctor

SESSIONS = ".openclaw/agents/main/sessions"
TRANSCRIPT = f"{SESSIONS}/20260218-refactor.jsonl"
LOG = ".ollama/logs/server.log"
# The child tells its own peak: Linux counts the parent's pages in ru_maxrss, other systems have no /proc.
_PEAK = """
import resource, sys
from pathlib import Path
from truelimit.cli.main import main
sys.stdout = open(sys.argv[2], "w", encoding="utf-8")
main(["doctor", "--home", sys.argv[1], "--json"])
status = Path("/proc/self/status")
if status.exists():
    peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM")).split()[1] + "000"
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(peak, file=sys.stderr)
"""


@pytest.fixture(autouse=True)
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUELIMIT_DATA_DIR", str(tmp_path / "data"))


def repeated(home: Path, path: str, size: int) -> None:
    """Make a file of the demo's home so many bytes large by repeating it."""
    HOMES["demo"].arguments(home)
    content = (home / path).read_bytes()
    with (home / path).open("ab") as file:
        for _ in range(size // len(content)):
            file.write(content)


def seconds(home: Path) -> float:
    """Return the shorter of two runs."""
    taken = []
    for _ in range(2):
        started = time.perf_counter()
        code, out, _ = run("doctor", "--home", str(home), "--json", seconds=60)
        assert code == 1
        checked_doctor(out)
        taken.append(time.perf_counter() - started)
    return min(taken)


@pytest.mark.parametrize("path", [TRANSCRIPT, LOG])
def test_time_grows_with_the_evidence_and_not_with_its_square(path: str, tmp_path: Path) -> None:
    repeated(tmp_path / "small", path, 1_000_000)
    repeated(tmp_path / "large", path, 6_000_000)
    assert seconds(tmp_path / "large") < 12 * seconds(tmp_path / "small") + 1


@pytest.mark.skipif(sys.platform == "win32", reason="no peak of a process there")
@pytest.mark.parametrize(
    ("path", "head", "filling"),
    [
        (TRANSCRIPT, '{"type":"message","message":{"role":"user","content":"', "x"),
        (TRANSCRIPT, "", "["),
        (LOG, "time=2026-02-18T11:00:00.000+01:00 level=INFO msg=", "y"),
        (f"{SESSIONS}/sessions.json", "", " "),
        (".openclaw/openclaw.json", '{a:"', "x"),
        (".ollama/models/manifests/registry.ollama.ai/library/qwen3-coder-30b/v-128k", "", " "),
    ],
    ids=["long-line", "deep-line", "long-log-line", "large-index", "large-configuration", "large-manifest"],
)
def test_memory_does_not_grow_with_a_file(path: str, head: str, filling: str, tmp_path: Path) -> None:
    home, out = tmp_path / "home", tmp_path / "out.json"
    HOMES["demo"].arguments(home)
    with (home / path).open("w", encoding="utf-8") as file:
        file.write(head)
        for _ in range(100):
            file.write(filling * 1_000_000)
    command = [sys.executable, "-c", _PEAK, str(home), str(out)]
    done = subprocess.run(command, capture_output=True, timeout=60, check=True)
    assert int(done.stderr) < 160 * 2**20
    checked_doctor(out.read_text(encoding="utf-8"))


def test_of_many_incidents_of_a_kind_the_newest_are_told_and_the_others_counted(tmp_path: Path) -> None:
    repeated(tmp_path, TRANSCRIPT, 200_000)
    _, out, _ = run("doctor", "--home", str(tmp_path), "--json")
    count = len(checked_doctor(out)["incidents"])
    assert count > 20
    _, text, _ = run("doctor", "--home", str(tmp_path), "--width", "120")
    assert f"Incidents ({count:,})" in text
    assert " more of the kind prefill-exceeds-wall from 2026-02-18" in text
    assert "--json has them all" in text
    assert text.count("seen in ~/.openclaw") <= 10
    assert len(text) < 60_000
