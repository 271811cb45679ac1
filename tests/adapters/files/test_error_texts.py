from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truelimit.adapters.files.error_texts import LONGEST_KEPT, classify
from truelimit.domain.session import ErrorKind as K

LLAMA_SERVER = (
    '{"error":{"code":400,"message":"request (146760 tokens) exceeds the available context size (131072 tokens), try '
    'increasing it","type":"exceed_context_size_error","n_prompt_tokens":146760,"n_ctx":131072}}'
)
OLLAMA_MEMORY = '{"error":"model requires more system memory (34.4 GiB) than is available (17.7 GiB)"}'

OVERFLOWS = [
    (f"Ollama API error 400: {LLAMA_SERVER}", 146760, 131072),
    (f"400 {LLAMA_SERVER}", 146760, 131072),
    ('{"type":"exceed_context_size_error","n_prompt_tokens":1499,"n_ctx":512}', 1499, 512),
    (r"{\"type\":\"exceed_context_size_error\",\"n_prompt_tokens\":1499,\"n_ctx\":512}", 1499, 512),
    (
        "400 This model's maximum context length is 131072 tokens. However, you requested 146760 tokens "
        "(138568 in the messages, 8192 in the completion). Please reduce the length.",
        138568,
        131072,
    ),
    (
        "This model's maximum context length is 4096 tokens. However, your prompt contains 5000 input tokens, which",
        5000,
        4096,
    ),
    (
        "This model's maximum context length is 131072 tokens. However, you requested 8192 output tokens and your "
        "prompt contains at least 146760 input tokens, for a total of at least 154952 tokens. Please reduce the length",
        146760,
        131072,
    ),
    (
        "Prompt is too long · the provider said: This model's maximum context length is 131072 tokens. However, your "
        "messages resulted in 146760 tokens. Please reduce the length of the messages.",
        146760,
        131072,
    ),
    ("This model's maximum context length is 8192 tokens. However, you requested 512 output tokens", None, 8192),
    ("maximum context length is 8192 tokens; your prompt contains at least 9000 input tokens", 9000, 8192),
    (
        "'max_tokens' or 'max_completion_tokens' is too large: 8192. This model's maximum context length is "
        "16384 tokens and your request has 12000 input tokens",
        12000,
        16384,
    ),
    ("The input (9000 tokens) is longer than the model's context length (8192 tokens).", 9000, 8192),
    ("Requested token count exceeds the model's maximum context length of 8192 tokens. You requested", None, 8192),
    ("400 input length (9000 tokens) exceeds the model's maximum context length (8192 tokens)", 9000, 8192),
    (
        "The number of tokens to keep from the initial prompt is greater than the context length "
        "(n_keep: 13055>= n_ctx: 4096). Try to load the model with a larger context length",
        13055,
        4096,
    ),
    (
        "Trying to keep the first 5200 tokens when context the overflows. However, the model is loaded with context "
        "length of only 4096 tokens, which is not enough.",
        5200,
        4096,
    ),
    ("Reached context length of 4096 tokens with model", None, 4096),
    ("the input length exceeds the context length", None, None),
    ("the request exceeds the available context size. try increasing the context size", None, None),
    ("500 Context size has been exceeded.", None, None),
    ("Context overflow: prompt too large for the model. Try /reset (or /new)", None, None),
    ('{"code":"context_length_exceeded"}', None, None),
    ("prompt too long; exceeded max context length by 512 tokens", None, None),
    ("Codex ran out of room in the model's context window. Start a new thread", None, None),
]


@pytest.mark.parametrize(("text", "prompt", "context"), OVERFLOWS)
def test_overflow_of_every_server_with_its_numbers(text: str, prompt: int | None, context: int | None) -> None:
    error = classify(text)
    assert (error.kind, error.prompt, error.context) == (K.OVERFLOW, prompt, context)
    assert not error.misread


