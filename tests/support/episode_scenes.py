"""Homes that several episodes share: the story, an agent of either generation on Ollama, a llama-server's log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from support.episode_home import BASE, CODER, FEB, LABEL, NATIVE, NOON, SEP, STORY_PROMPT, Call, EpisodeHome, at, entry
from support.episode_logs import gin, load_b, load_c, start, timed, truncating

Lines = Iterable[str]
V1 = "http://127.0.0.1:11434/v1"
M2_ULTRA = ("--machine", "mac-studio-m2-ultra-64")
BODY_OVERHEAD = 8_700  # tokens that OpenClaw of February sends before the user's first word


def long_text(tokens: int) -> str:
    """Return a user's message that makes the whole prompt about so many tokens, at four characters each."""
    return "x" * (4 * (tokens - BODY_OVERHEAD))


def story(
    root: Path,
    *,
    log: bool = True,
    truncated: bool = True,
    text: str = "hello",
    counted: int = 0,
    counters: Mapping[str, object] | None = None,
    error: str = "Request timed out.",
    seconds: float = 908.02,
) -> EpisodeHome:
    """Return the home of 18 February 2026: one call of 908 s that hides three attempts."""
    home = EpisodeHome(root).coder()
    home.openclaw([entry()], base_url=V1, defaults={"timeoutSeconds": 1800}, head="// mine\n")
    calls = [Call(at(-800), 15.4, 9112, 318), Call(NOON, seconds, counted, 0, error, text=text)]
    home.transcript(calls, counters=counters)
    if log:
        cut = [truncating(at(7), STORY_PROMPT, LABEL)] if truncated else []
        ends = [gin(at(302), 500, "5m2s"), gin(at(604.9), 500, "5m2s"), gin(at(908), 500, "5m2s")]
        home.ollama_log(start(), load_b(home.blob), cut, ends)
    return home


def february(
    root: Path,
    calls: Sequence[Call] = (),
    *,
    window: int = LABEL,
    model: str = CODER,
    num_ctx: int | None = LABEL,
    api: str = "ollama",
    base_url: str = "http://127.0.0.1:11434",
    timeout: int | None = 3600,
    log: Callable[[EpisodeHome], Sequence[str | Lines]] | None = None,
    **counters: object,
) -> EpisodeHome:
    """Return a home of OpenClaw 2026.2.17 with one model of Ollama."""
    home = EpisodeHome(root).coder(num_ctx, model) if model != BASE else EpisodeHome(root).coder(None)
    defaults = {"timeoutSeconds": timeout} if timeout else None
    home.openclaw([entry(model, window)], primary=f"ollama/{model}", api=api, base_url=base_url, defaults=defaults)
    home.transcript(calls, model=model, api=api, counters=counters)
    return home.ollama_log(*log(home)) if log else home


def september(
    root: Path,
    calls: Sequence[Call] = (),
    *,
    model: str = BASE,
    made: Mapping[str, object] | None = None,
    api: str = "ollama",
    provider: str = "ollama",
    base_url: str = "http://127.0.0.1:11434",
    provider_more: Mapping[str, object] | None = None,
    defaults: Mapping[str, object] | None = None,
    log: Callable[[EpisodeHome], Sequence[str | Lines]] | None = None,
) -> EpisodeHome:
    """Return a home of OpenClaw 2026.9.6 whose entry holds all three numbers at the native context."""
    home = EpisodeHome(root).coder(None)
    whole = entry(model, NATIVE, contextTokens=NATIVE, params={"num_ctx": NATIVE})
    home.openclaw(
        [dict(made) if made is not None else whole],
        version=SEP,
        primary=f"{provider}/{model}",
        api=api,
        provider=provider,
        base_url=base_url,
        provider_more=provider_more,
        defaults=defaults,
    )
    home.store(calls, model=model, api=api, provider=provider)
    return home.ollama_log(*log(home)) if log else home


def era_b(home: EpisodeHome) -> list[Lines]:
    """Ollama 0.16.2 on the M2 Ultra, the model loaded with the label's context."""
    return [start(), load_b(home.blob)]


def era_c(context: int = NATIVE) -> Callable[[EpisodeHome], list[Lines]]:
    """Ollama 0.33.0 on the M2 Ultra."""
    return lambda home: [start("0.33.0"), load_c(home.blob, context)]


def four_attempts(text: str) -> list[Call]:
    """Four native attempts of 302 s with growing back-off, as 2026.2.17 makes them."""
    calls: list[Call] = []
    moment: datetime = NOON
    for number, pause in enumerate((0, 2, 4, 8)):
        calls.append(Call(moment, 302.0 + pause, error="fetch failed", text=text, same_turn=number > 0))
        moment = calls[-1].end
    return calls


def idle_twice(text: str = "hello") -> list[Call]:
    """Two attempts that the watchdogs of 2026.9.6 end at 300 s."""
    said = "LLM idle timeout (300s): no response from model"
    return [
        Call(NOON, 300.2, error=said, text=text),
        Call(at(300.8), 303.9, error=said, text=text, same_turn=True),
    ]


def llama_server(
    context: int, slots: int = 1, *, unified: bool = False, native: int = NATIVE, more: Sequence[str] = ()
) -> list[str]:
    """Return the start of a llama-server's own log at verbosity 4."""
    each = context if unified else context // slots
    return timed(
        [
            "cmn  common_param: common_params_print_info: build 10434 (7e4c0a9) with GNU 11.4.0 for Linux x86_64",
            "srv    load_model: loading model 'models/qwen3-coder-30b.gguf'",
            f"print_info: n_ctx_train           = {native}",
            f"llama_context: n_seq_max             = {slots}",
            f"llama_context: n_ctx                 = {context}",
            f"llama_context: n_ctx_seq             = {each}",
            "llama_context: n_batch               = 2048",
            "llama_context: n_ubatch              = 512",
            "llama_context: flash_attn            = enabled",
            *more,
            f"srv    load_model: initializing, n_slots = {slots}, n_ctx_slot = {min(each, native)}, "
            f"kv_unified = '{str(unified).lower()}'",
            "srv  llama_server: model loaded",
            "srv  llama_server: listening on http://127.0.0.1:8080",
        ]
    )


__all__ = [
    "FEB",
    "M2_ULTRA",
    "V1",
    "era_b",
    "era_c",
    "february",
    "four_attempts",
    "idle_twice",
    "llama_server",
    "long_text",
    "september",
    "story",
]
