"""truelimit report."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from truelimit.cli import evidence, output
from truelimit.cli.parser import Parser
from truelimit.domain.message import said

if TYPE_CHECKING:
    from truelimit.app.examine import Given
    from truelimit.app.ports import Places
    from truelimit.app.report import Report
    from truelimit.domain.workload import WorkRequest
    from truelimit.report.language import Language
    from truelimit.report.plots.figure import Figure
    from truelimit.workload.verdict import WorkVerdict


def run(argv: Sequence[str]) -> int:
    """Write the report. Returns 0 without findings, 1 with, 2 when nothing could be examined or written."""
    parser = _parser()
    args = parser.parse_args(argv)
    if args.html is None and args.svg is None and args.png is None:
        parser.error(said("expected at least one of --html FILE, --svg DIR, --png DIR"))
    from truelimit.report.language import LanguageError
    from truelimit.report.plots.png import PictureError

    try:
        with evidence.at(args) as (places, given):
            return _report(args, places, given)
    except (evidence.UsageError, LanguageError, PictureError) as error:
        return output.complain(str(error))
    except OSError as error:
        return output.complain(
            said("{filename}: cannot be written: {strerror}", filename=error.filename, strerror=error.strerror)
        )


def _report(args: argparse.Namespace, places: Places, given: Given) -> int:
    from truelimit.app.report import report
    from truelimit.cli.speech import say, tell
    from truelimit.cli.verdict import other_agents
    from truelimit.cli.wiring import gather_since

    speaks = say()
    work, no_work, requests = _work(args, places, given)
    found = report(gather_since(args, places, given), work, no_work, requests, other_agents(places))
    diagnosis = found.diagnosis
    for path in _written(args, speaks, found):
        print(tell(said("written: {path}", path=path)), file=sys.stderr)
    if not diagnosis.ladders and not diagnosis.incidents:
        return 2
    return 1 if diagnosis.findings or diagnosis.incidents else 0


def _work(
    args: argparse.Namespace, places: Places, given: Given
) -> tuple[WorkVerdict | None, str, Sequence[WorkRequest]]:
    """The verdict on hardware with what truelimit verdict takes by itself, or the reason for none; and its requests."""
    from truelimit.app.work_verdict import NoWorkError, work_verdict
    from truelimit.cli import verdict

    options = verdict.parser().parse_args([])
    vars(options).update(vars(args))
    requests: Sequence[WorkRequest] = ()
    try:
        asked = verdict.asked(options, places, given)
        requests = asked.requests
        return work_verdict(asked), "", requests
    except NoWorkError as error:
        return None, str(error), requests
    except (ValueError, ImportError, OSError) as error:  # the diagnosis is told all the same
        if args.among or args.machine_options or args.cloud or args.store:
            raise evidence.UsageError(str(error)) from error  # what a person named is not passed over
        return None, str(error), requests


def _written(args: argparse.Namespace, say: Language, found: Report) -> list[Path]:
    """Write what was asked for, all made before any is written, and return the paths."""
    from truelimit.report.html.page import drawings, page
    from truelimit.report.plots.png import png

    shown: tuple[Figure, ...] = drawings(say, found) if args.svg or args.png else ()
    todo: dict[Path, bytes] = {}
    if args.html:
        todo[args.html] = page(say, found, args.created).encode("utf-8")
    todo |= {args.svg / f"{item.name}.svg": item.file().encode("utf-8") for item in shown if args.svg}
    todo |= {args.png / f"{item.name}.png": png(item) for item in shown if args.png}
    for path, data in todo.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return list(todo)


def _parser() -> argparse.ArgumentParser:
    from truelimit.cli import verdict

    parser = Parser(
        "truelimit report",
        description=said("Write the diagnosis as one HTML file with plots; it fetches nothing and needs no script."),
        epilog=said("Exit codes: 0 nothing to say, 1 findings, 2 nothing could be examined or written."),
    )
    group = parser.add_argument_group(said("what to write"))
    group.add_argument("--html", type=Path, metavar="FILE", help=said("the report as one HTML file"))
    group.add_argument("--svg", type=Path, metavar="DIR", help=said("each plot as an SVG file in this folder"))
    group.add_argument(
        "--png", type=Path, metavar="DIR", help=said("each plot as a PNG file in this folder (needs resvg-py)")
    )
    group.add_argument("--store", type=Path, metavar="FILE", help=said("a store that truelimit workload wrote"))
    group.add_argument("--model", metavar="NAME", help=said("the model whose work is replayed (the one most used)"))
    verdict.add_options(group)
    group.add_argument("--created", default="", metavar="TEXT", help=said("a date or a name to print below the title"))
    evidence.add_arguments(parser)
    return parser
