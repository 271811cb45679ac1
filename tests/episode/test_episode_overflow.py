"""Overflow in the words of five servers, an agent that misreads it, and compaction that never happens."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.episode_home import FEB, LABEL, NOON, SAMPLES, SEP, STORY_PROMPT, Call, EpisodeHome, entry
from support.episode_report import Report, doctor
from support.episode_scenes import M2_ULTRA, llama_server
from support.openclaw_store import build_store

OLLAMA_NEW = (
    '{"error": "the prompt is longer than the context length currently available to the model; shorten the prompt, '
    'adjust the context length in settings, or use a model with a longer context length"}'
)
SIZED = {
    "llama-server": "400 request (146760 tokens) exceeds the available context size (131072 tokens), try increasing it",
    "llama-server in JSON": '400 {"error": {"code": 400, "message": "request (146760 tokens) exceeds the available '
    'context size (131072 tokens), try increasing it", "type": "exceed_context_size_error", "n_prompt_tokens": 146760, '
    '"n_ctx": 131072}}',
    "LM Studio": "400 The number of tokens to keep from the initial prompt is greater than the context length "
    "(n_keep: 146760>= n_ctx: 131072). Try to load the model with a larger context length.",
    "SGLang": "400 The input (146760 tokens) is longer than the model's context length (131072 tokens).",
    "Ollama MLX": "400 input length (146760 tokens) exceeds the model's maximum context length (131072 tokens)",
}
UNSIZED = {
    "Ollama to 0.24": 'Ollama API error 400: {"error": "the input length exceeds the context length"}',
    "Ollama from 0.30.9": "Ollama API error 400: " + OLLAMA_NEW,
    "the agent itself": "Context overflow: prompt too large for the model. Try /reset (or /new) to start a fresh "
    "session, or use a larger-context model.",
}


def _refused(root: Path, text: str, *, version: str = FEB, ollama: bool = False, window: int = LABEL) -> Report:
    provider, api = ("ollama", "ollama") if ollama else ("local", "openai-completions")
    url = "http://127.0.0.1:11434" if ollama else "http://127.0.0.1:8000/v1"
    home = EpisodeHome(root).openclaw(
        [entry("big-model", window)],
        version=version,
        primary=f"{provider}/big-model",
        api=api,
        base_url=url,
        provider=provider,
    )
    write = home.transcript if version == FEB else home.store
    write([Call(NOON, 0.2, error=text)], model="big-model", api=api, provider=provider)
    return doctor(home)


@pytest.mark.parametrize("version", [FEB, SEP])
@pytest.mark.parametrize("name", SIZED)
def test_a_text_with_sizes(tmp_path: Path, name: str, version: str) -> None:
    report = _refused(tmp_path, SIZED[name], version=version)
    incident = report.only
    assert (incident["cause"], incident["prompt_tokens"]) == ("overflow", STORY_PROMPT)
    assert incident["calculation"]["result"] == STORY_PROMPT - LABEL
    assert report.hardware == "unknown", "nothing is known of the machine"
    assert "Nothing is wrong" not in report.sentence
    assert report.code == 1


def test_vllm_counts_messages_and_answer(tmp_path: Path) -> None:
    text = (
        "400 This model's maximum context length is 131072 tokens. However, you requested 146760 tokens (138568 in the "
        "messages, 8192 in the completion). Please reduce the length of the messages or completion."
    )
    incident = _refused(tmp_path, text).only
    assert (incident["cause"], incident["prompt_tokens"]) == ("overflow", 138_568)


def test_vllm_refuses_for_the_answers_room(tmp_path: Path) -> None:
    """126,760 tokens are below the context; with the 8,192 of the answer they are not."""
    text = (
        "400 'max_tokens' or 'max_completion_tokens' is too large: 8192. This model's maximum context length is 131072 "
        "tokens and your request has 126760 input tokens (8192 > 131072 - 126760)."
    )
    incident = _refused(tmp_path, text).only
    assert incident["cause"] == "overflow"
    assert incident["calculation"]["formula"] == "prompt_tokens + answer - context"
    assert incident["calculation"]["result"] == 126_760 + 8192 - LABEL


@pytest.mark.parametrize("name", UNSIZED)
def test_a_text_without_sizes_is_believed(tmp_path: Path, name: str) -> None:
    """What is known of the prompt is a lower bound by characters: it must not deny the server's word."""
    incident = _refused(tmp_path, UNSIZED[name], ollama="Ollama" in name).only
    assert (incident["cause"], incident["explained"]) == ("overflow", True)


