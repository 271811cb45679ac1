"""The label's story on a real Ollama: diagnosed from its own log and API, fixed, proven, undone to the byte."""

from __future__ import annotations

import json
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from support.real_calls import ask, words, write_transcript
from support.real_ollama import BINARY, MODEL, RealOllama, real_ollama
from support.real_truelimit import TrueLimit, named

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not (BINARY and MODEL), reason="TRUELIMIT_REAL_OLLAMA and TRUELIMIT_REAL_MODEL are not set"),
]
CONFIG = """// the kitchen machine
{
  meta: { lastTouchedVersion: "2026.2.17" },
  models: {
    providers: {
      ollama: {
        baseUrl: "@URL@", // local box
        apiKey: "${OLLAMA_API_KEY}",
        api: "@API@",
        models: [
          {
            id: "smollm2:v-2k",
            name: "SmolLM2 2k",
            reasoning: false,
            input: ["text"],
            cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
            contextWindow: 2048, // it is the 2k one
            maxTokens: 256,
          },
        ],
      },
    },
  },
  agents: { defaults: { model: { primary: "ollama/smollm2:v-2k" } } },
}
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RealOllama]:
    """A server whose definition ``smollm2:v-2k`` holds num_ctx 2048 of the 8,192 that the model was trained for."""
    home = tmp_path / "home"
    home.mkdir()
    with real_ollama(home) as running:
        running.import_model("smollm2:base", Path(MODEL or ""))
        label = {"from": "smollm2:base", "parameters": {"num_ctx": 2048, "num_thread": 1}}
        running.create("smollm2:v-2k", label)
        yield running


def stage(server: RealOllama, api: str) -> tuple[Path, int]:
    """Write the agent's home around two real calls, the second longer than 2,048 tokens; return its configuration
    and the length of that prompt as the server's log has it."""
    more = {"options": {"num_ctx": 2048, "num_predict": 2}} if api == "ollama" else {}
    fits = ask(server.url, "smollm2:v-2k", words(100, "alpha"), api=api, **more)
    cut = ask(server.url, "smollm2:v-2k", words(380, "gamma"), api=api, **more)
    assert (fits.status, cut.status) == (200, 200), "nothing fails: that is the trap"
    assert 1024 < fits.prompt_tokens < 2048
    assert cut.prompt_tokens == 2048, "this engine keeps exactly num_ctx tokens"
    write_transcript(server.home / ".openclaw/agents/main/sessions/20260218-kitchen.jsonl", [fits, cut])
    config = server.home / ".openclaw" / "openclaw.json"
    url = server.url if api == "ollama" else f"{server.url}/v1"
    config.write_bytes(CONFIG.replace("@URL@", url).replace("@API@", api).encode())
    log = (server.home / ".ollama/logs/server.log").read_text(encoding="utf-8")
    (line,) = (line for line in log.splitlines() if 'msg="truncating input prompt"' in line)
    return config, int(line.partition("prompt=")[2].split()[0])


def in_memory(server: RealOllama) -> dict[str, int]:
    return {item["name"]: item["context_length"] for item in api_get(server, "/api/ps")["models"]}


def definitions(server: RealOllama) -> set[str]:
    return {item["name"] for item in api_get(server, "/api/tags")["models"]}


def api_get(server: RealOllama, path: str) -> dict[str, Any]:
    with urllib.request.urlopen(server.url + path, timeout=10) as reply:
        answer = json.loads(reply.read())
    assert isinstance(answer, dict)
    return answer


def codes(document: dict[str, Any]) -> set[str]:
    return {item["code"] for item in document["findings"]}


def check_diagnosis(document: dict[str, Any], prompt: int, tied: list[str]) -> None:
    ladder = named(document["ladders"], model="ollama/smollm2:v-2k")["context"]
    assert (ladder["binding"]["name"], ladder["binding"]["value"]) == ("agent-context", 2048)
    assert [rung["name"] for rung in ladder["tied_with"]] == tied
    assert ladder["binding"]["kind"] == "label"
    assert named(ladder["rungs"], name="native")["value"] == 8192
    assert named(ladder["rungs"], name="loaded")["value"] == 2048
    label = named(document["findings"], code="CTX001")
    assert label["origin"] == "name-label"
    assert label["calculation"]["result"] == 8192 - 2048
    assert label["fix"]["applicability"] == "safe"
    incident = named(document["incidents"], cause="truncation")
    assert incident["explained"]
    assert incident["prompt_tokens"] == prompt
    assert incident["calculation"]["result"] == prompt - 2048
    assert document["verdict"]["hardware"] == "not-needed"


