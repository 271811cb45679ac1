"""The columns of a fleet's Parquet files: those of a request record, whose they are, and when they were collected."""

from __future__ import annotations

from truelimit.adapters.work.schema import COLUMNS

FILE = "requests.parquet"  # its name in a bundle
PERSON, COLLECTED = "person", "collected"
# name, DuckDB type, whether a file without it is refused
FLEET_COLUMNS: tuple[tuple[str, str, bool], ...] = (
    *COLUMNS,
    (PERSON, "VARCHAR", True),
    (COLLECTED, "DOUBLE", False),
)
IBIS_TYPES = {"VARCHAR": "string", "BIGINT": "int64", "INTEGER": "int64", "DOUBLE": "float64", "BOOLEAN": "boolean"}
