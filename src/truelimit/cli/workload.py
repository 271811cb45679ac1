"""truelimit workload."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from truelimit.cli import output
from truelimit.cli.parser import Parser, bad_value
from truelimit.domain.message import said

if TYPE_CHECKING:
    from truelimit.adapters.work.ingest import Ingested, Tell
    from truelimit.adapters.work.store import WorkStore
    from truelimit.app.ports import Places
    from truelimit.app.workload import ReadNow, WorkloadView


def run(argv: Sequence[str]) -> int:
    """Read what is new and print what the work is. Returns 0, 1 where a named file was refused, 2 where none was left.

    2 too for a home, store or rules that cannot be used.
    """
    args = _parser().parse_args(argv)
    try:
        import duckdb  # noqa: F401 - said here, where it is plain what to do
        import numpy  # noqa: F401, ICN001
    except ImportError as error:
        return output.complain(said("{error} is not installed: pip install {error}", error=error.name))
    from truelimit.adapters.bundle.unpack import BundleError
    from truelimit.adapters.work.privacy import PrivacyRuleError
    from truelimit.adapters.work.store import WorkStoreError

    if args.home and not args.home.exists():
        return output.complain(said("{path} does not exist", path=args.home))
    try:
        with _unpacked(args):
            return _run(args)
    except (WorkStoreError, PrivacyRuleError, BundleError) as error:
        return output.complain(str(error))
    except OSError as error:
        where, why = error.filename or said("the data folder"), error.strerror or str(error)
        return output.complain(said("{path}: {why}", path=where, why=why))


@contextmanager
def _unpacked(args: argparse.Namespace) -> Iterator[None]:
    """Let the home be a zipped bundle: unpacked for that time."""
    if not (args.home and args.home.is_file()):
        yield
        return
    from truelimit.adapters.bundle.unpack import unpacked

    archive = args.home
    with unpacked(archive) as folder:
        args.home = folder
        yield
    args.home = archive


def _run(args: argparse.Namespace) -> int:
    from truelimit.adapters.work.store import WorkStore
    from truelimit.report import workload_document

    with WorkStore(args.store) as store:
        view = _view(args, store)
        if args.export is not None:
            store.export(args.export)
    output.show(args, lambda: workload_document.shown(view), lambda: workload_document.as_json(view))
    for item in view.refused:
        output.complain(said("not read: {file}: {why}", file=item.fact, why=item.why))
    return min(len(view.refused), 1) if len(view.refused) < len(set(args.file)) else 2 * bool(view.refused)


def _view(args: argparse.Namespace, store: WorkStore) -> WorkloadView:
    from truelimit.adapters.work.context import CLOCK, LONG
    from truelimit.adapters.work.ingest import oddities
    from truelimit.app.workload import WorkloadView, chosen, describe, notes

    result, read = _read(args, store)
    kept, left_out = chosen(store.requests(), args.since, args.agent)
    odd = oddities(store)
    return WorkloadView(
        describe(kept), str(store.path), store.count(), left_out, read, store.damaged(),
        (*_set_aside(store), *notes(odd[CLOCK], odd[LONG], result.copies)),
        tuple(result.missing), tuple(result.refused),
    )  # fmt: skip


def _set_aside(store: WorkStore) -> tuple[str, ...]:
    from truelimit.app.workload import set_aside

    held = store.set_aside
    return () if held is None else (set_aside(held.records, str(held.file)),)


def _read(args: argparse.Namespace, store: WorkStore) -> tuple[Ingested, ReadNow]:
    import time

    from truelimit.adapters.store.data_dir import data_dir
    from truelimit.adapters.store.evidence_cache import EvidenceCache, using
    from truelimit.adapters.work import places as where
    from truelimit.adapters.work.context import Context
    from truelimit.adapters.work.hashing import hasher
    from truelimit.adapters.work.ingest import ingest
    from truelimit.adapters.work.privacy import RULES_FILE, rules
    from truelimit.app.workload import ReadNow
    from truelimit.domain.provenance import Missing

    places, began = _places(args), time.perf_counter()
    sources = [] if args.only_files else where.found(places)
    named, refused = where.named(dict.fromkeys(args.file))
    held = rules(data_dir() / RULES_FILE, places.home, args.private, args.public)
    with using(EvidenceCache(data_dir() / "evidence")), _told(args) as tell:
        result = ingest(store, [*sources, *named], Context(hasher(), held), tell)
    result.refused = [*refused, *result.refused]
    if result.files and not result.unchanged:  # else folders that were judged earlier are not judged again
        result.missing += [Missing(said("rule {rule}", rule=rule), said("no folder matches it")) for rule in held.idle]
    return result, ReadNow(result.files, result.unchanged, result.size, time.perf_counter() - began)


def _places(args: argparse.Namespace) -> Places:
    from truelimit.app.ports import Places

    named = bool(args.home)
    return Places((args.home or Path.home()).absolute(), named, {} if named else dict(os.environ))


@contextmanager
def _told(args: argparse.Namespace) -> Iterator[Tell]:
    """Yield somebody to tell: a bar on standard error, where that is a terminal."""
    from truelimit.cli.bench_progress import told

    with told(quiet=args.json) as show:
        yield lambda path, done, total: show(
            said("reading {file}", file=path.name[:40]), done / total if total else 1.0, None
        )


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        "truelimit workload",
        description=said(
            "What your recorded work is: reads the transcripts of your agents and the logs of your servers, "
            "keeps counts, times, hashes and classes (never text, names of files or paths), and says how large the "
            "work is, how it ended, and which share is work on many files. A second run reads only what is new."
        ),
        epilog=said(
            "Exit codes: 0 read; 1 some of the files that --file names were refused, the rest was read; "
            "2 error, or all of them were refused."
        ),
    )
    where = parser.add_argument_group(said("where to look (default: this machine's home)"))
    where.add_argument(
        "--home",
        type=Path,
        metavar="DIR",
        help=said("a home folder or a bundle: only this and what --file names is read"),
    )
    file = said("a transcript, log, store or table (Parquet, JSONL, CSV), told apart by content (repeatable)")
    where.add_argument(
        "--file", "--session", "--log", action="append", default=[], type=Path, metavar="FILE", help=file
    )
    where.add_argument("--only-files", action="store_true", help=said("read only what --file names"))
    kept = parser.add_argument_group(said("what is kept"))
    kept.add_argument(
        "--store", type=Path, metavar="FILE", help=said("the DuckDB file (default: work.duckdb of the data folder)")
    )
    kept.add_argument("--export", type=Path, metavar="FILE", help=said("write all records to a .parquet or .jsonl"))
    private = said("work in folders that match is private (repeatable; work.toml of the data folder for always)")
    public = said("work in folders that match is not private (repeatable; work.toml of the data folder for always)")
    kept.add_argument("--private", action="append", default=[], metavar="GLOB", help=private)
    kept.add_argument("--public", action="append", default=[], metavar="GLOB", help=public)
    about = parser.add_argument_group(said("which work"))
    since = said("only requests from then on (ISO 8601: 2026-02-18, local time); what has no time is left out")
    about.add_argument("--since", type=_moment, metavar="TIME", help=since)
    about.add_argument("--agent", metavar="A", help=said("only of one agent, such as claude-code"))
    output.add_arguments(parser)
    return parser


def _moment(text: str) -> datetime:
    from truelimit.cli.moments import moment_of

    try:
        return moment_of(text)
    except ValueError as error:
        raise bad_value(error.args[0]) from None
