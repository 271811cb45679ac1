"""truelimit doctor."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from truelimit.cli import evidence, output
from truelimit.cli.parser import Parser
from truelimit.domain.message import said

if TYPE_CHECKING:
    from truelimit.app.examine import Given
    from truelimit.app.ports import Places


def run(argv: Sequence[str]) -> int:
    """Diagnose and print. Returns 0 without findings, 1 with, 2 when nothing could be examined."""
    args = _parser().parse_args(argv)
    try:
        with evidence.at(args) as (places, given):
            return _doctor(args, places, given)
    except evidence.UsageError as error:
        return output.complain(str(error))


def _doctor(args: argparse.Namespace, places: Places, given: Given) -> int:
    from truelimit.app.doctor import diagnose
    from truelimit.cli.wiring import gather_since
    from truelimit.report import as_json, document

    diagnosis = diagnose(gather_since(args, places, given))
    output.show(args, lambda: document.doctor(diagnosis), lambda: as_json.doctor(diagnosis))
    if not diagnosis.ladders and not diagnosis.incidents:
        return 2
    return 1 if diagnosis.findings or diagnosis.incidents else 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        "truelimit doctor",
        description=said(
            "Find the limits that bind (context, time, memory), explain every incident with its arithmetic."
        ),
        epilog=said("Exit codes: 0 nothing to say, 1 findings, 2 nothing could be examined."),
    )
    evidence.add_arguments(parser)
    output.add_arguments(parser)
    return parser
