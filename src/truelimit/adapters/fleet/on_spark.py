"""An existing Spark: the same questions through Ibis; the replay as a function over each person's rows in Arrow."""

from __future__ import annotations

import os
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from truelimit.adapters.fleet.columns import PERSON
from truelimit.adapters.fleet.engine import Progress
from truelimit.adapters.fleet.errors import SPARK_EXTRA, FleetError, first_line, needed
from truelimit.adapters.fleet.person import DDL, replay_person
from truelimit.domain.message import said
from truelimit.workload.stack import ReplayStack

_VIEW = "truelimit_requests"
_WORKER_PYTHON = "PYSPARK_PYTHON"
_FEW_PARTS = "16"  # Spark's 200 are for clusters


class SparkEngine:
    """Answers from Parquet files that the workers of a Spark session can read."""

    def __init__(self, session: Any, paths: Sequence[str]) -> None:
        """Take a session and the files."""
        import ibis

        self._session, self._paths = session, list(paths)
        self._held: list[Any] = []
        self._connection = ibis.pyspark.connect(session)

    @property
    def name(self) -> str:
        """Spark with its version and master."""
        return f"Spark {self._session.version}, {self._session.sparkContext.master}"

    def table(self) -> Any:
        """Return the files as one table. Raises FleetError."""
        with _errors():
            frame = self._session.read.option("mergeSchema", "true").parquet(*self._paths)
            frame.createOrReplaceTempView(_VIEW)
            return self._connection.table(_VIEW)

    def kept(self, table: Any) -> Any:
        """Return the rows, kept by the workers."""
        with _errors():
            held = table.cache()
        self._held.append(held)
        return held

    def release(self) -> None:
        """Let go of what was kept."""
        while self._held:
            self._held.pop().release()

    def answer(self, question: Any) -> list[dict[str, Any]]:
        """Return the rows of an answer. Raises FleetError."""
        with _errors():
            found: list[dict[str, Any]] = self._connection.to_pyarrow(question).to_pylist()
        return found

    def replay(
        self, rows: Any, stacks: Sequence[ReplayStack], people: Mapping[str, int], progress: Progress
    ) -> Iterator[dict[str, Any]]:
        """Yield the replay of each person, made by the workers. Raises FleetError."""
        _ = people
        progress("replaying", 0.0)
        with _errors():
            frame = self._session.sql(self._connection.compile(rows))
            for row in grouped(frame, tuple(stacks)).toLocalIterator():
                yield row.asDict()
        progress("replaying", 1.0)


def grouped(frame: Any, stacks: tuple[ReplayStack, ...], *, arrow: bool = True) -> Any:
    """Return the replay of each person's rows as a Spark frame; Spark before 4 hands the rows over through pandas."""

    def replayed(rows: Any) -> Any:
        return replay_person(rows, stacks)

    def replayed_pandas(rows: Any) -> Any:
        import pyarrow as pa

        from truelimit.adapters.fleet.person import rows_schema

        return replay_person(pa.Table.from_pandas(rows, rows_schema(), preserve_index=False), stacks).to_pandas()

    people = frame.groupBy(PERSON)
    if arrow and hasattr(people, "applyInArrow"):
        return people.applyInArrow(replayed, DDL)
    return people.applyInPandas(replayed_pandas, DDL)


@contextmanager
def spark_engine(paths: Sequence[str], master: str | None) -> Iterator[SparkEngine]:
    """Yield the engine on the running session, else on one of its own at ``master`` (or where Spark's settings say).

    The workers need Python with NumPy, pandas and PyArrow; truelimit itself is sent to them. Raises FleetError.
    """
    try:
        import ibis  # noqa: F401 - said here, where it is plain what to do
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise needed(error, SPARK_EXTRA) from error
    running = SparkSession.getActiveSession()
    session = running or _started(SparkSession.builder, master)
    try:
        with _package() as package:
            session.sparkContext.addPyFile(str(package))
            found = SparkEngine(session, paths)
            try:
                yield found
            finally:
                found.release()
    finally:
        if running is None:
            session.stop()


def _started(builder: Any, master: str | None) -> Any:
    if master is not None and master.startswith("sc://"):
        raise FleetError(said("--spark-master sc://: Spark Connect is not supported; name the cluster's own master"))
    if master is not None:
        builder = builder.master(master)
        if master.startswith("local"):  # its workers are on this machine: they run what this program runs
            os.environ.setdefault(_WORKER_PYTHON, sys.executable)
            builder = builder.config("spark.sql.shuffle.partitions", _FEW_PARTS)
    settings = {
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
    }
    for key, value in settings.items():
        builder = builder.config(key, value)
    with _errors():
        return builder.appName("truelimit fleet").getOrCreate()


@contextmanager
def _package() -> Iterator[Path]:
    """Yield a zip of this program's Python files: the workers import the replay from it."""
    import truelimit

    root = Path(truelimit.__file__).parent
    with tempfile.TemporaryDirectory(prefix="truelimit-fleet-", ignore_cleanup_errors=True) as folder:
        target = Path(folder) / "truelimit.zip"
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(root.rglob("*.py")):
                archive.write(path, Path("truelimit") / path.relative_to(root))
        yield target


@contextmanager
def _errors() -> Iterator[None]:
    """Turn what Spark says into FleetError."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError, OSError, RuntimeError) as error:
        raise FleetError(said("Spark cannot count these files: {error}", error=first_line(error))) from error
