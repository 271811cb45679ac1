"""The laws of the house that no linter knows."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from truelimit.rules.registry import RULES

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src" / "truelimit").rglob("*.py"))
FORBIDDEN_ROOMS = {"utils", "common", "helpers", "core", "manager"}


def _functions() -> list[tuple[str, int]]:
    found = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found.append((f"{path.relative_to(ROOT)}:{node.name}", (node.end_lineno or 0) - node.lineno + 1))
    return found


def test_files_are_small() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert {name: length for name, length in lengths.items() if length > 300} == {}


def test_functions_are_small() -> None:
    lengths = sorted(length for _, length in _functions())
    assert lengths[int(len(lengths) * 0.9)] <= 35
    assert [item for item in _functions() if item[1] > 60] == []


def test_no_room_has_a_name_that_says_nothing() -> None:
    assert [path for path in SOURCES if FORBIDDEN_ROOMS & set(path.with_suffix("").parts)] == []


def test_only_units_knows_the_numbers_of_units() -> None:
    """2**30, 10**9 and 3600 stand in units.py alone."""
    offenders = []
    for path in SOURCES:
        if path.name == "units.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and node.value in {1024**3, 10**9, 3600, 1e9} and node.value is not True:
                offenders.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert offenders == []


def test_codes_are_unique_and_well_formed() -> None:
    codes = [rule.code for rule in RULES]
    assert len(set(codes)) == len(codes)
    assert all(code[:3] in {"CTX", "TIM", "MEM", "CFG", "SRV", "CLM"} and code[3:].isdigit() for code in codes)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_every_rule_has_its_page(rule) -> None:  # type: ignore[no-untyped-def]
    for title in ("## What it does", "## Why it matters", "## Fix safety", "## Sources"):
        assert title in rule.page
    page = ROOT / "docs" / "rules" / f"{rule.code}.md"
    assert page.exists(), "run: python -m docs.rules (make pages)"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_every_rule_has_cases(rule) -> None:  # type: ignore[no-untyped-def]
    assert (ROOT / "tests" / "cases" / f"{rule.code}.toml").exists()


def test_help_and_version_import_nothing_heavy() -> None:
    heavy = ("httpx", "numpy", "rich", "json5", "psutil", "sqlite3", "argparse")
    code = (
        "import sys; from truelimit.cli.main import main; main(['--version']); main(['--help']);"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")
