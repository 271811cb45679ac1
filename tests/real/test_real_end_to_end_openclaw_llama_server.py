"""Real OpenClaw 2026.9.6 over a real llama-server: one message that is answered, and one that the server refuses.

OpenClaw believes in 4,096 tokens (it refuses to work with less than 4,000), the server was started with 2,048. The long
message lies between the two, so the server's own words reach the agent, its store and the diagnosis.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.real_calls import words
from support.real_llama_server import RealServer, real_llama_server
from support.real_openclaw import SEPTEMBER, RealOpenClaw
from support.real_truelimit import TrueLimit, named

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not SEPTEMBER, reason="TRUELIMIT_REAL_OPENCLAW is not set"),
]
SERVED, BELIEVED = 2048, 4096
CONFIG = """{
  meta: { lastTouchedVersion: "2026.9.6" },
  models: { mode: "replace", providers: { box: {
    baseUrl: "@URL@/v1", apiKey: "local-key", api: "openai-completions",
    models: [{
      id: "smollm2", name: "SmolLM2", reasoning: false, input: ["text"],
      cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
      contextWindow: 4096, maxTokens: 16, compat: { supportsTools: false },
    }],
  } } },
  agents: { defaults: {
    model: { primary: "box/smollm2" }, contextInjection: "never", skipBootstrap: true, timeoutSeconds: 600,
  } },
  tools: { deny: ["*"] },
}
"""


@dataclass
class Story:
    """Server, agent and command line, with the status and output of a short turn and of a long one."""

    server: RealServer
    agent: RealOpenClaw
    truelimit: TrueLimit
    short: tuple[int, str]
    long: tuple[int, str]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    home, data, work = (tmp_path_factory.mktemp(name) for name in ("home", "data", "server"))
    agent = RealOpenClaw(Path(SEPTEMBER or ""), home)
    with real_llama_server(work, context=SERVED) as server:
        agent.write(CONFIG.replace("@URL@", server.url))
        short = send(agent, "short", "Say yes.")
        long = send(agent, "long", words(200, "inventory"))
        yield Story(server, agent, TrueLimit(data, agent.environment()), short, long)


def send(agent: RealOpenClaw, session: str, message: str) -> tuple[int, str]:
    status, output, errors = agent.run(
        *("agent", "--local", "--agent", "main", "--session-id", session, "--message", message, "--json")
    )
    return status, output + errors


def test_the_server_refuses_and_openclaw_says_so(story: Story) -> None:
    status, output = story.short
    assert status == 0, output[-2000:]
    assert '"contextTokens": 4096' in output
    status, output = story.long
    assert status == 1
    assert "context_overflow" in output


def test_both_sides_are_read_and_the_refusal_is_explained(story: Story) -> None:
    where = ("--home", story.agent.home, "--server", story.server.url, "--log", story.server.log)
    document = story.truelimit("doctor", *where, "--json").json
    incident = named(document["incidents"], session="long", cause="overflow")
    assert incident["explained"]
    assert (incident["attempts"], incident["findings"]) == (1, ["CTX002"])
    assert incident["prompt_tokens"] > SERVED
    assert incident["calculation"]["result"] == incident["prompt_tokens"] - SERVED
    assert "exceeds the available context size" in incident["reasons"][0]

    (ladders,) = document["ladders"]
    assert (ladders["agent"], ladders["model"]) == ("openclaw", "box/smollm2")
    context, time = ladders["context"], ladders["time"]
    assert (context["binding"]["value"], context["binding"]["set_by"]) == (SERVED, "server-definition")
    assert named(context["rungs"], name="agent-context")["value"] == BELIEVED
    assert named(context["rungs"], name="native")["value"] == 8192
    assert (time["binding"]["name"], time["binding"]["value"]) == ("first-event", 300.0)
    assert ladders["rates"]["prefill"]["basis"] == "measured", (
        "the server's own progress lines, read by OpenClaw's call"
    )

    believed = named(document["findings"], code="CTX002")
    assert believed["calculation"]["result"] == BELIEVED - SERVED
    assert believed["fix"]["applicability"] == "manual"
    assert believed["fix"]["steps"][0] == "restart llama-server with --ctx-size 8192"
