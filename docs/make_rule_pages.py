"""Writes docs/rules/: one page a rule from its docstring and its first firing case. ``--check`` only compares."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

from truelimit.rules.registry import RULES
from truelimit.rules.rule import Rule

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "rules"


def page(rule: Rule) -> str:
    """Return the page of a rule."""
    summary, _, rest = rule.page.strip().partition("\n")
    return f"# {rule.code} {rule.name}\n\n{summary}\n{rest}\n\n{_example(rule)}"


def _example(rule: Rule) -> str:
    file = ROOT / "tests" / "cases" / f"{rule.code}.toml"
    cases = tomllib.loads(file.read_text(encoding="utf-8"))["case"] if file.exists() else []
    firing = next((case for case in cases if case["expect"] == "fires"), None)
    if firing is None:
        return ""
    facts = "\n".join(f"- {key}: {value}" for key, value in firing["facts"].items())
    return f"## Example\n\n{firing['title']}:\n\n{facts}\n\n> {firing['message']}\n"


def index() -> str:
    """Return the page that lists all rules."""
    rows = "\n".join(f"| [{rule.code}]({rule.code}.md) | {rule.name} | {rule.summary} |" for rule in RULES)
    return f"# Rules\n\n| code | name | what it finds |\n|---|---|---|\n{rows}\n"


def main() -> int:
    """Write the pages, or return 1 if one differs and ``--check`` was given."""
    wanted = {PAGES / f"{rule.code}.md": page(rule) for rule in RULES} | {PAGES / "index.md": index()}
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is not what its rule says: run make pages")
        return 1 if stale else 0
    for path in stale:
        path.write_text(wanted[path], encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
