"""truelimit collect."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from truelimit.app.ports import Deadline, Places
from truelimit.cli import evidence, output
from truelimit.cli.parser import Parser
from truelimit.cli.speech import tell
from truelimit.domain.message import Message, counted, figure, joined, said

if TYPE_CHECKING:
    from truelimit.adapters.bundle.write import Collected

SCHEMA = "truelimit.collect/1"


def run(argv: Sequence[str]) -> int:
    """Write a bundle of the evidence. Returns 0, or 2 when nothing was found or the bundle could not be written."""
    args = _parser().parse_args(argv)
    try:
        places, target = evidence.places(args), _target(args.out)
    except evidence.UsageError as error:
        return output.complain(str(error))
    from truelimit.adapters.bundle.read import opened

    try:
        with opened(places) as here:
            collected = _write(here, args.network_seconds, target, with_work=args.work)
    except ValueError as error:  # the store of work, its rules or a table: each says what was expected
        return output.complain(str(error))
    except OSError as error:
        return output.complain(
            said(
                "{target}: {strerror}; name another place with --out",
                target=target,
                strerror=error.strerror or said("cannot be written"),
            )
        )
    if collected.is_empty:
        return output.complain(
            said("nothing to collect: no agent, server, store or log was found; name one, see --help")
        )
    output.write(_as_json(collected, target) if args.json else _as_text(collected, target))
    for source, why in collected.troubles[:20]:
        print(tell(said("truelimit: not in the bundle: {source}: {why}", source=source, why=why)), file=sys.stderr)
    return 0


def _write(places: Places, network_seconds: float, target: Path, *, with_work: bool) -> Collected:
    """Write the bundle to a folder beside its place, then put it there whole."""
    from truelimit.adapters.bundle.unpack import packed
    from truelimit.adapters.bundle.write import write_bundle

    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".truelimit-", dir=target.parent, ignore_cleanup_errors=True) as folder:
        root = Path(folder) / "bundle"
        root.mkdir()
        collected = write_bundle(places, Deadline(network_seconds), root)
        if with_work:
            _add_work(places, Path(folder), root, collected)
        if collected.is_empty:
            return collected
        if target.suffix == ".zip":
            packed(root, target)
        else:
            if target.exists():
                target.rmdir()
            root.rename(target)
    return collected


def _add_work(places: Places, folder: Path, root: Path, collected: Collected) -> None:
    """Add the request records as Parquet: of this machine's store after reading what is new, or of a named home."""
    import time

    from truelimit.adapters.fleet.columns import FILE
    from truelimit.adapters.fleet.export import export, person_of
    from truelimit.adapters.store.data_dir import data_dir
    from truelimit.adapters.work import places as where
    from truelimit.adapters.work.context import Context
    from truelimit.adapters.work.hashing import hasher
    from truelimit.adapters.work.ingest import ingest
    from truelimit.adapters.work.privacy import RULES_FILE, rules
    from truelimit.adapters.work.store import WorkStore
    from truelimit.app.workload import set_aside

    named = hasher()
    held = rules(data_dir() / RULES_FILE, places.home)
    with WorkStore(folder / "work.duckdb" if places.isolated else None) as store:
        read = ingest(store, where.found(places), Context(named, held))
        collected.kept[said("requests of recorded work")] = export(
            list(store.requests()), root / FILE, person_of(named), time.time()
        )
    collected.troubles += [(item.fact, item.why) for item in (*read.missing, *read.refused)]
    if store.set_aside is not None:
        old = store.set_aside
        collected.troubles.append((str(store.path), set_aside(old.records, str(old.file))))
    if (root / FILE).exists():
        collected.files += 1
        collected.bytes += (root / FILE).stat().st_size


def _target(out: Path | None) -> Path:
    """Return where the bundle goes. Raises UsageError for a place that is taken."""
    if out is None:
        return Path(f"truelimit-evidence-{datetime.now().astimezone():%Y%m%d-%H%M%S}.zip").absolute()
    if out.is_dir() and (out.suffix == ".zip" or any(out.iterdir())):
        raise evidence.UsageError(
            said("--out {out} is a folder with files in it; expected a new folder or a .zip", out=out)
        )
    if out.is_file():
        raise evidence.UsageError(said("--out {out} exists; expected a new name", out=out))
    return out.absolute()


def _as_json(collected: Collected, target: Path) -> str:
    value = {
        "schema": SCHEMA,
        "bundle": str(target),
        "files": collected.files,
        "bytes": collected.bytes,
        "kept": [{"what": what, "count": count} for what, count in collected.kept.items()],
        "left_out": [{"what": what, "count": count} for what, count in collected.left_out.items()],
        "troubles": [{"source": source, "why": why} for source, why in collected.troubles],
    }
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _as_text(collected: Collected, target: Path) -> Message:
    wrote = said(
        "Wrote {target}: {files}, {bytes:,} bytes before packing.",
        target=target,
        files=counted("{count} file", "{count} files", collected.files),
        bytes=collected.bytes,
    )
    left = said("Left out (WHAT-IS-LEFT-OUT.md in the bundle says it too):")
    work = said("requests of recorded work")
    others = [count for what, count in collected.kept.items() if count and what != work]
    elsewhere = said("On the other machine: truelimit doctor --home {target}", target=target.name)
    if not others:  # nothing that a doctor looks at
        elsewhere = said("On the other machine: truelimit fleet {target}", target=target.name)
    return joined(
        "\n",
        (
            wrote,
            "",
            said("In it:"),
            *_counts(collected.kept),
            "",
            left,
            *_counts(collected.left_out),
            "",
            elsewhere,
            "",
        ),
    )


def _counts(items: Mapping[str, int]) -> Iterator[Message]:
    """Yield a line for each kind of thing that there is; kinds are sentences of the catalogues."""
    for what, count in items.items():
        if count:
            yield said("  {count:>12}  {what}", count=figure(count), what=said(what))


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        "truelimit collect",
        description=said("Write a bundle of the evidence, without secrets and text, for truelimit doctor elsewhere."),
        epilog=said("Exit codes: 0 written, 2 nothing found or not written. Look into the bundle before you send it."),
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR|FILE.zip", help=said("a new folder or zip (./truelimit-evidence-TIME.zip)")
    )
    parser.add_argument(
        "--work",
        action="store_true",
        help=said("also the records of your work as Parquet, for truelimit fleet (no text)"),
    )
    parser.add_argument("--json", action="store_true", help=said("print the summary as JSON for scripts"))
    evidence.add_arguments(parser, keeps=False)
    return parser
