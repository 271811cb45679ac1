"""Real OpenClaw 2026.9.6 over a real Ollama: a cut prompt found in its own store, mended, and really read afterwards.

One message of about 2,300 tokens, sent twice: under the label 2k the server cuts it and OpenClaw shows an answer as if
nothing were; after the fix OpenClaw itself asks for the whole context and the message is read whole.
"""

from __future__ import annotations

import json
import sqlite3
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.real_calls import words
from support.real_ollama import BINARY, MODEL, RealOllama, real_ollama
from support.real_openclaw import SEPTEMBER, RealOpenClaw
from support.real_truelimit import TrueLimit, named
from truelimit.adapters.agents.openclaw import generations

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not (BINARY and MODEL), reason="TRUELIMIT_REAL_OLLAMA and TRUELIMIT_REAL_MODEL are not set"),
    pytest.mark.skipif(not SEPTEMBER, reason="TRUELIMIT_REAL_OPENCLAW is not set"),
]
# Says that it takes tools (OpenClaw refuses to talk to one that does not) and leaves their long texts out.
TEMPLATE = """{{ if .Tools }}{{ end }}{{ range .Messages }}<|im_start|>{{ .Role }}
{{ .Content }}<|im_end|>
{{ end }}<|im_start|>assistant
"""
# As little as OpenClaw can send: no tools, no bootstrap files.
CONFIG = """{
  // OpenClaw refuses less than 4,000, the server is asked for 2k
  meta: { lastTouchedVersion: "2026.9.6" },
  models: { mode: "replace", providers: { ollama: {
    baseUrl: "@URL@", apiKey: "local-key", api: "ollama",
    models: [{
      id: "smollm2:v-2k", name: "SmolLM2 2k", reasoning: false, input: ["text"],
      cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
      contextWindow: 4096, contextTokens: 4096,
      maxTokens: 64, params: { num_ctx: 2048 /* as the name says */, num_predict: 4 }, compat: { supportsTools: false },
    }],
  } } },
  agents: { defaults: {
    model: { primary: "ollama/smollm2:v-2k" }, contextInjection: "never", skipBootstrap: true,
    timeoutSeconds: 600,
  } },
  tools: { deny: ["*"] },
}
"""
LONG = words(200, "inventory")


@dataclass
class Story:
    """The server, the agent, the command line, and what the agent's first run said."""

    server: RealOllama
    agent: RealOpenClaw
    truelimit: TrueLimit
    where: tuple[str | Path, ...]
    first: dict[str, Any]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """One message that is longer than the label, sent by the real agent to the real server."""
    home, data = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("data")
    agent = RealOpenClaw(Path(SEPTEMBER or ""), home)
    with real_ollama(home) as server:
        server.import_model("smollm2:base", Path(MODEL or ""))
        parameters = {"num_ctx": 2048, "num_thread": 1}
        server.create("smollm2:v-2k", {"from": "smollm2:base", "template": TEMPLATE, "parameters": parameters})
        agent.write(CONFIG.replace("@URL@", server.url))
        first = send(agent, "before")
        yield Story(server, agent, TrueLimit(data, agent.environment()), ("--ollama", server.url), first)


def send(agent: RealOpenClaw, session: str) -> dict[str, Any]:
    status, output, errors = agent.run(
        *("agent", "--local", "--agent", "main", "--session-id", session, "--message", LONG, "--json")
    )
    assert status == 0, errors[-2000:]
    meta = json.loads(output[output.index("{") :])["meta"]
    assert isinstance(meta, dict)
    return meta


def in_memory(server: RealOllama) -> dict[str, int]:
    with urllib.request.urlopen(f"{server.url}/api/ps", timeout=10) as reply:
        return {item["name"]: item["context_length"] for item in json.loads(reply.read())["models"]}


def rows(agent: RealOpenClaw, session: str) -> int:
    store = agent.home / ".openclaw/agents/main/agent/openclaw-agent.sqlite"
    connection = sqlite3.connect(f"{store.as_uri()}?mode=ro", uri=True)
    try:
        (count,) = connection.execute(
            "SELECT count(*) FROM transcript_events WHERE session_id = ?", (session,)
        ).fetchone()
    finally:
        connection.close()
    return int(count)


def test_its_own_store_and_the_servers_log_tell_that_the_label_cut_its_prompt(story: Story) -> None:
    assert story.first["agentMeta"]["usage"]["input"] == 2048, "cut to the window, and answered as if nothing were"
    assert story.first["agentMeta"]["contextTokens"] == 4096
    assert rows(story.agent, "before") > 0

    document = story.truelimit("doctor", "--home", story.agent.home, "--json").json
    incident = named(document["incidents"], cause="truncation")
    assert incident["session"] == "before"
    assert incident["explained"]
    assert incident["prompt_tokens"] > 2048
    assert incident["calculation"]["result"] == incident["prompt_tokens"] - 2048
    ladder = named(document["ladders"], model="ollama/smollm2:v-2k")["context"]
    assert (ladder["binding"]["name"], ladder["binding"]["value"]) == ("request", 2048)
    assert named(ladder["rungs"], name="compaction-budget")["value"] == 3072, "a quarter is kept: its own number"
    assert ladder["binding"]["kind"] == "label"
    believed = named(document["findings"], code="CTX002")
    assert believed["calculation"]["result"] == 4096 - 2048
    assert believed["fix"]["applicability"] == "safe"


def test_the_fix_is_accepted_by_its_own_validator_and_really_used(story: Story) -> None:
    original = story.agent.config.read_bytes()
    # As a person runs it on this machine: no --home, the agent found and its own validator asked.
    fixed = story.truelimit("fix", *story.where, "--apply", "--proof-seconds", "5", "--json")
    assert fixed.status == 0, fixed.output
    checks = fixed.json["proof"]["checks"]
    validated = named(checks, name="agent's own validator")
    assert (validated["outcome"], validated["text"]) == ("passed", "openclaw config validate --json: valid")
    assert named(checks, name="context of smollm2:v-2k")["text"].startswith("the server reports 8,192 tokens, of")
    patched = story.agent.config.read_bytes()
    assert patched == original.replace(b": 4096,", b": 8192,").replace(b"num_ctx: 2048", b"num_ctx: 8192")
    assert patched.count(b"8192") == 3, "contextWindow, contextTokens and params.num_ctx"
    assert story.agent.validator(generations.SEPTEMBER)().ok is True

    meta = send(story.agent, "after")
    assert in_memory(story.server) == {"smollm2:v-2k": 8192}, "what the agent itself asked for"
    assert meta["agentMeta"]["contextTokens"] == 8192
    read = meta["agentMeta"]["usage"]["input"]
    assert 2048 < read < 8192, "the same message, read whole"

    # From here on its home alone: the log in the system's temporary folder holds every OpenClaw of this machine.
    where = ("--home", story.agent.home, *story.where)
    document = story.truelimit("doctor", *where, "--json").json
    assert not {"CTX001", "CTX002", "CTX005"} & {item["code"] for item in document["findings"]}
    assert document["incidents"] == [], "one call since the fix, and nothing wrong with it"
    everything = story.truelimit("doctor", *where, "--all", "--json").json
    assert [item["session"] for item in everything["incidents"]] == ["before"]

    assert story.truelimit("undo").status == 0
    assert story.agent.config.read_bytes() == original
