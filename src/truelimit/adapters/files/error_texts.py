"""What error texts of agents, client libraries and servers mean, whoever wrote them.

Texts were recorded from OpenClaw 2026.2.17 and 2026.9.6, Ollama 0.24.0 to 0.33.0, llama-server b10434 and later, vLLM,
LM Studio, SGLang, opencode, Codex, Claude Code, Qwen Code and Node's fetch (undici).

Only the known phrase and its numbers are kept: an unknown text is described, never quoted, since it may hold a prompt
or a key.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from truelimit.domain.message import said
from truelimit.domain.session import CallError, ErrorKind
from truelimit.units import Seconds, Tokens

LONGEST_READ = 16_384
LONGEST_KEPT = 200
_LARGEST_TOKENS = 10**9


@dataclass(frozen=True, slots=True)
class _Known:
    """A known text. Groups ``prompt``, ``context`` (tokens), ``s`` and ``ms`` (durations) are read where they match."""

    kind: ErrorKind
    pattern: str


_N = r"(\d{1,12})"
_PROMPT = r"(?P<prompt>\d{1,12})"
_CONTEXT = r"(?P<context>\d{1,12})"
_MS = r"(?P<ms>\d{1,12})"
_S = r"(?P<s>\d{1,9}(?:\.\d{1,6})?)"


def _known(kind: ErrorKind, *patterns: str) -> tuple[_Known, ...]:
    return tuple(_Known(kind, pattern) for pattern in patterns)


# The order matters: the first pattern that matches decides, and texts with numbers come before those without.
_TEXTS = (
    *_known(
        ErrorKind.WINDOW_TOO_SMALL,
        rf"model context window too small \({_CONTEXT} tokens(?:; source=\w{{1,40}})?\)(?:\. minimum is {_N})?",
        r"blocked model \(context window too small\)",
    ),
    *_known(
        ErrorKind.OVERFLOW,
        rf"request \({_PROMPT} tokens\) exceeds the available context size \({_CONTEXT} tokens\)",
        rf"maximum context length is {_CONTEXT} tokens\. however, "
        rf"(?:you requested|your request has|your prompt contains) {_N} (?:input |prompt )?tokens"
        rf"(?: \({_N} in the messages, {_N} in the completion\))?",
        rf"maximum context length is {_CONTEXT} tokens\. however, "
        rf"you requested {_N} output tokens and your prompt contains (?:at least )?{_PROMPT} input tokens",
        rf"maximum context length is {_CONTEXT} tokens\. however, your messages resulted in {_PROMPT} tokens",
        rf"'?max_tokens'?.{{0,120}}? is too large.{{0,200}}?maximum context length is {_CONTEXT} tokens.{{0,80}}?"
        rf"your request has {_PROMPT} input tokens",
        rf"'?max_tokens'?.{{0,120}}? is too large.{{0,200}}?your request has {_PROMPT} input tokens",
        rf"input \({_PROMPT} tokens\) is longer than the model's context length \({_CONTEXT} tokens\)",
        rf"maximum context length is {_CONTEXT} tokens",
        rf"requested token count exceeds the model's maximum context length of {_CONTEXT} tokens",
        rf"input length \({_PROMPT} tokens\) exceeds the model's maximum context length \({_CONTEXT} tokens\)",
        rf"greater than the context length \(n_keep: {_PROMPT}\s?>= n_ctx: {_CONTEXT}\)",
        rf"trying to keep the first {_PROMPT} tokens when context the overflows.{{0,120}}?"
        rf"context length of only {_CONTEXT} tokens",
        rf"reached context length of {_CONTEXT} tokens",
        rf"prompt too long; exceeded max context length by {_N} tokens",
        r"the prompt is longer than the context length currently available to the model",
        r"the input length exceeds the context length",
        r"the request exceeds the available context size",
        r"context size has been exceeded",
        r"exceed_context_size_error",
        r"context_length_exceeded",
        r"context overflow: prompt too large for the model",
        r"context limit exceeded",
        r"prompt is too long",
        r"ran out of room in the model's context window",
        r"session too large to compact",
        r"contextoverflowerror",
        r"request exceeds the model's context window",
    ),
    *_known(
        ErrorKind.OUT_OF_MEMORY,
        r"model requires more (?:system|gpu) memory \([\d.]{1,12} [KMGT]?i?B\) "
        r"than is available \([\d.]{1,12} [KMGT]?i?B\)",
        r"model requires more (?:system|gpu) memory(?: than is currently available)?",
        r"memory layout cannot be allocated(?: with num_gpu = \d{1,6})?",
        r"unable to load full model on gpu",
        r"cudaMalloc failed: out of memory",
        r"too large for system",
        r"failed to allocate (?:buffer|compute buffers?|kv cache)",
        r"kIOGPUCommandBufferCallbackErrorOutOfMemory",
        r"ErrorOutOfDeviceMemory",
        r"\bout of memory\b",
    ),
    *_known(
        ErrorKind.LOAD_TIMEOUT,
        r"timed out waiting for llama[ -]?(?:runner|server)? ?to start(?: - progress [\d.]{1,8})?",
        r"timed out waiting for llama",
    ),
    *_known(
        ErrorKind.ENGINE_CRASH,
        r"model runner has unexpectedly stopped",
        r"llama-server process has terminated(?:: (?:exit status \w{1,12}|signal: \w{1,20}))?",
        r"llama runner process (?:has terminated|no longer running)(?:: (?:exit status \w{1,12}|signal: \w{1,20}))?",
    ),
    *_known(
        ErrorKind.BUSY,
        r"server busy, please try again",
        r"maximum pending requests exceeded",
        r"\b503\b.{0,80}?loading model",
        r"no slot available",
    ),
    *_known(
        ErrorKind.TIMEOUT,
        rf"llm idle timeout \({_S}s\)(?:: no response from model)?",
        rf"embedded run timeout:.{{0,200}}?timeoutMs={_MS}",
        rf"fetch timeout after {_MS}ms(?: \(elapsed {_N}ms\))?",
        rf"provider response headers timed out after {_MS}ms",
        rf"no stream activity for {_MS}ms",
        rf"request timeout after {_S}s",
        r"request timed out before a response was generated",
        r"did not produce a response before the model idle timeout",
        r"llm request timed out",
        r"request timed out",
        r"headers timeout error",
        r"body timeout error",
        r"UND_ERR_(?:HEADERS|BODY)_TIMEOUT",
        r"sse read timed out",
        r"no data arrived within the connection idle limit",
        r"the operation timed out",
        r"deadline exceeded",
        r"operation was aborted due to timeout",
        r"this operation was aborted",
        r"gateway time-?out",
        r"\bETIMEDOUT\b",
    ),
    *_known(
        ErrorKind.CONNECTION,
        r"fetch failed",
        r"connection error",
        r"\bE(?:CONNREFUSED|CONNRESET|PIPE|HOSTUNREACH|NETUNREACH|NOTFOUND)\b",
        r"socket hang up",
        r"other side closed",
        r"connection (?:refused|reset)",
        r"^\W{0,3}terminated\b",
        r"network error",
        r"bad gateway",
    ),
    *_known(
        ErrorKind.CANCELLED,
        r"request was aborted",
        r"aborted by user",
        r"^\W{0,3}aborted\W{0,3}$",
        r"cancell?ed by user",
    ),
    *_known(
        ErrorKind.OTHER,
        r"provider rejected the request schema or tool payload",
        r"no api provider registered for api",
        r"preflight compaction required but failed",
        r"provider internal error, http \d{3}",
        r"model_not_found",
        r"not found, try pulling it first",
        r"\b(?:unauthori[sz]ed|invalid api key|authentication)\b",
        r"rate limit",
    ),
)

# A key that a text tells its reader to raise.
_ADVICE = re.compile(
    r"agents\.defaults\.timeoutSeconds|models\.providers\.(?:<id>|[\w-]{1,60})\.timeoutSeconds"
    r"|agents\.defaults\.compaction\.reserveTokensFloor|reserveTokensFloor|streamIdleTimeoutMs"
)
_JSON_PROMPT = re.compile(r'n_prompt_tokens\\*"?\s*:\s*(\d{1,12})')
_JSON_CONTEXT = re.compile(r'n_ctx\\*"?\s*:\s*(\d{1,12})')
_IN_MESSAGES = re.compile(rf"\({_N} in the messages")
_REQUESTED = re.compile(
    rf"(?:you requested|your request has|prompt contains(?: at least)?|resulted in) {_N} (?!output)", re.IGNORECASE
)
_STATUS = re.compile(r"(?:^|error |http |status )(\d{3})\b", re.IGNORECASE)
# The agent shows these instead of the server's own words: what they stand for is not what they say.
_MISREAD_AS = re.compile(r"provider rejected the request schema or tool payload|usually temporary", re.IGNORECASE)
_NEVER_RECOGNISED = "the prompt is longer than the context length currently available"


def classify(text: str) -> CallError:
    """Return what an error text means: its kind, a short text without content, and the numbers that it names.

    Never raises and never quotes an unknown text. "This operation was aborted" counts as a timeout, because it is what
    a run that its own timer ended leaves behind; whether a person did it only other evidence can tell.
    ``misread`` is set where the text shows that an agent hid the meaning (an overflow shown as a schema error).
    """
    text = text[:LONGEST_READ]
    for kind, pattern in _compiled():
        match = pattern.search(text)
        if match is not None:
            return _read(kind, match, text)
    return CallError(ErrorKind.OTHER, _unknown(text), advice_key=_advice(text))


@functools.cache
def _compiled() -> tuple[tuple[ErrorKind, re.Pattern[str]], ...]:
    """Return the known texts, compiled when the first error is met: most runs meet none."""
    return tuple((known.kind, re.compile(known.pattern, re.IGNORECASE)) for known in _TEXTS)


def _read(kind: ErrorKind, match: re.Match[str], text: str) -> CallError:
    groups = match.groupdict()
    prompt, context = _tokens(groups.get("prompt")), _tokens(groups.get("context"))
    if kind is ErrorKind.OVERFLOW:
        prompt = prompt or _named(text, _JSON_PROMPT, _IN_MESSAGES, _REQUESTED)
        context = context or _named(text, _JSON_CONTEXT)
    return CallError(
        kind,
        _short(match, text),
        prompt,
        context,
        _seconds(groups),
        misread=_is_misread(kind, text),
        advice_key=_advice(text),
    )


def _short(match: re.Match[str], text: str) -> str:
    """Return the known phrase with the HTTP status, in one line. Gaps between phrases were bounded by the pattern."""
    status = _status(text)
    phrase = " ".join(match.group(0).split())
    if "timeoutMs=" in phrase:
        phrase = f"embedded run timeout: timeoutMs={match.group('ms')}"
    elif "is too large" in phrase.lower():
        phrase = f"max_tokens is too large: your request has {match.group('prompt')} input tokens"
    elif "when context the overflows" in phrase:
        phrase = f"context length of only {match.group('context')} tokens, prompt of {match.group('prompt')}"
    elif "loading model" in phrase.lower():
        phrase = "loading model"
    return f"{status}{phrase}"[:LONGEST_KEPT]


def _unknown(text: str) -> str:
    return said("{status}text not recognised ({size} characters)", status=_status(text), size=len(text))


def _status(text: str) -> str:
    match = _STATUS.search(text[:80])
    return f"HTTP {match.group(1)}: " if match and 400 <= int(match.group(1)) < 600 else ""


def _is_misread(kind: ErrorKind, text: str) -> bool:
    if kind not in {ErrorKind.OVERFLOW, ErrorKind.OUT_OF_MEMORY, ErrorKind.ENGINE_CRASH}:
        return False
    return _MISREAD_AS.search(text) is not None or _NEVER_RECOGNISED in text.lower()


def _advice(text: str) -> str | None:
    match = _ADVICE.search(text)
    if match is None:
        return None
    key = match.group(0)
    return "agents.defaults.compaction.reserveTokensFloor" if key == "reserveTokensFloor" else key


def _seconds(groups: dict[str, str | None]) -> Seconds | None:
    if groups.get("ms"):
        return Seconds(int(groups["ms"] or 0) / 1000)
    return Seconds(float(groups["s"] or 0)) if groups.get("s") else None


def _named(text: str, *patterns: re.Pattern[str]) -> Tokens | None:
    for pattern in patterns:
        match = pattern.search(text)
        if match is not None:
            return _tokens(match.group(1))
    return None


def _tokens(digits: str | None) -> Tokens | None:
    value = int(digits) if digits else 0
    return Tokens(value) if 0 < value <= _LARGEST_TOKENS else None