def check_proof(proof: dict[str, Any], model: str) -> None:
    assert proof["holds"], proof
    assert named(proof["checks"], name="the same rules again")["outcome"] == "passed"
    served = named(proof["checks"], name=f"context of {model}")
    told = "the server reports 8,192 tokens, of 8,192 that the model was trained for"
    assert (served["outcome"], served["text"]) == ("passed", told)
    read = named(proof["checks"], name=f"prompt beyond the old limit of {model}")
    assert read["outcome"] == "passed", read
    tokens = int(read["text"].removeprefix("the server read ").split()[0].replace(",", ""))
    assert 2048 < tokens < 8192


def test_a_label_is_found_fixed_proven_and_undone_over_the_openai_api(server: RealOllama, tmp_path: Path) -> None:
    truelimit = TrueLimit(tmp_path / "data")
    where = ("--home", server.home, "--ollama", server.url)
    config, prompt = stage(server, "openai-completions")
    original, names = config.read_bytes(), definitions(server)

    found = truelimit("doctor", *where, "--json")
    assert found.status == 1
    check_diagnosis(found.json, prompt, ["definition"])

    fixed = truelimit("fix", *where, "--apply", "--json")
    assert fixed.status == 0, fixed.json["proof"]
    (made,) = fixed.json["plan"]["definitions"]
    assert made == {
        "server": server.url,
        "name": "smollm2:v-8k",
        "from": "smollm2:v-2k",
        "parameters": {"num_ctx": 8192},
    }
    check_proof(fixed.json["proof"], "smollm2:v-8k")
    assert in_memory(server) == {"smollm2:v-8k": 8192}
    changed = original.replace(b"smollm2:v-2k", b"smollm2:v-8k")
    assert config.read_bytes() == changed.replace(b"contextWindow: 2048,", b"contextWindow: 8192,")

    after = truelimit("doctor", *where, "--json").json
    assert "CTX001" not in codes(after)
    assert after["incidents"] == [], "they are from before the fix"
    assert named(after["ladders"], model="ollama/smollm2:v-8k")["context"]["binding"]["value"] == 8192

    undone = truelimit("undo")
    assert undone.status == 0, undone.errors
    assert config.read_bytes() == original
    assert definitions(server) == names
    assert "CTX001" in codes(truelimit("doctor", *where, "--json").json)


def test_an_agent_that_sends_its_own_window_is_mended_in_its_configuration_alone(
    server: RealOllama, tmp_path: Path
) -> None:
    truelimit = TrueLimit(tmp_path / "data")
    where = ("--home", server.home, "--ollama", server.url)
    config, prompt = stage(server, "ollama")
    original, names = config.read_bytes(), definitions(server)

    check_diagnosis(truelimit("doctor", *where, "--json").json, prompt, [])

    fixed = truelimit("fix", *where, "--apply", "--json")
    assert fixed.status == 0, fixed.json["proof"]
    assert fixed.json["plan"]["definitions"] == []
    check_proof(fixed.json["proof"], "smollm2:v-2k")
    assert in_memory(server) == {"smollm2:v-2k": 8192}, "2,048 in its definition, 8,192 as the agent asks"
    assert config.read_bytes() == original.replace(b"contextWindow: 2048,", b"contextWindow: 8192,")
    assert "CTX001" not in codes(truelimit("doctor", *where, "--json").json)

    assert truelimit("undo").status == 0
    assert config.read_bytes() == original
    assert definitions(server) == names


@pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9 here")
def test_an_engine_killed_in_the_middle_is_a_crash_and_no_limit(server: RealOllama, tmp_path: Path) -> None:
    fits = ask(server.url, "smollm2:v-2k", words(30, "alpha"))
    (runner,) = psutil.Process(server.process.pid).children()
    threading.Timer(2.0, runner.kill).start()
    lost = ask(server.url, "smollm2:v-2k", words(140, "beta"))
    assert lost.status == 500, lost
    write_transcript(server.home / ".openclaw/agents/main/sessions/20260218-kitchen.jsonl", [fits, lost])
    config = server.home / ".openclaw" / "openclaw.json"
    config.write_text(CONFIG.replace("@URL@", f"{server.url}/v1").replace("@API@", "openai-completions"), "utf-8")

    document = TrueLimit(tmp_path / "data")("doctor", "--home", server.home, "--ollama", server.url, "--json").json
    incident = named(document["incidents"], cause="engine-crash")
    assert incident["explained"], lost.error
    assert incident["session"] == "20260218-kitchen"
    assert "SRV003" in codes(document)
    assert document["verdict"]["hardware"] == "unknown", "nobody is told to buy anything because of a crash"
