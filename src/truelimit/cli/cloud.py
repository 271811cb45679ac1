"""truelimit cloud."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import date

from truelimit.app.cloud import CloudTable, CloudView
from truelimit.cli import output
from truelimit.cli.parser import Parser, bad_value
from truelimit.cli.tokens import tokens
from truelimit.domain.calculation import Calculation
from truelimit.domain.cloud import CloudModel
from truelimit.domain.message import said


def run(argv: Sequence[str]) -> int:
    """Print providers' models, or one of them. Returns 0, or 2 for an unknown model or a cost that is not known."""
    args = _parser().parse_args(argv)
    from truelimit.app.cloud import UnknownModelError
    from truelimit.perf.cloud_cost import UnknownPriceError
    from truelimit.tables.fields import TableError

    day = args.on or today()
    try:
        if args.what == "show":
            return _show(args, day)
        return _list(args, day)
    except (TableError, UnknownModelError, UnknownPriceError, ValueError) as error:
        return output.complain(str(error))


def today() -> date:
    """Return the day of the clock, in UTC."""
    from datetime import UTC, datetime

    return datetime.now(UTC).date()


def table(day: date) -> CloudTable:
    """Return the table of providers' models: overlay and prices of the installed package. Raises TableError."""
    from truelimit.adapters.prices.read import read_prices
    from truelimit.app.cloud import joined
    from truelimit.tables.cloud import overlay

    packaged = read_prices(day)
    return joined(overlay(), packaged.models, packaged.missing)


def _list(args: argparse.Namespace, day: date) -> int:
    from truelimit.report import cloud_document, cloud_json

    found = table(day)
    models = [*found.chosen, *(found.others if args.all else ())]
    if args.context:
        models = [item for item in models if item.context is not None and item.context.value >= args.context]
    costs = [_cost(args, item, day) for item in models] if _asks_cost(args) else []
    output.show(
        args,
        lambda: cloud_document.listed(models, day, found.missing, costs),
        lambda: cloud_json.list_json(models, day, found.missing, costs),
    )
    return 0


def _asks_cost(args: argparse.Namespace) -> bool:
    return args.input is not None or args.output is not None or args.cached is not None


def _cost(args: argparse.Namespace, model: CloudModel, day: date) -> Calculation | None:
    """The cost of the request in a list; None where the price of the model is not known. Raises ValueError."""
    from truelimit.perf.cloud_cost import UnknownPriceError, cost

    try:
        return cost(model, args.input or 0, args.cached or 0, args.output or 0, day)
    except UnknownPriceError:
        return None


def _show(args: argparse.Namespace, day: date) -> int:
    from truelimit.app.cloud import find
    from truelimit.perf.cloud_cost import cost
    from truelimit.report import cloud_document, cloud_json

    if not args.model:
        return output.complain(
            said("which model? truelimit cloud show MODEL; truelimit cloud list shows what is known")
        )
    found = table(day)
    model = find(found, args.model)
    spent = cost(model, args.input or 0, args.cached or 0, args.output or 0, day) if _asks_cost(args) else None
    view = CloudView(model, day, spent)
    output.show(args, lambda: cloud_document.shown(view, found.missing), lambda: cloud_json.show_json(view))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        "truelimit cloud",
        description=said(
            "What providers' models offer: windows, prices, free tiers, and when they end. Nothing is fetched: "
            "prices are those of the installed package genai-prices, the rest is a table with a date for each entry."
        ),
    )
    parser.add_argument(
        "what", nargs="?", choices=("list", "show"), default="list", help=said("list (default) or show")
    )
    parser.add_argument("model", nargs="?", metavar="MODEL", help=said("id, name or alias of a model"))
    parser.add_argument("--all", action="store_true", help=said("list every model that genai-prices knows, too"))
    parser.add_argument(
        "--context",
        type=_tokens,
        metavar="N",
        help=said("list only windows of N tokens or more (128k: 128,000, as providers count)"),
    )
    parser.add_argument(
        "--input", type=_tokens, metavar="N", help=said("show the cost of a request with N prompt tokens")
    )
    parser.add_argument(
        "--cached", type=_tokens, metavar="N", help=said("of which N are read from the provider's cache")
    )
    parser.add_argument("--output", type=_tokens, metavar="N", help=said("and N tokens written"))
    parser.add_argument("--on", type=_day, metavar="DAY", help=said("as of a day, such as 2026-12-01 (default: today)"))
    output.add_arguments(parser)
    return parser


def _tokens(text: str) -> int:
    found = 0 if text.strip() == "0" else tokens(text, k=1000)
    if found is None:
        raise bad_value(said("{text!r} is no number of tokens", text=text[:40]))
    return int(found)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise bad_value(said("{text!r} is no day; expected a form such as 2026-12-01", text=text[:40])) from None
