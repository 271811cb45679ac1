from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.openclaw_store import SAMPLES
from truelimit.adapters.agents.openclaw.error_reading import FEBRUARY, SEPTEMBER, read_error
from truelimit.adapters.bundle.error_text import reduced

SECRET = "zq7 the merger, pass=hunter2!"
TEXTS = [
    "",
    "LLM request timed out.",
    "fetch failed",
    "terminated",
    "aborted",
    "This operation was aborted",
    "Request was aborted.",
    "LLM idle timeout (300s): no response from model",
    f"embedded run timeout: runId={SECRET} timeoutMs=299748",
    "[fetch-timeout] fetch timeout after 300000ms (elapsed 300001ms) operation=x",
    'Ollama API error 400: {"error":{"code":400,"message":"request (146760 tokens) exceeds the available context size '
    '(131072 tokens), try increasing it","type":"exceed_context_size_error","n_prompt_tokens":146760,"n_ctx":131072}}',
    r"{\"type\":\"exceed_context_size_error\",\"n_prompt_tokens\":1499,\"n_ctx\":512}",
    "400 This model's maximum context length is 131072 tokens. However, you requested 146760 tokens (138568 in the "
    "messages, 8192 in the completion). Please reduce the length.",
    f"'max_tokens' or '{SECRET}' is too large: 8192. This model's maximum context length is 16384 tokens and your "
    "request has 12000 input tokens",
    f"Trying to keep the first 5200 tokens when context the overflows. {SECRET} the model is loaded with context "
    "length of only 4096 tokens, which is not enough.",
    "The number of tokens is greater than the context length (n_keep: 13055>= n_ctx: 4096).",
    "The input (9000 tokens) is longer than the model's context length (8192 tokens).",
    "400 the prompt is longer than the context length currently available to the model; shorten the prompt",
    "LLM request failed: provider rejected the request schema or tool payload. the prompt is longer than the context "
    "length currently available to the model",
    "Model context window too small (3000 tokens; source=modelsConfig). Minimum is 4000.",
    "500 model requires more system memory (34.4 GiB) than is available (17.7 GiB)",
    "llama runner process has terminated: cudaMalloc failed: out of memory",
    "llama runner process has terminated: exit status 2",
    "timed out waiting for llama runner to start - progress 0.42 - ",
    "server busy, please try again.  maximum pending requests exceeded",
    f"503 {SECRET} loading model",
    "connect ECONNREFUSED 127.0.0.1:11434",
    "Request timed out. Raise agents.defaults.timeoutSeconds in your configuration",
    "timed out: raise models.providers.box.timeoutSeconds",
    f"500 {SECRET}",
]


def _texts_of_samples() -> list[str]:
    found = []
    for path in sorted(SAMPLES.rglob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            found += [value for value in _strings(json.loads(line)) if "rror" in value or "time" in value]
    return sorted(set(found))


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for item in items for text in _strings(item)]


@pytest.mark.parametrize("version", [FEBRUARY, SEPTEMBER])
@pytest.mark.parametrize("text", [*TEXTS, *_texts_of_samples()])
def test_a_reduced_text_means_the_same(text: str, version: int) -> None:
    one, other = read_error(text, version), read_error(reduced(text, version), version)
    for name in ("kind", "prompt", "context", "seconds", "misread", "advice_key"):
        assert getattr(other, name) == getattr(one, name), name


@settings(deadline=None)
@given(st.sampled_from(TEXTS), st.sampled_from(TEXTS), st.integers(0, 200))
def test_nothing_of_an_unknown_text_is_left(text: str, other: str, at: int) -> None:
    mixed = text[:at] + f" {SECRET} " + text[at:] + f" {SECRET} {other}"
    for version in (FEBRUARY, SEPTEMBER):
        kept = reduced(mixed, version)
        assert not any(word in kept for word in ("zq7", "merger", "hunter2"))
        assert read_error(kept, version).kind is read_error(mixed, version).kind


@given(st.text(max_size=300))
def test_any_text_keeps_its_kind(text: str) -> None:
    assert read_error(reduced(text), SEPTEMBER).kind is read_error(text, SEPTEMBER).kind
