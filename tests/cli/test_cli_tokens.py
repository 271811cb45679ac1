"""Counts of tokens as people write them; a k is 1,024, and the output says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.damage import run
from truelimit.cli.main import main
from truelimit.cli.plan_sweep import axes_of
from truelimit.cli.tokens import tokens


@pytest.fixture(autouse=True)
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUELIMIT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("131072", 131_072), ("131,072", 131_072), ("131_072", 131_072), ("128k", 131_072), ("128K", 131_072),
        ("1M", 1_048_576), ("1m", 1_048_576), ("1.5k", 1536), ("0.5M", 524_288), ("1", 1),
        ("262k", 262_144), ("131K", 131_072), ("65k", 65_536), ("64k", 65_536), ("1048k", 1_048_576), ("260k", 266_240),
    ],
)  # fmt: skip
def test_counts(text: str, count: int) -> None:
    assert tokens(text) == count


@pytest.mark.parametrize(
    "text",
    ["", "k", "0", "0k", "-1", "-128k", "1.5", "1e5", "128kb", "128kk", "12g", "1.0001k", "nan", "inf", "9" * 30,
     "١٢٨", ".5k", "5.k"],
)  # fmt: skip
def test_what_is_no_count(text: str) -> None:
    assert tokens(text) is None


@given(st.integers(1, 2**31))
def test_every_count_is_read_as_it_is(count: int) -> None:
    assert tokens(f"{count}") == tokens(f"{count:,}") == count


def test_providers_count_a_thousand() -> None:
    assert tokens("128k", k=1000) == 128_000


def plan(*words: str) -> tuple[int, str, str]:
    return run("plan", "qwen3-coder-30b-a3b", "--machine", "dgx-spark", *words)


def test_a_plan_is_the_same_and_says_how_k_was_read() -> None:
    _, short, _ = plan("--context", "128k", "--json")
    _, plain, _ = plan("--context", "131072", "--json")
    one, other = json.loads(short), json.loads(plain)
    notes = one.pop("notes")
    assert [note for note in notes if "128k is read as 131,072 tokens: k is 1,024" in note]
    assert not [note for note in other.pop("notes") if "is read as" in note]
    assert one == other


@pytest.mark.parametrize("text", ["128kb", "0", "-5", "1.5", "1e5"])
def test_what_is_no_count_is_refused_with_what_was_expected(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["plan", "qwen3-coder-30b-a3b", "--machine", "dgx-spark", f"--context={text}"])
    assert stopped.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "expected a whole number above 0, such as 131072 or 128k (131,072)" in " ".join(err.split())


def test_an_audit_reads_a_context_as_a_plan_does() -> None:
    claim = "qwen3-8b Q4_K_M at 42 tok/s {} on rtx-4090"
    told = [json.loads(run("audit", "--json", "--claim", claim.format(where))[1])["claims"][0] for where in
            ("at 128k context", "at depth 131072", "at 131,072 tokens")]  # fmt: skip
    assert {item["read_as"]["context"] for item in told} == {131_072}
    assert [item["read_as"]["not_judged"] for item in told] == [[], [], []]
    assert "128k is read as 131,072 tokens: k is 1,024, as engines count" in told[0]["notes"]
    assert len({item["sentence"] for item in told}) == 1


def test_other_places_that_ask_for_tokens() -> None:
    assert axes_of(["context=8k,32K..128k"], 1, None).contexts == (8192, 32_768, 65_536, 131_072)
    assert run("model", "qwen3-8b", "--context", "32k")[1] == run("model", "qwen3-8b", "--context", "32768")[1]
    both = [plan("--context", "8k", "--with", f"qwen3-8b@{count}", "--width", "300")[1] for count in ("32k", "32768")]
    assert both[0] == both[1]
