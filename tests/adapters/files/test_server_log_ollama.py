"""Ollama's logs, both engines: one recorded, one composed, and one line for each form."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from support.server_log_text import OLLAMA_LOGS, log_of, of_kind, only, slog
from truelimit.adapters.files.server_log import read_server_log
from truelimit.domain.server import (
    BuffersReported,
    ContextChanged,
    Engine,
    EngineFailed,
    Event,
    LayersOffloaded,
    MessagesDropped,
    ModelEvicted,
    ModelLoaded,
    PromptProgress,
    PromptRead,
    PromptRefused,
    PromptStarted,
    PromptTruncated,
    RequestCancelled,
    RequestEnded,
    ServerKind,
)
from truelimit.units import from_gib, from_mib

ERA_B = OLLAMA_LOGS / "era_b_0.11.4_debug.log"
ERA_C = OLLAMA_LOGS / "era_c_0.33.0_composed.log"
PACIFIC = timezone(timedelta(hours=-7))


def test_era_b_start() -> None:
    log = read_server_log(ERA_B)
    assert (log.kind, log.engine) == (ServerKind.OLLAMA, Engine.OLLAMA_RUNNER)
    assert log.version is not None
    assert log.version.value == "0.11.4"
    assert log.environment["OLLAMA_CONTEXT_LENGTH"] == "4096"
    assert log.environment["OLLAMA_NUM_PARALLEL"] == "1"
    assert [device.library for device in log.devices] == ["cpu"]
    assert log.system_memory is not None
    assert log.system_memory.total == from_gib(23.5)
    assert log.invalid_options == ("num_ctxx",)
    assert log.damaged == 0


def test_era_b_loads() -> None:
    loads = of_kind(read_server_log(ERA_B), ModelLoaded)
    assert [(event.total_context, event.slots, event.context_per_slot, event.seconds) for event in loads] == [
        (512, 1, 512, 0.25),
        (8192, 1, 8192, 0.50),
        (8192, 1, 8192, 0.50),
        (512, 1, 512, 0.26),
    ]
    assert {(event.native_context, event.kv_type, event.flash_attention) for event in loads} == {(8192, "f16", False)}
    assert loads[0].model is not None
    assert "sha256-b179c9523d0e" in loads[0].model


def test_era_b_silent_truncation_and_cache() -> None:
    log = read_server_log(ERA_B)
    cut = of_kind(log, PromptTruncated)
    assert [(event.prompt, event.kept, event.limit) for event in cut] == [(529, 512, 512)] * 2 + [(1989, 512, 512)]
    started = of_kind(log, PromptStarted)
    assert (started[1].prompt, started[1].cached) == (512, 3)
    assert only(log, MessagesDropped).count == 2
    clamp = only(log, ContextChanged)
    assert (clamp.reason, clamp.asked, clamp.used) == ("clamped-to-native", 16384, 8192)


def test_era_b_times() -> None:
    log = read_server_log(ERA_B)
    gone = next(event for event in of_kind(log, RequestEnded) if event.status == 500)
    assert (gone.time, gone.seconds, gone.path) == (
        datetime(2026, 11, 25, 15, 0, 16, tzinfo=UTC),
        pytest.approx(2.010053538),
        "/api/generate",
    )
    waited = next(event for event in of_kind(log, RequestEnded) if event.seconds > 60)
    assert waited.seconds == 113, "behind the prompt that nobody waited for"
    last = of_kind(log, PromptStarted)[-2]
    assert last.time == datetime(2026, 11, 25, 15, 2, 9, 685000, tzinfo=UTC)


def test_era_c_start_keeps_no_secret() -> None:
    log = read_server_log(ERA_C)
    assert log.engine is Engine.LLAMA_SERVER
    assert log.tier is not None
    assert (log.tier.total_vram, log.tier.default_context) == (from_gib(48), 262144)
    assert log.devices[0].description == "Apple M2 Ultra"
    assert log.environment["LLAMA_ARG_CACHE_RAM"] == "8192"
    assert log.environment["OLLAMA_ORIGINS"].endswith("file://*]")
    assert not {"OLLAMA_API_KEY", "HTTPS_PROXY", "http_proxy"} & set(log.environment)
    assert "hunter2" not in repr(log)
    assert "sk-secret" not in repr(log)
    assert log.templates == {"qwen3-coder:30b": "go_template"}


def test_era_c_load_joins_the_command_and_the_engine() -> None:
    log = read_server_log(ERA_C)
    loaded = only(log, ModelLoaded)
    assert (loaded.total_context, loaded.slots, loaded.context_per_slot) == (4096, 1, 4096)
    assert (loaded.native_context, loaded.kv_type, loaded.flash_attention) == (8192, "f16", True)
    assert (loaded.seconds, loaded.batch) == (2.5, 128)
    assert loaded.time == datetime(2026, 8, 25, 9, 10, 2, 500000, tzinfo=PACIFIC)
    assert {event.kind: event.size for event in of_kind(log, BuffersReported)}["kv"] == from_mib(90)


def test_era_c_engine_lines_are_dated_by_their_request_not_by_a_line_hours_before() -> None:
    log = read_server_log(ERA_C)
    first, second = of_kind(log, PromptStarted)
    assert first.time == datetime(2026, 8, 25, 11, 14, 9, 400000, tzinfo=PACIFIC)
    assert second.time == datetime(2026, 8, 25, 13, 0, 4, 300000, tzinfo=PACIFIC)
    gone = of_kind(log, RequestCancelled)[0]
    assert (gone.time, gone.tokens) == (datetime(2026, 8, 25, 13, 0, 8, tzinfo=PACIFIC), 671)
    assert only(log, PromptRead).evaluated == 2750
    assert of_kind(log, PromptProgress)[0].seconds > 0


def test_era_c_limits_and_failures() -> None:
    log = read_server_log(ERA_C)
    assert [(event.reason, event.asked, event.used) for event in of_kind(log, ContextChanged)] == [
        ("clamped-to-native", 16384, 8192),
        ("out-of-memory", 262144, 32768),
    ]
    assert (only(log, PromptRefused).prompt, only(log, PromptRefused).context) == (9499, 4096)
    evicted = only(log, ModelEvicted)
    assert (evicted.predicted, evicted.available) == (from_gib(30), from_gib(20.5))
    assert [event.reason for event in of_kind(log, EngineFailed)] == ["out-of-memory", "load-timeout"]
    assert "kIOGPUCommandBufferCallbackErrorOutOfMemory" in of_kind(log, EngineFailed)[0].text


LOAD = (
    "{{Operation:{} LoraPath:[] Parallel:2 BatchSize:512 FlashAttention:true KvSize:262144 KvCacheType:q8_0 "
    "NumThreads:8 GPULayers:49[ID:0 Layers:49(0..48)] MultiUserCache:false ProjectorPath: MainGPU:0 UseMmap:false}}"
)


def test_load_request_of_the_go_runner(tmp_path: Path) -> None:
    log = log_of(
        tmp_path,
        slog("starting runner", 'cmd="/usr/bin/ollama runner --ollama-engine --model /b/sha256-aa --port 1"'),
        slog("load", f'request="{LOAD.format("fit")}"').replace("262144", "999"),
        slog("load", f'request="{LOAD.format("commit")}"').replace('msg="load"', "msg=load"),
        slog("model weights", 'device=Metal size="17.3 GiB"'),
        slog("kv cache", 'device=Metal size="24.0 GiB"'),
        slog("compute graph", 'device=Metal size="344.0 MiB"'),
        slog("total memory", 'size="41.6 GiB"'),
        slog("llama runner started in 12.34 seconds"),
    )
    loaded = only(log, ModelLoaded)
    assert (loaded.model, loaded.total_context, loaded.slots, loaded.context_per_slot) == (
        "/b/sha256-aa",
        262144,
        2,
        131072,
    )
    assert (loaded.kv_type, loaded.flash_attention, loaded.batch, loaded.seconds) == ("q8_0", True, 512, 12.34)
    assert {event.kind: event.size for event in of_kind(log, BuffersReported)} == {
        "model": from_gib(17.3),
        "kv": from_gib(24),
        "compute": from_mib(344),
        "total": from_gib(41.6),
    }


def test_command_line_of_llama_server(tmp_path: Path) -> None:
    command = (
        r"C:\Ollama\llama-server.exe --model C:\m\sha256-bb -c 65536 -np 4 --cache-type-k q8_0 --flash-attn on -b 2048"
    )
    log = log_of(tmp_path, slog("starting llama-server", f'cmd="{command}"'.replace("\\", "\\\\")))
    loaded = only(log, ModelLoaded)
    assert (loaded.model, loaded.total_context, loaded.slots, loaded.context_per_slot) == (
        "C:\\m\\sha256-bb",
        65536,
        4,
        16384,
    )
    assert (loaded.kv_type, loaded.flash_attention, loaded.batch, loaded.seconds) == ("q8_0", True, 2048, None)


ONE_LINE: list[tuple[str, Event]] = [
    (
        slog("requested context size too large for model", "num_ctx=262144 num_parallel=1 n_ctx_train=131072"),
        ContextChanged("", None, reason="clamped-to-native", asked=262144, used=131072),
    ),
    (
        slog("truncating input prompt", "limit=131072 prompt=146760 keep=4 new=131072", level="WARN"),
        PromptTruncated("", None, prompt=146760, kept=131072, limit=131072),
    ),
    (
        slog("truncating input messages which exceed context length", "truncated=12"),
        MessagesDropped("", None, count=12),
    ),
    (slog("truncating native chat messages which exceed context length", "truncated=3"), MessagesDropped("", None, 3)),
    (
        slog("loading cache slot", "id=0 cache=100 prompt=2299 used=2298 remaining=1", level="DEBUG"),
        PromptStarted("", None, task="slot 0", prompt=2299, cached=2298),
    ),
    (slog("cache hit", "total=9000 matched=8000 cached=8000 left=1000"), PromptStarted("", None, "mlx", 9000, 8000)),
    (slog("aborting completion request due to client closing the connection"), RequestCancelled("", None)),
    (slog("client connection closed before server finished loading, aborting load"), RequestCancelled("", None)),
    (
        slog("model request too large for system", 'requested="34.4 GiB" available="17.7 GiB"', level="WARN"),
        EngineFailed("", None, reason="out-of-memory", text="model request too large for system"),
    ),
    (
        slog("model requires more gpu memory than is currently available, evicting a model to make space"),
        ModelEvicted(
            "", None, "model requires more gpu memory than is currently available, evicting a model to make space"
        ),
    ),
    (
        slog("llm predict error: error:unexpected server status: llm server error", level="ERROR"),
        EngineFailed("", None, "crash", "llm predict error: error:unexpected server status: llm server error"),
    ),
    (
        slog(
            "error loading llama server", 'error="llama runner process has terminated: signal: killed"', level="ERROR"
        ),
        EngineFailed(
            "", None, "crash", "error loading llama server: llama runner process has terminated: signal: killed"
        ),
    ),
    (
        slog("error loading llama server", 'error="timed out waiting for llama runner to start - progress 0.42 - "'),
        EngineFailed(
            "",
            None,
            "load-timeout",
            "error loading llama server: timed out waiting for llama runner to start - progress 0.42 -",
        ),
    ),
    (
        slog("llama-server load failed; evicting all other models and retrying", "model=x"),
        ModelEvicted("", None, "llama-server load failed; evicting all other models and retrying"),
    ),
    ("load_tensors: offloaded 40/49 layers to GPU", LayersOffloaded("", None, offloaded=40, total=49)),
    (
        "alloc_buffer: allocating 24576.00 MiB on device 0: cudaMalloc failed: out of memory",
        EngineFailed(
            "",
            None,
            "out-of-memory",
            "alloc_buffer: allocating 24576.00 MiB on device 0: cudaMalloc failed: out of memory",
        ),
    ),
    (
        "/src/ggml.c:123: GGML_ASSERT(n < max) failed",
        EngineFailed("", None, "crash", "/src/ggml.c:123: GGML_ASSERT(n < max) failed"),
    ),
]


@pytest.mark.parametrize(("line", "expected"), ONE_LINE, ids=[text[40:90] for text, _ in ONE_LINE])
def test_one_line(tmp_path: Path, line: str, expected: Event) -> None:
    log = log_of(tmp_path, slog("Listening on 127.0.0.1:11434 (version 0.16.2)"), slog("starting ", 'cmd=""'), line)
    (event,) = log.events
    assert type(event) is type(expected)
    same = {name: getattr(event, name) for name in _fields(expected)}
    assert same == {name: getattr(expected, name) for name in _fields(expected)}
    assert event.where.endswith("(line 3)")
    assert event.time is not None


def _fields(event: Event) -> list[str]:
    return [name for name in type(event).__dataclass_fields__ if name not in {"where", "time"}]


def test_a_shortage_that_a_smaller_load_got_over_is_no_failure(tmp_path: Path) -> None:
    log = log_of(
        tmp_path,
        slog("starting runner", 'cmd="ollama runner --model /b/x"'),
        "alloc_buffer: allocating 24576.00 MiB on device 0: cudaMalloc failed: out of memory",
        slog("load", f'request="{LOAD.format("commit")}"'),
        slog("llama runner started in 3.00 seconds"),
    )
    assert of_kind(log, EngineFailed) == []
    assert only(log, ModelLoaded).seconds == 3.0


def test_a_shortage_and_the_end_of_the_engine_are_one_failure(tmp_path: Path) -> None:
    log = log_of(
        tmp_path,
        slog("Listening on x (version 0.16.2)"),
        "alloc_buffer: allocating 24576.00 MiB on device 0: cudaMalloc failed: out of memory",
        "llama_model_load: error loading model: unable to allocate CUDA0 buffer",
        slog("error loading llama server", 'error="llama runner process has terminated: exit status 2"', level="ERROR"),
    )
    failed = only(log, EngineFailed)
    assert failed.reason == "out-of-memory"
    assert failed.text.endswith("cudaMalloc failed: out of memory")


def test_what_users_wrote_is_never_taken_for_a_failure(tmp_path: Path) -> None:
    log = log_of(
        tmp_path,
        slog("harmony parser: odd tag", 'content="GGML_ASSERT panic: my private text"', level="WARN"),
        slog("aborting completion request due to client closing the connection"),
    )
    assert of_kind(log, EngineFailed) == []
    assert "private" not in repr(log)


def test_access_lines_take_the_offset_of_the_log_and_lose_their_query(tmp_path: Path) -> None:
    gin = '[GIN] 2026/02/18 - 11:20:04 | 500 |         5m0s |       127.0.0.1 | POST     "/v1/chat/completions?key=abc"'
    log = log_of(tmp_path, gin, slog("Listening on x (version 0.16.2)"))
    ended = only(log, RequestEnded)
    assert (ended.time, ended.status, ended.seconds, ended.path) == (
        datetime(2026, 2, 18, 11, 20, 4, tzinfo=timezone(timedelta(hours=-8))),
        500,
        300.0,
        "/v1/chat/completions",
    )


def test_access_lines_without_any_offset_are_utc_and_colours_do_not_matter(tmp_path: Path) -> None:
    gin = (
        '[GIN] 2026/02/18 - 11:20:04 |\x1b[97;42m 200 \x1b[0m|   93.5µs |  ::1 |\x1b[97;44m GET     \x1b[0m "/api/tags"'
    )
    ended = only(log_of(tmp_path, gin), RequestEnded)
    assert (ended.time, ended.seconds) == (datetime(2026, 2, 18, 11, 20, 4, tzinfo=UTC), pytest.approx(93.5e-6))


def test_lines_of_the_journal_are_read_too(tmp_path: Path) -> None:
    head = "Feb 18 11:15:04 box ollama[123]: "
    gin = '[GIN] 2026/02/18 - 11:20:04 | 200 | 20.02s | 127.0.0.1 | POST     "/api/chat"'
    log = log_of(tmp_path, head + slog("truncating input prompt", "limit=4096 prompt=9000 keep=4 new=4096"), head + gin)
    assert only(log, PromptTruncated).prompt == 9000
    assert only(log, RequestEnded).seconds == 20.02


def test_a_second_start_wins(tmp_path: Path) -> None:
    def start(version: str, context: int) -> list[str]:
        return [
            slog("server config", f'env="map[OLLAMA_CONTEXT_LENGTH:{context}]"'),
            slog(f"Listening on 127.0.0.1:11434 (version {version})"),
        ]

    log = log_of(tmp_path, *start("0.15.2", 4096), *start("0.16.0", 131072))
    assert log.version is not None
    assert (log.version.value, log.environment["OLLAMA_CONTEXT_LENGTH"]) == ("0.16.0", "131072")


def test_a_key_in_the_words_of_an_engine_is_not_quoted(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_text(
        'time=2026-02-18T11:00:00.000Z level=INFO source=routes.go:2 msg="Listening on 127.0.0.1:11434 '
        '(version 0.16.2)"\n'
        'time=2026-02-18T11:00:01.000Z level=ERROR source=server.go:7 msg="llm predict error: token=hunter2-and-more '
        'sk-abcdefghijklmnop1234"\n',
        encoding="utf-8",
    )
    text = next(event.text for event in read_server_log(log).events if isinstance(event, EngineFailed))
    assert "llm predict error" in text
    assert "hunter2" not in text
    assert "sk-abc" not in text