def test_lm_studio_in_the_midst_of_an_answer(tmp_path: Path) -> None:
    text = (
        "Reached context length of 4096 tokens with model qwen3, but this model does not currently support "
        "mid-generation context overflow"
    )
    assert _refused(tmp_path, text).only["cause"] == "overflow"


def test_a_pool_that_other_requests_filled(tmp_path: Path) -> None:
    home = EpisodeHome(tmp_path).openclaw(
        [entry("m", 16_384)], primary="llama-server/m", provider="llama-server", base_url="http://127.0.0.1:8080/v1"
    )
    home.transcript(
        [Call(NOON, 4, input=9300, error="500 Context size has been exceeded.")], model="m", provider="llama-server"
    )
    home.file("server.log", llama_server(16_384, 4, unified=True))
    incident = doctor(home, "--log", str(home.root / "server.log")).only
    assert incident["cause"] == "overflow"
    assert "share" in " ".join(incident["reasons"])


def test_sizes_that_contradict_the_word_explain_nothing(tmp_path: Path) -> None:
    text = "400 request (14676 tokens) exceeds the available context size (131072 tokens), try increasing it"
    incident = _refused(tmp_path, text).only
    assert (incident["cause"], incident["explained"]) == ("unexplained", False)


def test_september_reads_a_schema_error(tmp_path: Path) -> None:
    report = _refused(tmp_path, "400 " + OLLAMA_NEW, version=SEP, ollama=True)
    assert report.only["cause"] == "overflow"
    assert "CTX008" in report.only["findings"]


def test_recorded_overflows_of_september(tmp_path: Path) -> None:
    home = EpisodeHome(tmp_path).openclaw(
        [entry("ovf-ollama-new"), entry("ovf-llamacpp")], version=SEP, primary="ollama/ovf-ollama-new", api="ollama"
    )
    folder = home.root / ".openclaw" / "agents" / "main" / "agent"
    build_store(folder / "openclaw-agent.sqlite", "overflow").close()
    report = doctor(home)
    causes = {item["cause"] for item in report.incidents}
    assert causes == {"overflow"}, [(i["session"], i["cause"], i["reasons"]) for i in report.incidents]
    assert {item["prompt_tokens"] for item in report.incidents} >= {STORY_PROMPT}
    assert "CTX008" in report.codes


@pytest.mark.parametrize(
    "sample", ["session-overflow-recognised", "session-overflow-not-recognised", "session-overflow-llama-server"]
)
def test_recorded_overflows_of_february(tmp_path: Path, sample: str) -> None:
    home = EpisodeHome(tmp_path).openclaw([entry("x")], primary="ollama/x", api="ollama")
    home.sample_session(f"{sample}.jsonl")
    assert {item["cause"] for item in doctor(home).incidents} == {"overflow"}


def test_a_window_below_the_floor(tmp_path: Path) -> None:
    report = _refused(tmp_path, "Model context window too small (8192 tokens). Minimum is 16000.", window=8192)
    assert report.only["cause"] == "overflow"
    assert report.finding("CFG001")["calculation"]["result"] == 16_000 - 8192
    assert "refuses every run" in report.sentence


def test_seven_compactions_and_no_entry(tmp_path: Path) -> None:
    home = EpisodeHome(tmp_path)
    home.model("ok:latest")
    home.openclaw([entry("ok:latest", 65_536)], primary="ollama/ok:latest", api="ollama")
    recorded = json.loads((SAMPLES / "2026.2.17" / "sessions.json").read_text(encoding="utf-8"))["agent:main:main"]
    del recorded["sessionId"]
    home.sample_session("session-grows-past-window-no-compaction.jsonl", **recorded)
    report = doctor(home, *M2_ULTRA)
    finding = report.finding("CTX004")
    assert finding["severity"] == "fails"
    assert "7 compactions" in finding["message"]
    assert finding["fix"]["applicability"] == "manual"


def test_compactions_that_happened(tmp_path: Path) -> None:
    home = EpisodeHome(tmp_path).openclaw([entry("m", 65_536)], primary="local/m", provider="local")
    home.transcript(
        [Call(NOON, 9, 9000, 9)], model="m", provider="local", counters={"compactionCount": 2}, compactions=2
    )
    assert "CTX004" not in doctor(home).codes
