"""truelimit fleet."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from truelimit.cli import output
from truelimit.cli.parser import Parser
from truelimit.domain.message import said

if TYPE_CHECKING:
    from truelimit.app.fleet import Fleet


def run(argv: Sequence[str]) -> int:
    """Print what the work of many people is, and what it comes to on other stacks. Returns 0, or 2 where it cannot."""
    args = _parser().parse_args(argv)
    if args.spark_master and args.engine != "pyspark":
        return output.complain(said("--spark-master is for --engine pyspark"))
    try:
        import duckdb  # noqa: F401 - said here, where it is plain what to do
        import numpy  # noqa: F401, ICN001
    except ImportError as error:
        return output.complain(said("{error} is not installed: pip install {error}", error=error.name))
    from truelimit.adapters.fleet.errors import FleetError
    from truelimit.report import fleet_document

    try:
        with tempfile.TemporaryDirectory(prefix="truelimit-fleet-", ignore_cleanup_errors=True) as folder:
            found = _fleet(args, Path(folder))
    except FleetError as error:
        return output.complain(str(error))
    except OSError as error:
        where, why = error.filename or said("the temporary folder"), error.strerror or str(error)
        return output.complain(said("{path}: {why}", path=where, why=why))
    output.show(args, lambda: fleet_document.shown(found), lambda: fleet_document.as_json(found))
    return 0


def _fleet(args: argparse.Namespace, folder: Path) -> Fleet:
    from truelimit.adapters.fleet import count, files, stacks
    from truelimit.app.fleet import fleet
    from truelimit.cli.bench_progress import told

    wanted = stacks.stacks(args.stacks) if args.stacks else None
    found = files.find(args.path, folder)
    with (
        told(quiet=args.json) as tell,
        count.engine(args.engine, found.paths, args.spark_master, folder) as engine,
    ):
        counted = count.counted(
            engine, apart=found.apart, stacks=wanted, progress=lambda doing, share: tell(doing, share, None)
        )
        names = [item.id for item in wanted or ()]
        return fleet(counted, names, engine.name, len(found.paths), found.missing)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        "truelimit fleet",
        description=said(
            "What the work of many people is, from the bundles that each wrote with truelimit collect --work: "
            "outcomes, classes, agents, models, sizes, hours waited; and, with --stacks, what would become of all of "
            "it and of each person's on other stacks."
        ),
        epilog=said(
            "Exit codes: 0 counted, 2 not. A person is a hash; docs/guides/fleet.md says how a cluster counts."
        ),
    )
    parser.add_argument(
        "path",
        nargs="+",
        metavar="PATH",
        help=said("folder, file or pattern of Parquet files and bundles; a URL for Spark"),
    )
    parser.add_argument(
        "--stacks", type=Path, metavar="FILE", help=said("stacks to replay the work on (TOML or JSON of their fields)")
    )
    parser.add_argument("--engine", choices=("duckdb", "pyspark"), default="duckdb", help=said("who counts (duckdb)"))
    parser.add_argument(
        "--spark-master",
        metavar="URL",
        help=said("where Spark is, such as spark://host:7077 (default: its own settings)"),
    )
    output.add_arguments(parser)
    return parser
