"""truelimit advise: the story's buyers, the same numbers as plan, clear errors."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from truelimit.cli import advise, plan

INCIDENT = ["--profile", "the-incident"]


def answered(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert advise.run([*arguments, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert found["schema"] == "truelimit.advise/1"
    return found


def test_the_incident_keeps_its_machine(capsys: pytest.CaptureFixture[str]) -> None:
    found = answered(INCIDENT, capsys)
    assert found["keep"] is True
    assert found["limit_today"]["limit"] == "none"
    assert found["shortlist"] == []
    assert found["sentence"].startswith("Keep Mac Studio M2 Ultra 64 GB")


def test_an_impatient_buyer_is_told_what_lifts_the_time(capsys: pytest.CaptureFixture[str]) -> None:
    found = answered([*INCIDENT, "--deadline", "300"], capsys)
    assert found["limit_today"]["limit"] == "time"
    first = found["shortlist"][0]
    assert first["price_date"]
    assert first["jobs"][0]["prefill_seconds"]["value"] < 673 / 1.25


def test_the_numbers_are_those_of_plan(capsys: pytest.CaptureFixture[str]) -> None:
    found = answered([*INCIDENT, "--deadline", "300", "--among", "dgx-spark"], capsys)
    job = found["shortlist"][0]["jobs"][0]
    assert plan.run(["qwen3-coder-30b-a3b", "--machine", "dgx-spark", "--context", "146760", "--json"]) == 0
    planned = json.loads(capsys.readouterr().out)
    assert job["prefill_seconds"]["value"] == planned["prefill"]["seconds"]["value"]
    assert job["decode"]["value"] == planned["decode"][-1]["rate"]["value"]
    assert job["headroom_bytes"] == planned["memory"]["headroom_bytes"]


def test_the_shortlist_is_a_front_within_the_budget(capsys: pytest.CaptureFixture[str]) -> None:
    found = answered(["--profile", "most-memory"], capsys)
    assert found["shortlist"]
    assert all(entry["price_usd"] <= 2500 for entry in found["shortlist"])
    assert found["shortlist"][0]["memory_bytes"] == max(entry["memory_bytes"] for entry in found["shortlist"])


def test_the_same_question_has_the_same_answer(capsys: pytest.CaptureFixture[str]) -> None:
    assert answered(["--profile", "one-card"], capsys) == answered(["--profile", "one-card"], capsys)


def test_private_work_goes_to_no_cloud(capsys: pytest.CaptureFixture[str]) -> None:
    (found,) = answered(INCIDENT, capsys)["cloud"]
    assert found["monthly"] is None
    assert "private" in found["why_not"]


def test_a_preset_that_may_use_the_cloud_shows_its_dated_cost_and_what_is_assumed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = answered(["--profile", "one-card"], capsys)
    assert found["cloud"]
    for item in found["cloud"]:
        assert item["monthly"]["result"] > 0
        assert any("prices as of 20" in note for note in item["notes"])
        assert "200 requests a week are assumed" in item["notes"]


def test_one_card_offers_no_second_card(capsys: pytest.CaptureFixture[str]) -> None:
    found = answered(["--profile", "one-card"], capsys)
    assert found["shortlist"]
    assert not any("two" in item["name"] or "four" in item["name"] for item in found["shortlist"])


def test_slow_answers_bind_and_what_writes_faster_is_offered(capsys: pytest.CaptureFixture[str]) -> None:
    wanted = ["--model", "llama-3.3-70b", "--context", "8192", "--today", "pc-rtx-4090", "--budget", "3000"]
    found = answered(wanted, capsys)
    assert not found["keep"]
    assert found["limit_today"]["limit"] == "decode"
    assert "less than 5" in found["limit_today"]["reasons"][0]
    assert "pc-2x-rtx-3090" in [item["id"] for item in found["shortlist"]]
    assert answered([*wanted, "--least-decode", "1"], capsys)["keep"]


def test_main_memory_that_is_in_no_price_is_said_and_a_crawl_is_not_called_work(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = answered(["--profile", "405b-today", "--among", "pc-4x-rtx-3090"], capsys)
    assert "does the work" not in found["sentence"]
    told = " ".join(found["shortlist"][0]["cannot"])
    assert "less than 1" in told
    assert "lie in main memory, which is not in the price" in told


def test_assumed_main_memory_is_no_advantage_of_a_card(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--model", "llama-3.3-70b@32k", "--today", "pc-rtx-3090", "--budget", "3000", "--resale", "600"]
    found = answered(asked, capsys)
    assert "pc-arc-b580" not in [entry["id"] for entry in found["shortlist"]]
    left = {entry["id"]: entry for entry in found["left_out"]}["pc-arc-b580"]
    assert "part of the model would lie in main memory" in left["why"]
    assert "39.2 GiB of it in main memory" in left["detail"]


def test_more_main_memory_in_the_machine_of_today_is_offered_where_that_is_enough(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = answered(["--model", "gpt-oss-120b@32k", "--today", "pc-rtx-3090", "--budget", "1000"], capsys)
    assert found["sentence"].endswith(" PC with RTX 3090 with 64 GiB of main memory would do the work.")
    assert "with 64 GiB of main memory in place of 32 it would hold: gpt-oss-120b" in found["limit_today"]["reasons"][1]
    crawl = answered(["--model", "llama-3.3-70b@32k", "--today", "pc-rtx-3090", "--budget", "3000"], capsys)
    assert len(crawl["limit_today"]["reasons"]) == 1, "main memory would hold it, and write less than 1 token/s"
    assert "would do the work" not in crawl["sentence"]


def test_the_headline_names_the_worst_shortfall(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--model", "llama-3.1-405b@8k", "--budget", "10000"]
    assert answered([*asked, "--today", "dgx-spark"], capsys)["keep"]
    told = answered(asked, capsys)["sentence"]
    assert told.startswith("Nothing that meets these conditions does all of the work; Server with one MI300X")
    assert told.endswith("it writes llama-3.1-405b at 8,192 tokens at 3.1 tokens/s, less than 5.")


def test_experts_in_main_memory_are_said_as_blocks_are(capsys: pytest.CaptureFixture[str]) -> None:
    (entry,) = answered(["--profile", "cuda-sidecar", "--among", "pc-rtx-5090"], capsys)["shortlist"]
    job = entry["jobs"][1]
    assert plan.run(["gpt-oss-120b", "--machine", "pc-rtx-5090", "--context", "65536", "--json"]) == 0
    host = json.loads(capsys.readouterr().out)["placement"]["main_memory"]
    assert job["main_memory_bytes"] == host["total_bytes"] > 30 * 2**30
    assert job["reason"] == "30.7 GiB of it in main memory beside the card"
    assert any("30.7 GiB of gpt-oss-120b" in text and "not in the price" in text for text in entry["cannot"])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "say what must run"),
        (["--profile", "nobody"], "there are: .*apple-daily"),
        (["--profile", "absent.toml"], "absent.toml"),
        (["--model", "no-such-model-at-all"], "is not a model of the table"),
        (["--model", "qwen3-8b@many"], r"expected MODEL or MODEL@TOKENS"),
        (["--model", "qwen3-8b", "--today", "dgx-sparc"], "dgx-spark"),
        (["--model", "qwen3-8b@200000"], "trained for 40,960 tokens; 200,000"),
        (["--model", "qwen3-8b", "--os", "windos"], "'windos' is not known; nearest: windows"),
        (["--model", "qwen3-8b", "--backend", "cudda"], "'cudda' is not known; nearest: cuda"),
        (["--model", "qwen3-8b", "--kv-type", "q9"], "KV cache type 'q9' is not one of f32, f16"),
        (["--model", "qwen3-8b", "--hours-a-week", "200"], r"200 hours a week are more than a week has \(168\)"),
        (["--model", "qwen3-8b", "--resale", "5000"], "a resale is that of the machine of today: name it"),
        (["--model", "qwen3-8b", "--cloud", "no-such-cloud"], "no provider's model"),
    ],
)
def test_errors_are_clear(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import re

    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert advise.run(arguments) == 2
    assert re.search(told, capsys.readouterr().err)


def at_a_terminal(monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
    typed = io.StringIO("".join(f"{answer}\n" for answer in answers))
    monkeypatch.setattr(typed, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", typed)


def test_a_person_at_a_terminal_is_asked(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    at_a_terminal(monkeypatch, "qwen3-8b", "8,192", "900", "linux", "", "", "", "", "yes")
    assert advise.run(["--among", "rtx-3090", "--among", "dgx-spark"]) == 0
    shown = capsys.readouterr()
    assert "Which model must run" in shown.err
    assert "RTX 3090" in shown.out


def test_an_answer_that_cannot_be_used_is_asked_for_again_with_the_reason(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = ("zzz", "qwen3-8b", "many", "8m", "8,192", "nan", "-5", "7,000", "windos", "linux", "cudda", "cuda")
    at_a_terminal(monkeypatch, *answers, "dgx-sparc", "", "ja", "no", "loud", "500", "maybe", "yes")
    assert advise.run(["--among", "rtx-3090", "--among", "rtx-5090", "--width", "200"]) == 0
    shown = capsys.readouterr()
    for why in (
        "'zzz' is not a model of the table", "'many' is no count of tokens", "trained for 40,960 tokens",
        "'nan' is not a number from 0 on", "'-5' is not a number from 0 on", "'windos' is not known; nearest: windows",
        "'cudda' is not known; nearest: cuda", "dgx-spark", "'ja' is neither yes nor no",
        "'loud' is not a number from 0 on", "'maybe' is neither yes nor no",
    ):  # fmt: skip
        assert why in shown.err
    assert shown.err.count("Is the work private") == 2
    assert "prompts must not leave the house" in shown.out
    assert "it draws more than 500 W: NVIDIA GeForce RTX 5090" in shown.out


def test_the_questions_end_with_the_input_and_after_five_tries(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    at_a_terminal(monkeypatch, "qwen3-8b")
    assert advise.run([]) == 2
    assert "the input ended before all was answered" in capsys.readouterr().err
    at_a_terminal(monkeypatch, *["zzz"] * 9)
    assert advise.run([]) == 2
    shown = capsys.readouterr()
    assert "asked 5 times without an answer that can be used" in shown.err
    assert shown.out == ""


def test_what_an_option_says_is_not_asked(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    at_a_terminal(monkeypatch, "", "", "", "", "")  # model, context, systems, backends, machine of today
    assert advise.run(["--budget", "900", "--private", "--quiet", "--power-limit", "400", "--among", "rtx-3090"]) == 0
    assert "What may it cost" not in capsys.readouterr().err
    at_a_terminal(monkeypatch)
    assert advise.run(["--kv-type", "q9"]) == 2
    assert "Which model" not in capsys.readouterr().err, "an option that cannot be used is refused before any question"


def test_a_profile_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        "name = 'mine'\nbudget_usd = 1000\nrequests_a_week = 500\n[[jobs]]\nmodel = 'qwen3-8b'\ncontext = 16384\n",
        encoding="utf-8",
    )
    found = answered(["--profile", str(file), "--among", "rtx-3060-12"], capsys)
    assert [entry["id"] for entry in found["shortlist"]] == ["rtx-3060-12"]
    assert found["cloud"]
    for cost in found["cloud"]:
        terms = {term["name"]: term["value"] for term in cost["monthly"]["terms"]}
        assert cost["monthly"]["result"] == pytest.approx(terms["request"] * 500 * 52 / 12)


def test_the_machine_at_hand_is_not_called_this(capsys: pytest.CaptureFixture[str]) -> None:
    found = answered(["--model", "gpt-oss-120b@8k", "--today", "this", "--among", "dgx-spark"], capsys)
    told = json.dumps(found["shortlist"])
    assert "which this does not" not in told
    assert "which this machine does not" in told or found["keep"]


def test_a_table_in_hindi_has_no_raw_head(capsys: pytest.CaptureFixture[str]) -> None:
    from truelimit.domain.message import Message
    from truelimit.report.advise_document import _table
    from truelimit.report.blocks import Rows

    made = _table(())
    assert isinstance(made, Rows)
    assert all(isinstance(head, Message) for head in made.head if head != "USD")


def test_lists_the_presets(capsys: pytest.CaptureFixture[str]) -> None:
    assert advise.run(["--list"]) == 0
    assert "405b-today" in capsys.readouterr().out


def test_what_is_no_longer_sold_is_not_offered_and_its_last_price_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    found = answered(["--profile", "405b-today"], capsys)
    assert "mac-studio-m3-ultra-512" not in [entry["id"] for entry in found["shortlist"]]
    why = {entry["id"]: entry["why"] for entry in found["left_out"]}
    assert why["mac-studio-m3-ultra-512"] == "no longer sold since 2026-03; last price 11,699 USD (2025-12)"
    owned = answered(["--profile", "405b-today", "--today", "mac-studio-m3-ultra-512"], capsys)
    assert owned["limit_today"]["limit"] in {"none", "time"}, "who owns one may go on using it"


def test_what_is_no_longer_sold_is_shown_to_whom_names_it_and_marked(capsys: pytest.CaptureFixture[str]) -> None:
    found = answered(["--profile", "405b-today", "--among", "mac-studio-m3-ultra-512"], capsys)
    assert "11,699 USD (2025-12), no longer sold since 2026-03: " in found["sentence"]
    assert found["shortlist"][0]["notes"] == ["no longer sold since 2026-03"]


def test_the_table_says_where_the_cost_has_no_power(capsys: pytest.CaptureFixture[str]) -> None:
    assert advise.run(["--profile", "apple-daily", "--among", "mac-studio-m3-ultra-96", "--width", "250"]) == 0
    assert "USD, power not known" in capsys.readouterr().out
