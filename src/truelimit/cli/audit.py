"""truelimit audit."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from truelimit.cli import output
from truelimit.cli.parser import Parser
from truelimit.domain.claims import Audited, StatedClaim, Verdict
from truelimit.domain.message import said

_WRONG = {Verdict.IMPOSSIBLE, Verdict.CONTRADICTED, Verdict.OUTDATED, Verdict.UNDERSTATED}


def run(argv: Sequence[str]) -> int:
    """Print the verdicts on claims. Returns 0 when none of those shown is wrong, 1 when one is, 2 on error."""
    args = _parser().parse_args(argv)
    from truelimit.tables.fields import TableError

    try:
        stated = _stated(args)
        found = [item for item in _audited(stated) if not args.only or item.verdict.value in args.only]
    except TableError as error:
        return output.complain(str(error))
    _show(args, found, len(stated))
    return 1 if any(item.verdict in _WRONG for item in found) else 0


def _stated(args: argparse.Namespace) -> list[StatedClaim]:
    """The claims that the arguments give; the shipped ones where they give none. Raises TableError for a bad file."""
    from truelimit.tables.claims import claims_file, shipped_claims

    own = [StatedClaim(text) for text in (*args.text, *args.claim)]
    own += [item for path in args.file for item in claims_file(path)]
    return own or list(shipped_claims())


def _audited(stated: Sequence[StatedClaim]) -> list[Audited]:
    from truelimit.app.audit import audit, mentions
    from truelimit.app.cloud import CloudTable
    from truelimit.cli.cloud import table
    from truelimit.cli.cloud import today as on_today
    from truelimit.tables.cloud import overlay
    from truelimit.tables.shelf import Shelf

    today, models = on_today(), overlay()
    clouds = table(today) if mentions(stated, models) else CloudTable(models)
    return list(audit(stated, Shelf(), clouds, today))


def _show(args: argparse.Namespace, found: Sequence[Audited], asked: int) -> None:
    from truelimit.report import audit_document

    if args.csv:
        output.write(audit_document.as_csv(found))
        return
    output.show(args, lambda: audit_document.blocks(found, asked), lambda: audit_document.as_json(found))


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        "truelimit audit",
        description=said(
            "Judges claims about speed, memory, price and limits: against what physics allows at the most "
            "generous reading, then against published runs and dated tables. Without a claim, those that are shipped."
        ),
        epilog=said("Exit codes: 0 nothing wrong is claimed; 1 something is; 2 error."),
    )
    parser.add_argument("text", nargs="*", metavar="CLAIM", help=said("a claim in words, like --claim"))
    parser.add_argument(
        "--claim", action="append", default=[], metavar="TEXT",
        help=said('a claim in words: "70B Q4 at 40 tok/s on dgx-spark"; may be repeated'),
    )  # fmt: skip
    parser.add_argument(
        "--file", action="append", default=[], type=Path, metavar="FILE",
        help=said("a file of claims: TOML with [[claims]] text = ..., or one a line; may be repeated"),
    )  # fmt: skip
    parser.add_argument(
        "--only", action="append", default=[], choices=[item.value for item in Verdict], metavar="VERDICT",
        help=said("show only this verdict ({join}); may be repeated", join=', '.join(item.value for item in Verdict)),
    )  # fmt: skip
    output.add_arguments(parser)
    parser.add_argument("--csv", action="store_true", help=said("print a table for a spreadsheet"))
    return parser
