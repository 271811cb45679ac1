"""truelimit cloud: list, show, cost, day, bad input."""

from __future__ import annotations

import json

import pytest

from truelimit.cli.cloud import run

pytest.importorskip("genai_prices")
DAY = ("--on", "2026-11-25")


def test_the_list_has_windows_prices_and_ends(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["list", *DAY, "--width", "200"]) == 0
    text = capsys.readouterr().out
    assert "gemini-2.5-pro" in text
    assert "ends 2026-12-01" in text
    assert "shut down 2026-07-31" in text


def test_the_json_has_every_field(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--json", *DAY]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["schema"] == "truelimit.cloud/1"
    gemini = next(item for item in found["models"] if item["id"] == "gemini-2.5-pro")
    assert gemini["context"] == 1_048_576
    assert gemini["prices"][1] == {"above": 200_000, "input": 2.5, "cached_input": 0.25, "output": 15.0}
    assert gemini["shutdown"]["date"] == "2026-12-01"
    assert gemini["stale"] is False
    assert gemini["as_of"] <= "2026-11-25"


def test_a_list_may_be_of_large_windows_only(capsys: pytest.CaptureFixture[str]) -> None:
    run(["list", "--context", "1,000,000", "--json", *DAY])
    models = json.loads(capsys.readouterr().out)["models"]
    assert models
    assert all(item["context"] >= 1_000_000 for item in models)


def test_all_lists_what_the_package_knows(capsys: pytest.CaptureFixture[str]) -> None:
    run(["list", "--all", "--json", *DAY])
    assert len(json.loads(capsys.readouterr().out)["models"]) > 1000


def test_a_request_is_priced_with_its_arithmetic(capsys: pytest.CaptureFixture[str]) -> None:
    asked = [
        "show",
        "mistral-medium-3-5",
        "--input",
        "146760",
        "--cached",
        "140000",
        "--output",
        "2000",
        "--json",
        *DAY,
    ]
    assert run(asked) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["cost"]["result"] == pytest.approx(0.04614)
    assert run([*asked[:-3], *DAY]) == 0
    assert "costs $0.0461" in capsys.readouterr().out


def test_a_list_prices_the_request_that_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["list", "--input", "300000", "--output", "1000"]) == 0
    assert "cost of the request" in capsys.readouterr().out
    assert run(["list", "--input", "300000", "--output", "1000", "--json"]) == 0
    found = {item["id"]: item["cost"] for item in json.loads(capsys.readouterr().out)["models"]}
    run(["show", "claude-sonnet-5-5", "--input", "300000", "--output", "1000", "--json"])
    assert found["claude-sonnet-5-5"] == json.loads(capsys.readouterr().out)["cost"]
    run(["list", "--json"])
    assert "cost" not in json.loads(capsys.readouterr().out)["models"][0]


def test_a_list_says_when_its_prices_were_looked_up(capsys: pytest.CaptureFixture[str]) -> None:
    run(["list", "--on", "2027-06-01"])
    told = " ".join(capsys.readouterr().out.split())
    assert "as of 2027-06-01; entries and prices were looked up from 2026-" in told
    run(["list", "--on", "2027-06-01", "--context", "900M"])
    assert "no model of a provider is so" in capsys.readouterr().out


def test_the_day_decides_which_prices_hold(capsys: pytest.CaptureFixture[str]) -> None:
    run(["show", "gemini-3.8-flash", "--json", "--on", "2027-01-01"])
    assert json.loads(capsys.readouterr().out)["models"][0]["prices"][0]["input"] == 1.5


def test_an_old_entry_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    run(["show", "devstral", "--on", "2027-06-01"])
    text = capsys.readouterr().out
    assert "stale: checked" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show"], "which model?"),
        (["show", "gemini-2.5-por"], "nearest: gemini-2.5-pro"),
        (["show", "gemini-2.5-pro", "--input", "5", "--cached", "9"], "tokens must be"),
    ],
)
def test_bad_input_is_an_error_with_a_way_out(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*arguments, *DAY]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--on", "soon"], ["--context", "-5"], ["--context", "1e9"]])
def test_a_bad_option_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        run(arguments)
    assert stopped.value.code == 2
    assert arguments[1] in capsys.readouterr().err


def test_the_list_has_rate_limits(capsys: pytest.CaptureFixture[str]) -> None:
    run(["list", *DAY, "--width", "200"])
    lines = capsys.readouterr().out.splitlines()
    assert any("rate limit" in line and "state" in line for line in lines)
    assert "500,000 tokens a minute" in next(line for line in lines if line.startswith("gpt-5.6-luna"))
    free = next(line for line in lines if line.startswith("mistral-small-2603"))
    assert "free: 50,000 tokens a minute, 60 requests a minute" in free
    assert "not known" in next(line for line in lines if line.startswith("kimi-k3"))


def test_one_model_tells_its_limit_with_tier_and_source(capsys: pytest.CaptureFixture[str]) -> None:
    run(["show", "gpt-5.6-luna", *DAY, "--width", "300"])
    assert "limit: 500,000 tokens a minute, tier 1, the lowest that pays [reported: " in capsys.readouterr().out
    run(["show", "gpt-5.6-luna", *DAY, "--json"])
    assert json.loads(capsys.readouterr().out)["models"][0]["limit"]["tokens_per_minute"] == 500_000


@pytest.mark.parametrize(
    ("day", "first", "then"),
    [
        ("2026-11-25", "- price from 2026-08-21, ", "- earlier price, before 2026-08-21, "),
        ("2026-08-20", "- price, ", "- price from 2026-08-21, "),
    ],
)
def test_the_prices_of_the_day_come_first(day: str, first: str, then: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(["show", "gpt-5.6-sol", "--on", day, "--width", "300"])
    told = [line for line in capsys.readouterr().out.splitlines() if "price" in line and "USD per million" in line]
    assert told[0].startswith(first)
    assert told[-1].startswith(then)
