"""Logs recorded from real llama-servers, and the forms of older builds."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.server_log_text import LLAMA_LOGS, log_of, of_kind, only
from truelimit.adapters.files.server_log import read_server_log
from truelimit.adapters.servers.llama_server.from_log import server_of
from truelimit.domain.facts import Facts
from truelimit.domain.provenance import Basis
from truelimit.domain.server import (
    AnswerWritten,
    BuffersReported,
    CacheEntryRefused,
    ContextChanged,
    Engine,
    EngineFailed,
    LayersOffloaded,
    ModelLoaded,
    PoolExhausted,
    PromptProgress,
    PromptRead,
    PromptRefused,
    PromptStarted,
    RequestCancelled,
    ServerKind,
)
from truelimit.limits.need import memory_settings
from truelimit.limits.stacks import stacks
from truelimit.units import from_mib

SLOT = "slot print_timing: id  0 | task 7 | "
RATE = "( 10.00 ms per token, 100.00 tokens per second)"
READ = f"1.00.000.000 I {SLOT}prompt eval time = 10000.00 ms /  1000 tokens {RATE}"
WRITTEN = f"1.00.000.000 I {SLOT}       eval time =   100.00 ms /    11 tokens {RATE}"
OPERATOR = "1.00.000.000 I slot   operator(): id  0 | task 7 | "


def test_default_verbosity_has_slots_and_rates() -> None:
    log = read_server_log(LLAMA_LOGS / "llama-server_b10434_default_verbosity3.log")
    assert (log.kind, log.engine) == (ServerKind.LLAMA_SERVER, Engine.LLAMA_SERVER)
    loaded = only(log, ModelLoaded)
    assert (loaded.slots, loaded.context_per_slot, loaded.total_context) == (4, 8192, None)
    assert loaded.model == "models/SmolLM2-135M-Instruct.Q4_1.gguf"
    assert loaded.seconds == pytest.approx(2.9017, abs=1e-3)
    assert loaded.where.endswith("(line 9)")
    assert log.unified_kv is not None
    assert log.unified_kv.value is True
    read = only(log, PromptRead)
    assert (read.task, read.evaluated, read.seconds) == ("0", 5, pytest.approx(1.52413))
    assert read.from_depth == 0, "36 in place = 0 cached + 5 read + 32 written - 1"


def test_the_first_token_of_an_answer_is_not_timed() -> None:
    log = read_server_log(LLAMA_LOGS / "llama-server_b10434_default_verbosity3.log")
    written = only(log, AnswerWritten)
    assert (written.tokens, written.depth) == (31, 5)
    assert written.tokens / written.seconds == pytest.approx(23.40, abs=0.01), "the rate that the log prints"


def test_cached_tokens_are_never_evaluated() -> None:
    log = read_server_log(LLAMA_LOGS / "llama-server_b10434_disconnects_verbosity4.log")
    started = {event.task: event for event in of_kind(log, PromptStarted)}
    assert (started["205"].prompt, started["205"].cached, started["205"].context) == (2751, 32, 4096)
    read = {event.task: event for event in of_kind(log, PromptRead)}
    assert (read["205"].evaluated, read["205"].from_depth) == (2719, 32)
    progress = [event for event in of_kind(log, PromptProgress) if event.task == "205"]
    assert [(event.tokens, event.evaluated, event.fraction, event.seconds) for event in progress[:2]] == [
        (672, 640, 0.24, 3.8),
        (800, 768, 0.29, 4.71),
    ]
    assert all(event.tokens == event.evaluated + 32 for event in progress)


def test_a_client_that_went_away() -> None:
    log = read_server_log(LLAMA_LOGS / "llama-server_b10434_disconnects_verbosity4.log")
    gone = [(event.task, event.tokens) for event in of_kind(log, RequestCancelled)]
    assert gone == [("196", 671), ("347", 416)]


def test_buffers_and_settings_of_a_load() -> None:
    log = read_server_log(LLAMA_LOGS / "xllamacpp_b11549_prompt_cache_too_small.log")
    loaded = only(log, ModelLoaded)
    assert (loaded.total_context, loaded.context_per_slot, loaded.native_context) == (2048, 2048, 8192)
    assert (loaded.kv_type, loaded.kv_type_v, loaded.flash_attention) == ("f16", "f16", True)
    assert (loaded.batch, loaded.ubatch) == (2048, 512)
    sizes = {event.kind: event.size for event in of_kind(log, BuffersReported)}
    assert sizes == {kind: from_mib(size) for kind, size in _SIZES.items()}


_SIZES = {"model": 92.10, "output": 0.19, "kv": 45.0, "compute": 16.64}


def test_a_conversation_too_large_for_the_prompt_cache() -> None:
    log = read_server_log(LLAMA_LOGS / "xllamacpp_b11549_prompt_cache_too_small.log")
    refused = of_kind(log, CacheEntryRefused)
    assert [(event.size, event.limit) for event in refused] == [
        (from_mib(15.873), from_mib(10)),
        (from_mib(17.632), from_mib(10)),
    ]
    assert log.prompt_cache is not None
    assert log.prompt_cache.value == from_mib(10)
    assert log.prompt_cache.where.endswith("(line 167)")


def test_a_prompt_cache_that_is_switched_off_is_known_to_be_nothing(tmp_path: Path) -> None:
    """The line of b11549 in the place of the recorded one: without it 8 GiB would be assumed."""
    recorded = (LLAMA_LOGS / "xllamacpp_b11549_prompt_cache_too_small.log").read_text(encoding="utf-8")
    off = "prompt cache is disabled - use `--cache-ram N` to enable it"
    path = tmp_path / "server.log"
    path.write_text(recorded.replace("prompt cache is enabled, size limit: 10 MiB", off), encoding="utf-8")
    server, _ = server_of(read_server_log(path), with_files=False)
    cache = server.settings.prompt_cache
    assert cache is not None
    assert (cache.value, cache.basis) == (0, Basis.REPORTED)
    assert cache.where.endswith("(line 167)")
    (stack,) = stacks(Facts(servers=(server,)))
    assert memory_settings(stack, 2048).prompt_cache == 0


def test_window_caches_of_gemma_and_offloaded_layers() -> None:
    log = read_server_log(LLAMA_LOGS / "llama-server_b10434_gemma3_verbosity4.log")
    kv = [event.size for event in of_kind(log, BuffersReported) if event.kind == "kv"]
    assert kv == [from_mib(3), from_mib(15)]
    assert (only(log, LayersOffloaded).offloaded, only(log, LayersOffloaded).total) == (19, 19)


def test_context_reduced_by_fit() -> None:
    log = read_server_log(LLAMA_LOGS / "xllamacpp_b11549_fit_reduces_context.log")
    changed = only(log, ContextChanged)
    assert (changed.reason, changed.asked, changed.used) == ("fit", 262144, 81152)
    assert only(log, ModelLoaded).total_context == 81152


def test_slot_capped_at_the_training_context() -> None:
    log = read_server_log(LLAMA_LOGS / "xllamacpp_b11549_ctx_above_training.log")
    changed = only(log, ContextChanged)
    assert (changed.reason, changed.asked, changed.used) == ("capped-slot", 16384, 8192)
    loaded = only(log, ModelLoaded)
    assert (loaded.total_context, loaded.context_per_slot, loaded.native_context) == (16384, 8192, 8192)
    assert log.address == "http://127.0.0.1:18501"


def test_a_load_that_failed_is_told_once_with_its_cause_and_is_no_load() -> None:
    log = read_server_log(LLAMA_LOGS / "xllamacpp_b11549_quantised_V_without_FA_error.log")
    failed = only(log, EngineFailed)
    assert (failed.reason, failed.text) == (
        "crash",
        "llama_init_from_model: quantized V cache requires flash_attn to be enabled",
    )
    assert of_kind(log, ModelLoaded) == []


def test_a_pool_that_parallel_requests_exhausted_is_no_cancelling_by_clients() -> None:
    log = read_server_log(LLAMA_LOGS / "llama-server_b10434_unified_kv_exhausted.log")
    assert only(log, PoolExhausted).tasks == 3
    assert of_kind(log, RequestCancelled) == []
    assert of_kind(log, EngineFailed) == []


def test_engine_lines_carry_no_date_of_their_own() -> None:
    log = read_server_log(LLAMA_LOGS / "llama-server_b10434_default_verbosity3.log")
    assert {event.time for event in log.events} == {None}


def test_timings_on_lines_of_their_own_as_in_2025(tmp_path: Path) -> None:
    log = log_of(
        tmp_path,
        "build: 6123 (79c1160b) with cc for x86_64-linux-gnu",
        "main: server is listening on http://127.0.0.1:8080 - starting the main loop",
        "srv    load_model: loading model '/m/a.gguf'",
        "srv          init: initializing slots, n_slots = 2",
        "slot         init: id  0 | task -1 | new slot n_ctx_slot = 4096",
        "slot update_slots: id  0 | task 0 | new prompt, n_ctx_slot = 4096, n_keep = 0, n_prompt_tokens = 11",
        "slot update_slots: id  0 | task 0 | kv cache rm [0, end)",
        "slot print_timing: id  0 | task 0 | ",
        "prompt eval time =     127.54 ms /    11 tokens (   11.59 ms per token,    86.25 tokens per second)",
        "       eval time =    1234.50 ms /    30 tokens (   41.15 ms per token,    24.30 tokens per second)",
        "slot      release: id  0 | task 0 | stop processing: n_past = 40, truncated = 0",
    )
    assert log.version is not None
    assert log.version.value == "b6123"
    loaded = only(log, ModelLoaded)
    assert (loaded.model, loaded.slots, loaded.context_per_slot) == ("/m/a.gguf", 2, 4096)
    read, written = only(log, PromptRead), only(log, AnswerWritten)
    assert (read.task, read.evaluated, read.from_depth) == ("0", 11, 0)
    assert (written.tokens, written.depth) == (30, 11), "builds that time every token"


def test_refusal_has_both_numbers(tmp_path: Path) -> None:
    line = (
        "srv    send_error: task id = 3, error: request (2488 tokens) exceeds the available context size (2048 tokens)"
    )
    log = log_of(tmp_path, "0.03.370.079 E " + line)
    refused = only(log, PromptRefused)
    assert (refused.prompt, refused.context) == (2488, 2048)


def test_a_refused_prompt_was_neither_started_nor_cancelled(tmp_path: Path) -> None:
    log = log_of(
        tmp_path,
        f"{OPERATOR}new prompt, n_ctx_slot = 2048, n_keep = 0, task.n_tokens = 27301",
        "0.00.774.732 E srv    send_error: task id = 7, error: request (27301 tokens) exceeds the available context "
        "size (2048 tokens), try increasing it",
        "0.00.774.756 I slot      release: id  1 | task 7 | stop processing: n_tokens = 0, truncated = 0",
        "0.00.774.938 W srv          stop: cancel task, id_task = 7",
    )
    (event,) = log.events
    assert isinstance(event, PromptRefused)


def test_a_prompt_cancelled_before_any_other_line_of_it(tmp_path: Path) -> None:
    log = log_of(
        tmp_path,
        "0.00.774.938 W srv          stop: cancel task, id_task = 7",
        "0.00.774.956 I slot      release: id  1 | task 7 | stop processing: n_tokens = 300, truncated = 0",
    )
    assert only(log, RequestCancelled).tokens == 300


def _progress(n_tokens: int, fraction: float, seconds: float, rate: float) -> str:
    return (
        f"1.00.000.000 I {SLOT}prompt processing, n_tokens = {n_tokens:6d}, progress = {fraction:.2f}, "
        f"t = {seconds:6.2f} s / {rate:.2f} tokens per second"
    )


def test_progress_at_default_verbosity_takes_the_cached_part_from_the_end(tmp_path: Path) -> None:
    log = log_of(
        tmp_path,
        _progress(500, 0.75, 5.0, 100.0),
        READ,
        WRITTEN,
        "1.00.000.000 I slot      release: id  0 | task 7 | stop processing: n_tokens = 2010, truncated = 0",
    )
    progress = only(log, PromptProgress)
    assert (progress.evaluated, progress.tokens) == (500, 1500)
    assert only(log, PromptRead).from_depth == 1000
    assert only(log, AnswerWritten).depth == 2000


def test_nothing_follows_from_the_end_of_an_answer_that_was_cut(tmp_path: Path) -> None:
    log = log_of(
        tmp_path,
        READ,
        WRITTEN,
        "1.00.000.000 I slot      release: id  0 | task 7 | stop processing: n_tokens = 2010, truncated = 1",
    )
    assert only(log, PromptRead).from_depth is None


def test_a_cancelled_prompt_at_default_verbosity_takes_the_cached_part_from_the_fractions(tmp_path: Path) -> None:
    log = log_of(
        tmp_path,
        _progress(1000, 0.30, 10.0, 100.0),  # (2000 + 1000) / 10000
        _progress(5000, 0.70, 50.0, 100.0),
        "1.00.000.000 W srv          stop: cancel task, id_task = 7",
        "1.00.000.000 I slot      release: id  0 | task 7 | stop processing: n_tokens = 7200, truncated = 0",
    )
    assert [(event.evaluated, event.tokens) for event in of_kind(log, PromptProgress)] == [(1000, 3000), (5000, 7000)]
    assert only(log, RequestCancelled).tokens == 7200


def test_progress_too_short_to_tell_the_cached_part_claims_nothing_evaluated(tmp_path: Path) -> None:
    log = log_of(tmp_path, _progress(1000, 0.30, 10.0, 100.0))
    assert only(log, PromptProgress).evaluated is None


def test_builds_whose_progress_counts_the_cached_part(tmp_path: Path) -> None:
    log = log_of(
        tmp_path,
        f"{OPERATOR}new prompt, n_ctx_slot = 9000, n_keep = 0, task.n_tokens = 5000",
        f"{OPERATOR}cached n_tokens = 1000, memory_seq_rm [1000, end)",
        _progress(3000, 0.60, 20.0, 100.0),
    )
    progress = only(log, PromptProgress)
    assert (progress.evaluated, progress.tokens) == (2000, 3000)


def test_a_task_number_used_again_starts_anew(tmp_path: Path) -> None:
    def prompt(tokens: int, cached: int) -> list[str]:
        head = "1.00.000.000 I slot   operator(): id  0 | task 0 | "
        return [
            f"{head}new prompt, n_ctx_slot = 9000, n_keep = 0, task.n_tokens = {tokens}",
            f"{head}cached n_tokens = {cached}, memory_seq_rm [{cached}, end)",
        ]

    log = log_of(tmp_path, *prompt(5000, 10), *prompt(6000, 4000))
    assert [(event.prompt, event.cached) for event in of_kind(log, PromptStarted)] == [(5000, 10), (6000, 4000)]
