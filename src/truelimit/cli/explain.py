"""truelimit explain."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from truelimit.cli import output
from truelimit.cli.parser import Parser
from truelimit.cli.speech import say
from truelimit.domain.message import said
from truelimit.rules.rule import Rule, paragraphs


def run(argv: Sequence[str]) -> int:
    """Print the page of a rule, or the list of rules. Returns 2 for an unknown code."""
    parser = Parser("truelimit explain", description=said("The page of a rule, or the list of all rules."))
    parser.add_argument("code", nargs="?", help=said("a code such as CTX001, or a rule's name"))
    args = parser.parse_args(argv)
    from truelimit.rules.registry import RULES, find

    tell = say().look_up
    if args.code is None:
        output.write("".join(f"{rule.code}  {rule.name}: {tell(rule.summary)}\n" for rule in RULES))
        return 0
    rule = find(args.code)
    if rule is None:
        return output.complain(said("there is no rule {code!r}; truelimit explain lists them all", code=args.code))
    output.write(f"{rule.code} {rule.name}\n\n{_page(rule, tell)}\n")
    return 0


def _page(rule: Rule, tell: Callable[[str], str]) -> str:
    """The page as it is written; in another language its paragraphs, told and broken anew."""
    if say().is_source:
        return rule.page.strip()
    from textwrap import fill

    return "\n\n".join(f"## {tell(text)}" if title else fill(tell(text), 110) for title, text in paragraphs(rule.page))
