"""The shipped calibration, and refusal of one that cannot be used."""

from __future__ import annotations

import pytest

from truelimit.perf.rates.costs import group_of
from truelimit.tables.calibration import calibration, parse
from truelimit.tables.fields import TableError

SMALL = """
source = "a fit"
date = "2026-01-01"
[rows]
decode = 1
[devices]
decode = 1
[decode]
quantile = 1.6
noise = {{ all = 0.1 }}
priors = {{ "a/b" = [0.0, 0.1] }}
effects = {{ {effects} }}
[prefill]
quantile = 1.6
"""


def test_the_shipped_calibration_is_read_once_and_says_its_origin() -> None:
    found = calibration()
    assert found is calibration()
    assert found.rows["decode"] > 1000
    assert found.devices["decode"] > 50
    assert "benchmarks/data/README.md" in found.source


def test_every_shipped_effect_has_a_prior_for_levels_never_seen() -> None:
    for model in (calibration().decode, calibration().prefill):
        assert {group_of(name) for name in model.effects} <= set(model.priors)
        assert all(0 < value.spread <= 2 for value in model.priors.values())
        assert all(abs(value.value) < 8 for value in model.effects.values())
        assert not any(name.startswith("nuisance") for name in model.effects)


def test_a_small_calibration_is_read() -> None:
    found = parse(SMALL.format(effects='"a/b/c" = [0.5, 0.1]'), "own.toml")
    assert found.decode.effects["a/b/c"].value == 0.5
    assert found.prefill.effects == {}


@pytest.mark.parametrize(
    "value", ["[0.5]", "0.5", '["x", 0.1]', "[inf, 0.1]", "[0.5, -0.1]", "[nan, 0.1]", "[true, [1]]"]
)
def test_an_effect_that_is_none_is_refused_by_name(value: str) -> None:
    with pytest.raises(TableError, match=r"a/b/c is .*expected two numbers"):
        parse(SMALL.format(effects=f'"a/b/c" = {value}'), "own.toml")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('source = "a fit"', "", "source"),
        ("quantile = 1.6", "quantile = -1", "quantile is -1"),
        ("quantile = 1.6", "sharpness = 1", "unknown key sharpness"),
        ("decode = 1", "decode = -1", "expected a count"),
        ("[prefill]", "[prefil]", "unknown key prefil"),
        ("noise = {{ all = 0.1 }}", "noise = 3", "expected a table"),
    ],
)
def test_damage_is_refused_by_key(old: str, new: str, said: str) -> None:
    with pytest.raises(TableError, match=said):
        parse(SMALL.replace(old, new, 1).format(effects=""), "own.toml")


def test_what_is_no_toml_is_refused() -> None:
    with pytest.raises(TableError, match="not TOML"):
        parse("= =", "own.toml")
