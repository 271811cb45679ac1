"""A real Spark with two workers of their own counts a fleet as DuckDB does, and replays it on its workers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.fleet_files import STACKS, records, written
from truelimit.adapters.fleet.export import export, person_of
from truelimit.adapters.work.hashing import Hasher

pytestmark = pytest.mark.real
SOURCE = Path(__file__).parents[2] / "src"
# Not through PYTHONPATH, which the workers would see: they must have the program from what is sent to them.
MAIN = (
    f"import sys; sys.path.insert(0, {str(SOURCE)!r}); from truelimit.cli.fleet import run; sys.exit(run(sys.argv[1:]))"
)


@pytest.fixture
def python() -> str:
    named = os.environ.get("TRUELIMIT_REAL_SPARK")
    if not named or not Path(named).exists():
        pytest.skip("PySpark is not to be had: TRUELIMIT_REAL_SPARK names no Python that has it and Ibis")
    if shutil.which("java") is None:
        pytest.skip("PySpark is not to be had: there is no java")
    return named


def counted(python: str, *arguments: str) -> dict[str, Any]:
    environment = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "PYSPARK_PYTHON"}}
    command = [python, "-c", MAIN, *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=800, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_spark_counts_and_replays_as_duckdb_does(python: str, tmp_path: Path) -> None:
    folder = tmp_path / "fleet"
    written(folder, {"ann": 900, "bob": 400, "cyd": 30, "dan": 1200})
    export(records("bob", 500), folder / "bob-again.parquet", person_of(Hasher(b"bob")), 2_000_000.0)
    listed = tmp_path / "stacks.toml"
    listed.write_text(STACKS, encoding="utf-8")
    asked = (str(folder), "--stacks", str(listed))
    here = counted(python, *asked)
    there = counted(python, *asked, "--engine", "pyspark", "--spark-master", "local-cluster[2,1,1024]")
    assert here.pop("engine") == "DuckDB"
    assert "local-cluster" in there.pop("engine")
    assert (here["copies"], here["people"], here["calls"]) == (400, 4, 2630)
    assert here["options"][0]["known"] > 2000
    assert there == here


def test_rows_through_pandas_are_replayed_alike(python: str, tmp_path: Path) -> None:
    """What Spark before 4 does: the rows of a person come as a pandas frame, where a missing count is no integer."""
    (path,) = written(tmp_path, {"ann": 400})
    listed = tmp_path / "stacks.toml"
    listed.write_text(STACKS, encoding="utf-8")
    script = f"""
import sys; sys.path.insert(0, {str(SOURCE)!r})
from pathlib import Path
from truelimit.adapters.fleet import on_spark, questions, stacks
with on_spark.spark_engine([{str(path)!r}], "local[1]") as engine:
    rows = questions.to_replay(questions.cleaned(questions.complete(questions.typed(engine.table()))))
    frame = engine._session.sql(engine._connection.compile(rows))
    wanted = stacks.stacks(Path({str(listed)!r}))
    ways = [on_spark.grouped(frame, wanted, arrow=arrow).collect() for arrow in (True, False)]
one, other = (sorted(tuple(row) for row in way) for way in ways)
print("same" if one == other and len(one) == 5 else (one, other))
"""
    done = subprocess.run([python, "-c", script], capture_output=True, text=True, timeout=400, check=False)
    assert done.stdout.strip().endswith("same"), (done.stdout, done.stderr[-2000:])


def test_a_storage_that_is_not_there_is_one_error(python: str) -> None:
    command = [
        python,
        "-c",
        MAIN,
        "file:///no/such/folder",
        "--engine",
        "pyspark",
        "--spark-master",
        "local[1]",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 2
    told = [line for line in done.stderr.splitlines() if line.startswith("truelimit: ")]
    assert len(told) == 1, done.stderr[-2000:]
    assert "Spark cannot count these files" in told[0]
    assert "Traceback" not in done.stderr
