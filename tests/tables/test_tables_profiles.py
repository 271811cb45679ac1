"""The shipped profiles load, name models and machines that there are, and a wrong key is named."""

from __future__ import annotations

import pytest

from truelimit.tables.fields import TableError
from truelimit.tables.machines import machine
from truelimit.tables.models import model
from truelimit.tables.profiles import profile, profile_from_text, profile_names

JOB = '[[jobs]]\nmodel = "qwen3-8b"\ncontext = 8192\n'


@pytest.mark.parametrize("name", profile_names())
def test_every_profile_names_what_there_is(name: str) -> None:
    found = profile(name)
    assert all(model(job.model) is not None for job in found.jobs)
    assert found.today is None or machine(found.today) is not None


def test_the_four_buyers_of_the_story_are_there() -> None:
    assert {"apple-daily", "most-memory", "cuda-sidecar", "405b-today"} <= set(profile_names())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name = 'x'\n", r"jobs is missing"),
        (f"name = 'x'\nbudget = 5\n{JOB}", "unknown key budget"),
        (f"name = 'x'\nbudget_usd = -5\n{JOB}", "budget_usd is -5"),
        (f"name = 'x'\nmost = 'speed'\n{JOB}", "most is 'speed'.*price, memory, decode, prefill"),
        (f"name = 'x'\nquiet = 'yes'\n{JOB}", "quiet is 'yes'; expected true or false"),
        (f"name = 'x'\nbackends = 'cuda'\n{JOB}", "backends is 'cuda'; expected a list of texts"),
        ("name = 'x'\n[[jobs]]\nmodel = 'a'\ncontext = 1.5\n", "context is 1.5; expected a whole number"),
        ("name = ", "not TOML"),
    ],
)
def test_what_cannot_be_used_is_named(text: str, told: str) -> None:
    with pytest.raises(TableError, match=f"mine.toml: .*{told}"):
        profile_from_text(text, "mine.toml")


def test_an_unknown_profile_offers_those_there_are() -> None:
    with pytest.raises(TableError, match="apple-daily"):
        profile("nobody")
