"""Incidents on a real llama-server, told apart: a refusal, a wall, a user who left, and an engine that was killed."""

from __future__ import annotations

import os
import signal
import sys
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.real_calls import RealCall, ask, wait_for, words, write_transcript
from support.real_llama_server import RealServer, real_llama_server
from support.real_truelimit import TrueLimit, named

pytestmark = pytest.mark.real
MODEL = "smollm2"
CONFIG = """{
  meta: { lastTouchedVersion: "2026.2.17" },
  models: { providers: { local: {
    baseUrl: "@URL@/v1", apiKey: "local-key", api: "openai-completions",
    models: [{ id: "smollm2", name: "SmolLM2", reasoning: false, input: ["text"],
      cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 }, contextWindow: 8192, maxTokens: 256 }],
  } } },
  agents: { defaults: { model: { primary: "local/smollm2" } } },
}
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RealServer, RealCall]]:
    """A server with its whole context, and one prompt that it read to the end, so that its log tells its rate."""
    with real_llama_server(tmp_path_factory.mktemp("whole"), context=8192) as server:
        call = ask(server.url, MODEL, words(150, "alpha"))
        assert call.status == 200, call.error
        yield server, call


def diagnose(home: Path, server: RealServer, calls: list[RealCall], *more: str | Path) -> dict[str, Any]:
    """Return what the doctor says of these calls, the server's address and its log, and nothing else."""
    transcript = write_transcript(home / "kept" / "s1.jsonl", calls, provider="local")
    (home / ".openclaw").mkdir(exist_ok=True)
    (home / ".openclaw" / "openclaw.json").write_text(CONFIG.replace("@URL@", server.url), encoding="utf-8")
    where = ("--home", home, "--server", server.url, "--log", server.log, "--session", transcript)
    return TrueLimit(home / "data")("doctor", *where, *more, "--json").json


def ladders(document: dict[str, Any]) -> dict[str, Any]:
    found = named(document["ladders"], model="local/smollm2")
    assert isinstance(found, dict)
    return found


def codes(document: dict[str, Any]) -> set[str]:
    return {item["code"] for item in document["findings"]}


def terms(calculation: dict[str, Any]) -> dict[str, Any]:
    return {item["name"]: item for item in calculation["terms"]}


def is_idle(server: RealServer) -> bool:
    """Whether no request is left: by /metrics, asked once in 2 s (more often would keep the engine from seeing it)."""
    with urllib.request.urlopen(f"{server.url}/metrics", timeout=30) as reply:
        return b"llamacpp:requests_processing 0" in reply.read()


def test_a_refusal_names_both_numbers_and_what_to_restart_with(tmp_path: Path) -> None:
    with real_llama_server(tmp_path, context=2048) as server:
        answered = ask(server.url, MODEL, words(30, "alpha"))
        refused = ask(server.url, MODEL, words(300, "beta"))
        assert (answered.status, refused.status) == (200, 400)
        assert "exceed_context_size_error" in refused.body
        document = diagnose(tmp_path, server, [answered, refused])
    incident = named(document["incidents"], cause="overflow")
    assert incident["explained"]
    assert f'"n_prompt_tokens":{incident["prompt_tokens"]},' in refused.body
    assert 2048 < incident["prompt_tokens"] < 8192
    assert incident["calculation"]["result"] == incident["prompt_tokens"] - 2048
    context = ladders(document)["context"]
    assert (context["binding"]["value"], context["binding"]["set_by"]) == (2048, "server-definition")
    assert named(context["rungs"], name="native")["value"] == 8192
    assert named(context["rungs"], name="loaded")["value"] == 2048
    believed = named(document["findings"], code="CTX002")
    assert believed["fix"]["applicability"] == "manual"
    assert believed["fix"]["steps"] == ["restart llama-server with --ctx-size 8192"]


def test_a_wall_shorter_than_the_reading_is_no_crash(whole: tuple[RealServer, RealCall], tmp_path: Path) -> None:
    server, answered = whole
    cut = ask(server.url, MODEL, words(400, "beta"), timeout=3.0)
    assert (cut.status, cut.error) == (0, "LLM request timed out.")
    assert cut.seconds == pytest.approx(3.0, abs=0.5)
    document = diagnose(tmp_path, server, [answered, cut], "--proxy", "gateway=3")
    incident = named(document["incidents"], cause="prefill-exceeds-wall")
    assert incident["explained"]
    wall = ladders(document)["time"]["binding"]
    assert (wall["name"], wall["value"], wall["set_by"]) == ("proxy gateway", 3, "proxy")

    # The rate is the engine's own, fitted on its progress lines; its arithmetic is done again here.
    needed = next(item for item in incident["calculations"] if item["formula"].startswith("a * prompt_tokens"))
    a, b = terms(needed)["a"], terms(needed)["b"]
    assert a["basis"] == "measured"
    assert str(server.log) in a["source"]
    assert 0.5 < needed["result"] / _seconds(a["value"], b["value"], terms(needed)["prompt_tokens"]["value"]) < 1.5
    assert needed["result"] > 3
    first = _seconds(a["value"], b["value"], answered.prompt_tokens)
    assert 0.6 < first / answered.seconds < 1.4, "T(n) tells the time of the prompt that was read whole"
    assert "SRV003" not in codes(document)
    told = named(document["findings"], code="TIM001")
    assert "no crash" in told["message"]
    assert wait_for(lambda: is_idle(server), 60)


def _seconds(a: float, b: float, tokens: int) -> float:
    return a * tokens + b * tokens**2 / 2


def test_a_user_who_left_is_no_crash_and_no_wall(whole: tuple[RealServer, RealCall], tmp_path: Path) -> None:
    server, answered = whole
    left = replace(ask(server.url, MODEL, words(400, "gamma"), timeout=2.0), error="Request was aborted.")
    assert wait_for(lambda: "cancel task" in server.log.read_text(encoding="utf-8").rpartition("new prompt")[2], 60)
    document = diagnose(tmp_path, server, [answered, left])
    incident = named(document["incidents"], cause="cancelled")
    assert incident["explained"]
    assert not {"SRV003", "TIM001"} & codes(document)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9 here")
def test_an_engine_killed_in_the_middle_is_a_crash_and_no_limit(tmp_path: Path) -> None:
    with real_llama_server(tmp_path, context=8192) as server:
        answered = ask(server.url, MODEL, words(30, "alpha"))
        threading.Timer(3.0, os.kill, (server.pid, signal.SIGKILL)).start()
        lost = ask(server.url, MODEL, words(400, "beta"))
        assert (lost.status, lost.error) == (0, "fetch failed")
        document = diagnose(tmp_path, server, [answered, lost])
    incident = named(document["incidents"], cause="engine-crash")
    assert incident["explained"]
    assert any("log ends while a prompt of" in reason for reason in incident["reasons"])
    assert "SRV003" in codes(document)
    assert not {"CTX002", "TIM001"} & codes(document)
    assert document["verdict"]["hardware"] == "unknown"
