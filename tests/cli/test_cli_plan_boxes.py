"""Machines that are joined: the plan tells by what, and what was published of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.damage import run


@pytest.fixture(autouse=True)
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUELIMIT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.mark.parametrize("machine", [["dgx-spark-2"], ["dgx-spark", "--devices", "2"]])
def test_two_sparks_come_with_their_link_and_nvidias_own_words(machine: list[str]) -> None:
    _, out, err = run("plan", "llama-3.1-405b", "--context", "64", "--machine", *machine, "--width", "400")
    assert err == ""
    assert "2 boxes, joined by 200 GbE (ConnectX-7) of 25 GB/s each way" in out
    assert "--max-model-len 64" in out
    assert "insufficient memory headroom" in out


def test_what_joins_others_is_said_to_be_unknown() -> None:
    _, out, _ = run("plan", "llama-3.3-70b", "--machine", "mac-studio-m2-ultra-64", "--devices", "2", "--width", "400")
    assert "what joins the 2 boxes is not told" in out


def test_one_box_has_no_such_words() -> None:
    _, out, _ = run("plan", "llama-3.1-8b", "--machine", "dgx-spark", "--json")
    assert json.loads(out)["machine_notes"] == []


def test_what_fits_with_little_left_is_said_to_be_close() -> None:
    base = ("plan", "llama-3.1-405b", "--machine", "dgx-spark-2", "--width", "400")
    _, close, _ = run(*base, "--context", "16384", "--kv-type", "q4_0")
    sure = int(json.loads(run(*base, "--context", "16384", "--kv-type", "q4_0", "--json")[1])["largest_context"])
    assert "it fits, " in close
    assert f"little for the driver's own buffers: {sure:,} tokens are sure." in close
    assert sure < 16384
    _, easy, _ = run(*base, "--context", str(sure), "--kv-type", "q4_0")
    assert "driver's own buffers" not in easy


@pytest.mark.parametrize(("machine", "gain"), [("h200-server", 1.84), ("mac-studio-m3-ultra-256", 1.03)])
def test_layers_for_drafting_are_told_apart_from_the_rates(machine: str, gain: float) -> None:
    _, out, _ = run("plan", "glm-4.5-air", "--machine", machine, "--context", "8192", "--json")
    found = json.loads(out)
    plain, drafted = found["decode"][0]["rate"], found["drafting"]["rate"]
    assert found["drafting"]["layers"] == 1
    assert drafted["value"] == pytest.approx(plain["value"] * gain, rel=0.01)
    assert (drafted["low"], drafted["basis"]) == (plain["low"], "assumed")
    _, text, _ = run("plan", "glm-4.5-air", "--machine", machine, "--context", "8192", "--width", "400")
    assert "with its own layers for drafting (1; multi-token prediction), where the engine uses them" in text
    assert f"tokens_a_pass * rate = {gain} * " in text


def test_a_model_without_such_layers_has_no_such_line() -> None:
    _, out, _ = run("plan", "llama-3.1-8b", "--machine", "h200-server", "--context", "8192", "--json")
    assert json.loads(out)["drafting"] is None


def test_a_larger_machine_that_is_no_longer_sold_is_named_as_that() -> None:
    _, out, _ = run(
        "plan", "llama-3.1-405b", "--context", "8k", "--machine", "mac-studio-m3-ultra-96", "--width", "400"
    )
    assert "What helps most: Mac Studio M3 Ultra 512 GB (no longer sold)." in out
    assert "USD 11,699 (2025-12); no longer sold since 2026-03" in out
