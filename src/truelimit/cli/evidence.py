"""The options that say where to look, and the facts they lead to."""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from truelimit.app.examine import Given
from truelimit.app.ports import Places
from truelimit.cli.parser import bad_value
from truelimit.domain.frozen import dataclass
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.units import HOUR, Seconds, parse_go_duration

if TYPE_CHECKING:
    from datetime import datetime

    from truelimit.domain.agent import Timeout
    from truelimit.domain.machine import Machine
    from truelimit.domain.measurements import Measurement


@dataclass(frozen=True, slots=True)
class Since:
    """From when on incidents are judged, and why."""

    moment: datetime
    why: str


class UsageError(ValueError):
    """Options that cannot be used together or not read; the text says what was expected."""


def add_arguments(parser: argparse.ArgumentParser, *, keeps: bool = True) -> None:
    """Add the options of evidence. ``keeps``: whether the verb keeps what it read for the next run."""
    group = parser.add_argument_group(said("where to look (default: this machine)"))
    group.add_argument(
        "--home", type=Path, metavar="DIR", help=said("a home folder or a bundle: only this is examined")
    )
    group.add_argument("--ollama", metavar="URL", help=said("an Ollama server"))
    group.add_argument("--server", action="append", default=[], metavar="URL", help=said("a llama-server (repeatable)"))
    group.add_argument(
        "--log", action="append", default=[], type=Path, metavar="FILE", help=said("a server's or agent's log")
    )
    group.add_argument(
        "--session", action="append", default=[], type=Path, metavar="FILE", help=said("a transcript or store")
    )
    group.add_argument("--model-file", action="append", default=[], type=Path, metavar="FILE", help=said("a GGUF file"))
    group.add_argument("--machine", metavar="NAME", help=said("a machine of the table, your TOML of one, or this"))
    group.add_argument(
        "--proxy", action="append", default=[], metavar="NAME=SECONDS", help=said("a proxy's timeout on the path")
    )
    group.add_argument(
        "--since",
        metavar="TIME",
        help=said("only incidents and requests from then on (ISO 8601; incidents by default: from the last fix on)"),
    )
    group.add_argument(
        "--all", action="store_true", dest="all_incidents", help=said("also what was before the last fix")
    )
    if keeps:
        group.add_argument("--no-cache", action="store_true", help=said("read large files whole, keep nothing of them"))
    bound = said("bound on all network work together (5)")
    group.add_argument("--network-seconds", type=_seconds, default=5.0, metavar="S", help=bound)


def _seconds(text: str) -> float:
    """Return a bound in seconds. Raises ArgumentTypeError for anything but more than 0 to a day."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 24 * HOUR:
        raise bad_value(said("{text!r} is no time in seconds; expected more than 0, at most a day", text=text[:40]))
    return value


def places(args: argparse.Namespace) -> Places:
    """Return where to look. Raises UsageError when a named path does not exist."""
    for path in [*([args.home] if args.home else []), *args.log, *args.session, *args.model_file]:
        if not path.exists():
            raise UsageError(
                said(
                    "{path} does not exist; expected {text}",
                    path=path,
                    text="a folder" if path is args.home else "a file",
                )
            )
    if args.home and not args.home.is_dir():
        raise UsageError(
            said(
                "--home {home} is a file; expected a home folder, or a bundle that collect wrote (.zip)", home=args.home
            )
        )
    named = bool(args.home)
    return Places(
        home=(args.home or Path.home()).absolute(),
        isolated=named,
        environment={} if named else dict(os.environ),
        ollama=args.ollama,
        servers=tuple(args.server),
        logs=tuple(args.log),
        sessions=tuple(args.session),
        model_files=tuple(args.model_file),
    )


@contextmanager
def at(args: argparse.Namespace) -> Iterator[tuple[Places, Given]]:
    """Yield where to look and what is added; a zipped bundle is unpacked for that time.

    Raises UsageError for options that cannot be used, or a bundle that cannot be unpacked.
    """
    if not (args.home and args.home.is_file() and args.home.suffix == ".zip"):
        with _cache(args):
            yield places(args), given(args)
        return
    from truelimit.adapters.bundle.unpack import BundleError, unpacked

    archive = args.home
    try:
        with unpacked(archive) as folder:
            args.home = folder
            yield places(args), given(args)
    except BundleError as error:
        raise UsageError(str(error)) from error
    finally:
        args.home = archive


def _cache(args: argparse.Namespace) -> AbstractContextManager[None]:
    """Let readers keep what they find in large files, for as long as the evidence is looked at; not of a bundle.

    A zipped bundle is unpacked to another place each time: nothing kept of it would be found again.
    """
    from truelimit.adapters.store.data_dir import data_dir
    from truelimit.adapters.store.evidence_cache import EvidenceCache, using

    return using(None if args.no_cache else EvidenceCache(data_dir() / "evidence"))


def given(args: argparse.Namespace) -> Given:
    """Return what options and tables add. Raises UsageError for an unknown machine or a proxy without a time."""
    from truelimit.tables.published import published_rates

    return Given(
        machine=_machine(args.machine),
        proxies=tuple(_proxy(text) for text in args.proxy),
        published=published_rates(),
        live=not args.home or bool(args.ollama or args.server),
        measurements=() if args.home else measurements(),
    )


def measurements() -> tuple[Measurement, ...]:
    """Return the runs of benchmarks that were kept on this machine: they say nothing of another's home."""
    from truelimit.adapters.store.data_dir import MEASUREMENTS, data_dir

    if not (data_dir() / MEASUREMENTS).is_file():
        return ()
    from truelimit.adapters.store.measurements import measurements

    return measurements()


