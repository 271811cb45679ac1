"""explain: the list of rules, the page of one, and what is no rule."""

from __future__ import annotations

import pytest

from support.damage import run
from truelimit.rules.registry import RULES


def test_all_rules_are_listed() -> None:
    code, out, err = run("explain")
    assert (code, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()] == [rule.code for rule in RULES]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_each_rule_has_its_page(rule) -> None:  # type: ignore[no-untyped-def]
    for name in (rule.code, rule.code.lower(), rule.name):
        code, out, err = run("explain", name)
        assert (code, err) == (0, "")
        assert rule.summary in out
    for part in ("What it does", "Why it matters", "Fix safety", "Sources"):
        assert part in out


@pytest.mark.parametrize("name", ["CTX999", "", "../CTX001", "ctx"])
def test_what_is_no_rule_is_one_line(name: str) -> None:
    code, out, err = run("explain", name)
    assert (code, out) == (2, "")
    assert "there is no rule" in err
    assert err.count("\n") == 1
