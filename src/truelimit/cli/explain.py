"""truelimit explain."""

from __future__ import annotations

from collections.abc import Sequence

from truelimit.cli import output
from truelimit.cli.parser import Parser


def run(argv: Sequence[str]) -> int:
    """Print the page of a rule, or the list of rules. Returns 2 for an unknown code."""
    parser = Parser("truelimit explain", description="The page of a rule, or the list of all rules.")
    parser.add_argument("code", nargs="?", help="a code such as CTX001, or a rule's name")
    args = parser.parse_args(argv)
    from truelimit.rules.registry import RULES, find

    if args.code is None:
        output.write("".join(f"{rule.code}  {rule.name}: {rule.summary}\n" for rule in RULES))
        return 0
    rule = find(args.code)
    if rule is None:
        return output.complain(f"there is no rule {args.code!r}; truelimit explain lists them all")
    output.write(f"{rule.code} {rule.name}\n\n{rule.page.strip()}\n")
    return 0
