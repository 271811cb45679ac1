"""truelimit undo."""

from __future__ import annotations

from collections.abc import Sequence

from truelimit.cli import output
from truelimit.cli.parser import Parser
from truelimit.domain.message import said


def run(argv: Sequence[str]) -> int:
    """Put back what a fix changed, to the byte. Returns 0, or 2 when it could not."""
    parser = Parser("truelimit undo", description=said("Put back what a fix changed, to the byte."))
    parser.add_argument(
        "receipt", nargs="?", default="last", help=said("a receipt's id or its beginning (default: the last)")
    )
    parser.add_argument("--force", action="store_true", help=said("even where somebody changed a file since"))
    parser.add_argument("--list", action="store_true", help=said("list the receipts"))
    args = parser.parse_args(argv)
    from truelimit.app.fix_ports import FixError
    from truelimit.app.undo import undo
    from truelimit.cli.fix_wiring import undo_ports

    ports = undo_ports()
    try:
        if args.list:
            lines = [f"{item.id}  {item.created}  {item.state}\n" for item in ports.receipts.all()]
            output.write("".join(lines) or said("there are no receipts\n"))
            return 0
        receipt = undo(args.receipt, ports, force=args.force)
    except FixError as error:
        return output.complain(str(error))
    output.write(
        said("{id} is undone: {steps} changes were put back, to the byte\n", id=receipt.id, steps=len(receipt.steps))
    )
    return 0