def _machine(name: str | None) -> Machine | None:
    if name is None:
        return None
    from truelimit.cli.machines import named_machine
    from truelimit.tables.fields import TableError

    try:
        return named_machine(name)
    except TableError as error:
        raise UsageError(str(error)) from error


def _proxy(text: str) -> Timeout:
    from truelimit.domain.agent import Timeout
    from truelimit.domain.limits import SetBy

    name, equals, length = text.partition("=")
    try:
        seconds = parse_go_duration(length)
    except ValueError:
        seconds = Seconds(0.0)
    if not equals or not name or not 0 < seconds < math.inf:
        raise UsageError(said("--proxy {text!r}: expected NAME=SECONDS, such as nginx=60", text=text))
    known = Known(seconds, f"--proxy {text}", Basis.REPORTED)
    return Timeout(
        said("proxy {name}", name=name),
        known,
        SetBy.PROXY,
        "headers",
        remedy=said("raise the read timeout of {name}", name=name),
    )


def since(args: argparse.Namespace, config_files: tuple[str, ...]) -> Since | None:
    """Return from when on incidents count: --since, else the last applied fix of one of these files, else None.

    Raises UsageError for a time that cannot be read.
    """
    if args.since is not None:
        return Since(since_moment(args.since), "--since")
    return None if args.all_incidents else _last_fix(config_files)


def since_moment(text: str) -> datetime:
    """Return the time that --since names. Raises UsageError."""
    from truelimit.cli.moments import moment_of

    try:
        return moment_of(text)
    except ValueError as error:
        raise UsageError(said("--since: {why}", why=error.args[0])) from error


def _last_fix(config_files: tuple[str, ...]) -> Since | None:
    from datetime import UTC, datetime

    from truelimit.adapters.store.data_dir import RECEIPTS, data_dir

    if not (data_dir() / RECEIPTS).is_dir():
        return None
    from truelimit.adapters.store.receipts import ReceiptFolder
    from truelimit.app.fix_ports import FixError
    from truelimit.app.fix_receipt import FileStep, ReceiptState

    try:
        receipts = ReceiptFolder(data_dir()).all()
    except (FixError, OSError):
        return None
    for receipt in reversed(receipts):
        files = {step.before.file for step in receipt.steps if isinstance(step, FileStep)}
        if receipt.state in {ReceiptState.APPLIED, ReceiptState.PROVEN} and files & set(config_files):
            moment = datetime.fromisoformat(receipt.created)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return Since(moment, said("the fix {id} changed the limits (--all judges them)", id=receipt.id))
    return None
