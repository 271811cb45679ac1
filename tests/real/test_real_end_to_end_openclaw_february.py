"""Real OpenClaw 2026.2.17 over a real Ollama: what we say that this version sends and does, it does."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import pytest

from support.real_ollama import BINARY, MODEL, real_ollama
from support.real_openclaw import FEBRUARY, RealOpenClaw
from support.real_truelimit import TrueLimit, named

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not (BINARY and MODEL), reason="TRUELIMIT_REAL_OLLAMA and TRUELIMIT_REAL_MODEL are not set"),
    pytest.mark.skipif(not FEBRUARY, reason="TRUELIMIT_REAL_OPENCLAW_FEBRUARY is not set"),
]
# Says that it takes tools (OpenClaw refuses to talk to one that does not) and leaves their long texts out.
TEMPLATE = """{{ if .Tools }}{{ end }}{{ range .Messages }}<|im_start|>{{ .Role }}
{{ .Content }}<|im_end|>
{{ end }}<|im_start|>assistant
"""
CONFIG = """{
  meta: { lastTouchedVersion: "2026.2.17" },
  models: { mode: "replace", providers: { ollama: {
    baseUrl: "@URL@", apiKey: "local-key", api: "ollama",
    models: [{
      id: "smollm2:v-2k", name: "SmolLM2 2k", reasoning: false, input: ["text"],
      cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
      contextWindow: 16384, // it refuses less than 16,000
      maxTokens: 16,
    }],
  } } },
  agents: { defaults: { model: { primary: "ollama/smollm2:v-2k" }, skipBootstrap: true } },
  tools: { deny: ["*"] },
}
"""


def test_its_context_window_is_the_num_ctx_that_it_sends(tmp_path: Path) -> None:
    agent, home = RealOpenClaw(Path(FEBRUARY or ""), tmp_path / "home"), tmp_path / "home"
    home.mkdir()
    with real_ollama(home) as server:
        server.import_model("smollm2:base", Path(MODEL or ""))
        parameters = {"num_ctx": 2048, "num_thread": 1, "num_predict": 4}
        server.create("smollm2:v-2k", {"from": "smollm2:base", "template": TEMPLATE, "parameters": parameters})
        agent.write(CONFIG.replace("@URL@", server.url))
        status, output, errors = agent.run("agent", "--local", "--session-id", "hello", "--message", "hello", "--json")
        assert status == 0, errors[-2000:]
        used = json.loads(output[output.index("{") :])["meta"]["agentMeta"]["usage"]["input"]
        with urllib.request.urlopen(f"{server.url}/api/ps", timeout=10) as reply:
            (loaded,) = json.loads(reply.read())["models"]
        found = TrueLimit(tmp_path / "data")("doctor", "--home", home, "--ollama", server.url, "--json").json

    # Its definition holds 2,048, and a prompt of more was read whole: the agent's own number went before it. This
    # Ollama lists what was asked for, and allocates the 8,192 that the model was trained for.
    assert loaded["context_length"] == 16384
    assert used > 2048
    context = named(found["ladders"], model="ollama/smollm2:v-2k")["context"]
    assert (context["binding"]["name"], context["binding"]["value"]) == ("native", 8192)
    request = named(context["rungs"], name="request")
    assert (request["value"], request["set_by"]) == (16384, "request")
    assert "contextWindow" in request["where"]
    kept = named(found["findings"], code="CTX006")
    assert kept["severity"] == "degrades", "it sent the prompt all the same"
    assert "20,000 of 16,384 tokens are kept for compaction" in kept["message"]
    believed = named(found["findings"], code="CTX002")
    assert believed["calculation"]["result"] == 16384 - 8192
    assert "MEM001" in {item["code"] for item in found["findings"]}
    assert found["incidents"] == []
