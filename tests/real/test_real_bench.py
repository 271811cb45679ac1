"""Bench against real engines: its costs are those of the engine's own log; what it says of cache and cancel is so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.real_llama_server import RealServer, real_llama_server
from support.real_ollama import BINARY, MODEL, RealOllama, real_ollama
from support.real_truelimit import TrueLimit
from truelimit.adapters.files.server_log import read_server_log
from truelimit.adapters.store.measurements import measurements
from truelimit.domain.facts import Stack
from truelimit.domain.machine import UNKNOWN_MACHINE
from truelimit.domain.server import AnswerWritten, PromptRead, RequestCancelled, Server, ServerKind
from truelimit.limits.log_rates import decode_points, prefill_points
from truelimit.limits.measured import measured_rates
from truelimit.perf.decode import fit_decode
from truelimit.perf.prefill import fit_prefill

pytestmark = pytest.mark.real
_NEAR = 0.02  # seconds or shares: two clocks of one engine


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    with real_llama_server(tmp_path_factory.mktemp("llama"), context=4096) as running:
        yield running


@pytest.fixture(scope="module")
def benched(server: RealServer, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    data = tmp_path_factory.mktemp("data")
    limits = ("--depths", "300,800,1600", "--answer-tokens", "24", "--repeats", "2", "--max-seconds", "120")
    done = TrueLimit(data)("bench", server.url, *limits, "--json")
    assert done.status == 0, done.errors
    assert done.errors == ""
    return done.json, data


def logged(server: RealServer) -> Stack:
    log = read_server_log(server.log)
    kept = Server(ServerKind.LLAMA_SERVER, "log", events=log.events)
    return Stack("m", None, None, kept, None, None, UNKNOWN_MACHINE)


def test_each_measured_time_is_in_the_engines_own_log(benched: tuple[dict[str, Any], Path], server: RealServer) -> None:
    """What bench took as (tokens, seconds) of reading and writing, the engine has written down itself."""
    found, _ = benched
    events = read_server_log(server.log).events
    read = [(int(e.evaluated), float(e.seconds)) for e in events if isinstance(e, PromptRead)]
    wrote = [(int(e.tokens), float(e.seconds)) for e in events if isinstance(e, AnswerWritten)]
    for point in found["points"]:
        own = read if point["kind"] == "prefill" else wrote
        assert any(
            tokens == point["tokens"] and seconds == pytest.approx(point["seconds"], abs=0.01)
            for tokens, seconds in own
        ), (point, own)


def test_the_costs_are_those_that_the_log_gives(benched: tuple[dict[str, Any], Path], server: RealServer) -> None:
    """The log also has the cancelled prompt and batches of 256, so the two agree within noise, not to the digit."""
    found, _ = benched
    stack = logged(server)
    read, write = fit_prefill(prefill_points(stack)), fit_decode(decode_points(stack))
    assert read is not None
    assert write is not None
    ours = found["prefill"]
    for tokens in (800, 1600):
        by_log = read.a * tokens + read.b * tokens**2 / 2
        by_bench = ours["a"] * tokens + ours["b"] * tokens**2 / 2
        assert by_bench == pytest.approx(by_log, rel=0.5)
    by_log, by_bench = write.c + write.d * 900, found["decode"]["c"] + found["decode"]["d"] * 900
    assert by_bench == pytest.approx(by_log, rel=0.5)


def test_intervals_hold_their_costs(benched: tuple[dict[str, Any], Path]) -> None:
    found, _ = benched
    for fit, keys in (("prefill", "ab"), ("decode", "cd")):
        for key in keys:
            span = found[fit]["intervals"][key]
            assert span["low"] <= found[fit][key] <= span["high"]


def test_prompts_have_their_size_and_no_new_head_was_in_the_cache(benched: tuple[dict[str, Any], Path]) -> None:
    found, _ = benched
    for row in found["depths"]:
        assert row["prompt_tokens"] == pytest.approx(row["depth"], rel=0.02)
        assert row["first_token"] >= row["prefill"] - _NEAR
        assert row["headers"] < 5
    assert found["cache"]["works"] is True
    assert found["cache"]["reused_tokens"]["value"] == found["cache"]["prompt_tokens"] - 1
    assert found["cache"]["changed_head_tokens"] <= 2


def test_the_cancel_is_in_the_log(benched: tuple[dict[str, Any], Path], server: RealServer) -> None:
    found, _ = benched
    cancel = found["cancel"]
    assert cancel is not None
    cancelled = [e for e in read_server_log(server.log).events if isinstance(e, RequestCancelled)]
    if cancel["stopped"]:
        assert cancel["kept_tokens"]["value"] < cancel["prompt_tokens"]
        assert cancelled
        assert cancel["kept_tokens"]["value"] == cancelled[-1].tokens
    else:
        assert cancel["kept_tokens"]["value"] >= 0.97 * cancel["prompt_tokens"]


def test_the_measurement_is_read_back_as_rates(benched: tuple[dict[str, Any], Path], server: RealServer) -> None:
    found, data = benched
    kept = measurements(data)
    prefill, decode = measured_rates(kept, found["model"]["name"], server.url)
    assert prefill is not None
    assert decode is not None
    assert prefill.a == found["prefill"]["a"]
    assert decode.c == found["decode"]["c"]


def test_bounds_hold(server: RealServer, tmp_path: Path) -> None:
    done = TrueLimit(tmp_path)("bench", server.url, "--max-seconds", "12", "--json")
    assert done.json["seconds"] < 14
    assert done.json["notes"]
    dry = TrueLimit(tmp_path)("bench", server.url, "--dry-run", "--json").json
    assert dry["plan"]["expected_seconds"] > 0


@pytest.fixture(scope="module")
def ollama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealOllama]:
    if not (BINARY and MODEL):
        pytest.skip("TRUELIMIT_REAL_OLLAMA and TRUELIMIT_REAL_MODEL are not set")
    with real_ollama(tmp_path_factory.mktemp("home")) as running:
        running.import_model("smollm2:base", Path(MODEL or ""))
        running.create("smollm2:v-2k", {"from": "smollm2:base", "parameters": {"num_ctx": 2048}})
        yield running


def test_ollama_is_measured_through_its_own_context(ollama: RealOllama, tmp_path: Path) -> None:
    limits = ("--depths", "250,600,1200", "--answer-tokens", "16", "--repeats", "1", "--max-seconds", "120")
    done = TrueLimit(tmp_path)("bench", ollama.url, "--model", "smollm2:v-2k", "--cold", *limits, "--json")
    found = done.json
    assert found["server"]["kind"] == "ollama"
    assert found["server"]["context"] == 2048
    assert found["load"]["asked"] is True
    assert found["load"]["seconds"] > 0
    assert found["prefill"] is not None
    assert found["decode"] is not None
    for row in found["depths"]:
        assert row["prompt_tokens"] == pytest.approx(row["depth"], rel=0.12)
        assert row["headers"] == pytest.approx(row["first_token"], abs=0.5), "no byte before the first token"
        assert row["prefill"] <= row["first_token"] + 0.1
    assert measurements(tmp_path)[0].model.quantization == "Q4_1"


def test_ollama_offers_its_names(ollama: RealOllama, tmp_path: Path) -> None:
    done = TrueLimit(tmp_path)("bench", ollama.url, "--model", "smollm2:base-128k")
    assert done.status == 2
    assert "there are: smollm2:base, smollm2:v-2k" in done.errors