KINDS = [
    ("Request timed out.", K.TIMEOUT, None),
    ("LLM request timed out.", K.TIMEOUT, None),
    ("LLM idle timeout (300s): no response from model", K.TIMEOUT, 300.0),
    ("embedded run timeout: runId=f sessionId=s timeoutMs=299748", K.TIMEOUT, 299.748),
    ("[fetch-timeout] fetch timeout after 300000ms (elapsed 300001ms) operation=x", K.TIMEOUT, 300.0),
    ("Provider response headers timed out after 300000ms", K.TIMEOUT, 300.0),
    ("No stream activity for 240000ms after 1 chunks", K.TIMEOUT, 240.0),
    ("Request timeout after 484s. Try reducing input length", K.TIMEOUT, 484.0),
    ("This operation was aborted", K.TIMEOUT, None),
    ("Headers Timeout Error", K.TIMEOUT, None),
    ("terminated | Body Timeout Error", K.TIMEOUT, None),
    ("fetch failed", K.CONNECTION, None),
    ("terminated", K.CONNECTION, None),
    ("connect ECONNREFUSED 127.0.0.1:11434", K.CONNECTION, None),
    ("500 model runner has unexpectedly stopped, this may be due to", K.ENGINE_CRASH, None),
    ("llama-server process has terminated: signal: killed", K.ENGINE_CRASH, None),
    ("llama runner process has terminated: exit status 2", K.ENGINE_CRASH, None),
    ("llama runner process has terminated: cudaMalloc failed: out of memory", K.OUT_OF_MEMORY, None),
    (OLLAMA_MEMORY, K.OUT_OF_MEMORY, None),
    ("memory layout cannot be allocated with num_gpu = 49", K.OUT_OF_MEMORY, None),
    ("unable to load full model on GPU", K.OUT_OF_MEMORY, None),
    ("timed out waiting for llama runner to start - progress 0.42 - ", K.LOAD_TIMEOUT, None),
    ("timed out waiting for llama-server to start", K.LOAD_TIMEOUT, None),
    ("server busy, please try again.  maximum pending requests exceeded", K.BUSY, None),
    ("Model context window too small (8192 tokens). Minimum is 16000.", K.WINDOW_TOO_SMALL, None),
    ("Model context window too small (3000 tokens; source=modelsConfig). Minimum is 4000.", K.WINDOW_TOO_SMALL, None),
    ("Request was aborted.", K.CANCELLED, None),
    ("aborted", K.CANCELLED, None),
    ("LLM request failed: provider rejected the request schema or tool payload.", K.OTHER, None),
    ("", K.OTHER, None),
]


@pytest.mark.parametrize(("text", "kind", "seconds"), KINDS)
def test_kind_and_seconds(text: str, kind: K, seconds: float | None) -> None:
    error = classify(text)
    assert (error.kind, error.seconds) == (kind, seconds)


def test_too_small_a_window_names_it() -> None:
    assert classify("Model context window too small (8192 tokens). Minimum is 16000.").context == 8192


def test_memory_text_keeps_both_sizes() -> None:
    assert "(34.4 GiB) than is available (17.7 GiB)" in classify(OLLAMA_MEMORY).text


def test_overflow_that_an_agent_shows_as_a_schema_error_is_misread() -> None:
    ollama = "400 the prompt is longer than the context length currently available to the model; shorten the prompt"
    assert classify(ollama).misread
    assert classify(f"{LLAMA_SERVER} | provider rejected the request schema or tool payload").misread


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Request timed out before a response was generated. Increase `agents.defaults.timeoutSeconds` in your config.",
         "agents.defaults.timeoutSeconds"),
        ("did not produce a response before the model idle timeout. Raise `models.providers.<id>.timeoutSeconds`"
         " or `agents.defaults.timeoutSeconds`", "models.providers.<id>.timeoutSeconds"),
        ("Context limit exceeded. I've reset our conversation; set reserveTokensFloor to 4000 or higher",
         "agents.defaults.compaction.reserveTokensFloor"),
        ("fetch failed", None),
    ],
)  # fmt: skip
def test_advice_names_the_key(text: str, key: str | None) -> None:
    assert classify(text).advice_key == key


SECRET = "sk-THISISASECRET"
# Every text may be followed or surrounded by what a server captured; none of that may be kept.
TEXTS = [text for text, *_ in OVERFLOWS] + [text for text, *_ in KINDS]


@pytest.mark.parametrize("text", TEXTS)
def test_nothing_around_the_known_phrase_is_kept(text: str) -> None:
    error = classify(f"{text} {SECRET} my private prompt")
    assert SECRET not in error.text
    assert "private" not in error.text
    assert len(error.text) <= LONGEST_KEPT
    assert "\n" not in error.text


@pytest.mark.parametrize(
    "gap",
    [
        "'max_tokens' {0} is too large {0} your request has 5 input tokens",
        "embedded run timeout: {0} timeoutMs=5",
        "trying to keep the first 9 tokens when context the overflows {0} context length of only 4 tokens",
        "503 {0} loading model",
    ],
)
def test_nothing_within_a_known_phrase_is_kept(gap: str) -> None:
    error = classify(gap.format(SECRET))
    assert error.kind is not K.OTHER
    assert SECRET not in error.text


def test_unknown_text_is_described_and_never_quoted() -> None:
    assert classify(f"HTTP 418: {SECRET}").text == f"HTTP 418: text not recognised ({10 + len(SECRET)} characters)"


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=400), st.sampled_from(TEXTS))
def test_never_raises_and_stays_short(noise: str, text: str) -> None:
    for mixed in (noise, noise + text, text + noise, text[: len(noise)] + noise):
        error = classify(mixed)
        assert len(error.text) <= LONGEST_KEPT


def test_a_huge_text_takes_no_time_to_speak_of() -> None:
    assert classify("max_tokens is too large " * 100_000).kind is not K.OVERFLOW


def test_a_number_beyond_belief_is_left_out() -> None:
    assert classify("request (999999999999 tokens) exceeds the available context size (0 tokens)").prompt is None
