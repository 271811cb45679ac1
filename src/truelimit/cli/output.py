"""Where and how a result is printed: JSON, Markdown or text of the terminal's width and colours."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from truelimit.cli.parser import bad_value
from truelimit.cli.speech import say, tell
from truelimit.cli.terminal import terminal_columns
from truelimit.domain.message import said

if TYPE_CHECKING:
    from truelimit.report.blocks import Block


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of output."""
    group = parser.add_argument_group(said("output"))
    form = group.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help=said("print JSON for scripts (stable keys)"))
    form.add_argument("--markdown", action="store_true", help=said("print Markdown"))
    group.add_argument("--no-color", "--no-colour", action="store_true", dest="no_colour", help=said("no colours"))
    group.add_argument(
        "--width", type=_columns, metavar="N", help=said("columns, 40 or more (default: the terminal's)")
    )


def _columns(text: str) -> int:
    """Return a width in columns. Raises ArgumentTypeError for what is no number from 40 to 1,000."""
    if not (text.isascii() and text.isdigit() and len(text) < 5 and 40 <= int(text) <= 1000):
        raise bad_value(said("{text!r} is no width; expected 40 to 1000 columns", text=text[:40]))
    return int(text)


def show(args: argparse.Namespace, blocks: Callable[[], Sequence[Block]], as_json: Callable[[], str]) -> None:
    """Print a result in the form that the arguments ask for."""
    if args.json:
        write(as_json())
    elif args.markdown:
        from truelimit.report.as_markdown import render

        write(render(blocks(), say()))
    else:
        from truelimit.report.as_text import render as render_text

        write(render_text(blocks(), columns(args), colour(args), say()))


def write(text: str) -> None:
    """Write to standard output, told; signs that the terminal's encoding lacks are replaced, never fatal."""
    text = tell(text)
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
    sys.stdout.flush()


def columns(args: argparse.Namespace) -> int:
    """Return the width to print at."""
    if args.width:
        return int(args.width)
    return terminal_columns(100)


def colour(args: argparse.Namespace) -> bool:
    """Return whether to use colours: never with --no-color, NO_COLOR or outside a terminal."""
    import os

    if args.no_colour or os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or sys.stdout.isatty()


def complain(what: str) -> int:
    """Print an error for the user and return exit code 2."""
    print(f"truelimit: {tell(what)}", file=sys.stderr)
    return 2
