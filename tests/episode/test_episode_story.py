"""The incident of 18 February 2026, in all variations of where the evidence of its 146,760 tokens lies."""

from __future__ import annotations

from datetime import timedelta, timezone
from pathlib import Path

import pytest

from support.episode_home import LABEL, NATIVE, NOON, SECRET, STORY_PROMPT, WORDS, Call, EpisodeHome, at, entry
from support.episode_logs import gin, load_b, start, truncating
from support.episode_report import Report, doctor, fix, spoken
from support.episode_scenes import M2_ULTRA, V1, long_text, story

LLAMA = "400 request (146760 tokens) exceeds the available context size (131072 tokens), try increasing it"
VLLM = (
    "400 This model's maximum context length is 131072 tokens. However, you requested 146760 tokens "
    "(146760 in the messages, 0 in the completion). Please reduce the length of the messages or completion."
)


def _label_binds(report: Report) -> None:
    value, set_by, kind = report.binding()
    assert (value, kind) == (LABEL, "label")
    assert set_by in {"server-definition", "agent-config"}
    finding = report.finding("CTX001")
    assert finding["origin"] == "name-label"
    excluded = {item["origin"] for item in finding["excluded"]}
    assert excluded >= {"launcher-constant", "discovered-default", "sibling-inheritance", "fallback-constant"}
    assert finding["calculation"]["result"] == NATIVE - LABEL


def _three_hidden_attempts(report: Report) -> None:
    incident = report.only
    assert incident["cause"] == "prefill-exceeds-wall"
    assert (incident["attempts"], incident["hidden_attempts"]) == (3, 2)
    assert incident["attempt_seconds"] == pytest.approx(302.67, abs=0.01)
    assert incident["calculation"]["result"] == pytest.approx(incident["prompt_tokens"] / 302.673, rel=1e-4)
    assert {"CTX001", "TIM001", "TIM002", "TIM003", "TIM004"} <= set(incident["findings"])
    assert report.binding("time") == (300, "client-library", "configured")


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("the log's truncation line", {}),
        ("usage.input", {"truncated": False, "counted": STORY_PROMPT}),
        ("counters", {"truncated": False, "counters": {"inputTokens": STORY_PROMPT, "totalTokens": STORY_PROMPT}}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_with_the_server_log(tmp_path: Path, name: str, made: dict) -> None:
    report = doctor(story(tmp_path, **made))
    _label_binds(report)
    _three_hidden_attempts(report)
    assert report.only["prompt_tokens"] == STORY_PROMPT
    assert report.only["prompt_tokens_basis"] == "reported"
    assert report.finding("CTX001")["fix"]["applicability"] == "safe"
    assert report.hardware == "not-needed"
    assert "673 s" in report.sentence, "what a cold prompt of that size costs in time on this machine"


@pytest.mark.parametrize("machine", [(), M2_ULTRA], ids=["machine unknown", "machine given"])
@pytest.mark.parametrize(
    "made",
    [
        {"counted": STORY_PROMPT},
        {"counters": {"inputTokens": STORY_PROMPT, "totalTokens": STORY_PROMPT}},
    ],
    ids=["usage.input", "counters"],
)
def test_without_the_server_log(tmp_path: Path, made: dict, machine: tuple[str, ...]) -> None:
    report = doctor(story(tmp_path, log=False, **made), *machine)
    _label_binds(report)
    _three_hidden_attempts(report)
    assert report.only["prompt_tokens"] == STORY_PROMPT
    message = report.finding("CTX001")["message"]
    if machine:
        assert report.finding("CTX001")["fix"]["applicability"] == "safe"
        assert "fit in memory here" in message
        assert report.hardware == "not-needed"
    else:
        assert report.finding("CTX001")["fix"]["applicability"] == "unsafe", "nobody knows whether memory holds it"
        assert "fit in memory here" not in message
        assert report.hardware == "unknown"
        assert any("memory" in item["fact"] for item in report.data["missing"])


def test_one_short_reading_is_no_rate_for_a_long_prompt(tmp_path: Path) -> None:
    """9,112 tokens in 15 s say nothing of 146,760 but a lower bound; the incident itself is the better witness."""
    report = doctor(story(tmp_path, log=False, counted=STORY_PROMPT))
    assert "at least" in report.sentence
    for code in ("TIM001", "TIM002"):
        assert "177," not in report.finding(code)["message"], "a context at which the very incident denies the rate"


def test_only_the_characters_of_the_message_are_known(tmp_path: Path) -> None:
    report = doctor(story(tmp_path, log=False, text=long_text(STORY_PROMPT)), *M2_ULTRA)
    _label_binds(report)
    _three_hidden_attempts(report)
    assert report.only["prompt_tokens"] == pytest.approx(STORY_PROMPT, rel=0.01)
    assert report.only["prompt_tokens_basis"] == "assumed"
    assert "about 14" in report.finding("TIM001")["message"]


@pytest.mark.parametrize("text", [LLAMA, VLLM], ids=["llama-server", "vLLM"])
def test_the_server_refused_in_words(tmp_path: Path, text: str) -> None:
    report = doctor(story(tmp_path, log=False, error=text, seconds=0.4), *M2_ULTRA)
    _label_binds(report)
    incident = report.only
    assert (incident["cause"], incident["attempts"], incident["prompt_tokens"]) == ("overflow", 1, STORY_PROMPT)
    assert incident["calculation"]["result"] == STORY_PROMPT - LABEL
    assert incident["findings"] == ["CTX001"]
    assert report.hardware == "not-needed"


def test_the_log_alone_is_given(tmp_path: Path) -> None:
    whole = story(tmp_path / "whole")
    log = whole.root / ".ollama" / "logs" / "server.log"
    report = doctor(EpisodeHome(tmp_path / "none"), "--log", str(log))
    incident = report.only
    assert (incident["cause"], incident["attempts"], incident["prompt_tokens"]) == (
        "prefill-exceeds-wall",
        3,
        STORY_PROMPT,
    )


def test_the_fix_is_for_both_sides_and_hides_secrets(tmp_path: Path) -> None:
    plan = fix(story(tmp_path))
    (definition,) = plan["definitions"]
    assert definition["parameters"] == {"num_ctx": NATIVE}
    assert definition["from"] == "qwen3-coder-30b:v-128k"
    (change,) = plan["files"]
    added = [line for line in change["diff"].splitlines() if line.startswith("+ ")]
    assert any("262144" in line for line in added)
    assert sum(definition["name"] in line for line in added) == 2, "entry and primary model"
    assert SECRET not in change["diff"]
    (outlook,) = plan["outlooks"]
    assert outlook["moves_failure"], "a larger window alone moves the failure from overflow to timeout"
    assert any("node-fetch-headers" in need or "Node fetch" in need for need in outlook["needs"])


def test_what_a_person_reads(tmp_path: Path) -> None:
    text = " ".join(spoken(story(tmp_path)).split())
    for told in ("131,072", "146,760", "262,144", "300 s", "673 s", "24.0", "No hardware is needed"):
        assert told in text, told
    assert SECRET not in text
    assert WORDS not in text


def test_memory_at_the_full_context(tmp_path: Path) -> None:
    report = doctor(story(tmp_path))
    (calc, *_) = report.data["verdict"]["calculations"]
    terms = {item["name"]: item["value"] for item in calc["terms"]}
    assert terms["kv_cache"] == 24 * 2**30
    assert terms["weights"] == pytest.approx(18.55e9, rel=1e-3)
    assert report.ladder()["memory"]["pool_bytes"] == 48 * 2**30


def test_a_server_in_another_time_zone(tmp_path: Path) -> None:
    """Ollama's own lines carry their zone, its access lines none; the transcript is in UTC."""
    home = story(tmp_path, log=False)
    zone = timezone(timedelta(hours=-8))

    def local(seconds: float):  # type: ignore[no-untyped-def]
        return at(seconds).astimezone(zone)

    ends = [gin(local(302), 500, "5m2s"), gin(local(604.9), 500, "5m2s"), gin(local(908), 500, "5m2s")]
    cut = truncating(local(7), STORY_PROMPT, LABEL)
    home.ollama_log(start(when=local(-7200)), load_b(home.blob, when=local(0.1)), cut, ends)
    report = doctor(home)
    _three_hidden_attempts(report)
    assert report.only["prompt_tokens_basis"] == "reported"


def test_a_log_that_was_rotated_since(tmp_path: Path) -> None:
    home = story(tmp_path)
    logs = home.root / ".ollama" / "logs"
    (logs / "server.log").rename(logs / "server-1.log")
    home.ollama_log(start(when=at(7200)))
    report = doctor(home)
    _three_hidden_attempts(report)
    assert report.only["prompt_tokens"] == STORY_PROMPT


def test_windows_line_ends(tmp_path: Path) -> None:
    home = story(tmp_path)
    for path in [*home.root.rglob("*.log"), *home.root.rglob("*.jsonl"), *home.root.rglob("openclaw.json")]:
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    report = doctor(home)
    _label_binds(report)
    _three_hidden_attempts(report)


def test_a_refusal_before_tells_the_size(tmp_path: Path) -> None:
    """The same conversation was refused with its size a quarter of an hour before: it has not become shorter."""
    home = EpisodeHome(tmp_path).coder()
    home.openclaw([entry()], base_url=V1, defaults={"timeoutSeconds": 1800})
    home.transcript([Call(at(-900), 0.3, error=LLAMA), Call(NOON, 908.02, error="Request timed out.")])
    refused, timed_out = doctor(home, *M2_ULTRA).incidents
    assert (refused["cause"], refused["attempts"]) == ("overflow", 1)
    assert (timed_out["cause"], timed_out["attempts"]) == ("prefill-exceeds-wall", 3)
    assert timed_out["prompt_tokens"] == STORY_PROMPT


def test_a_refusal_right_after_is_another_failure(tmp_path: Path) -> None:
    home = EpisodeHome(tmp_path).coder()
    home.openclaw([entry()], base_url=V1, defaults={"timeoutSeconds": 1800})
    late = Call(at(950), 0.3, error=LLAMA)
    home.transcript([Call(NOON, 908.02, error="Request timed out.", text=long_text(STORY_PROMPT)), late])
    timed_out, refused = doctor(home, *M2_ULTRA).incidents
    assert (timed_out["cause"], timed_out["attempts"]) == ("prefill-exceeds-wall", 3)
    assert (refused["cause"], refused["attempts"]) == ("overflow", 1)
