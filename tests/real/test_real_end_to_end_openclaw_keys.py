"""What our table says that a version of OpenClaw accepts, held against that version itself, through our own adapter."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from support.real_openclaw import FEBRUARY, SEPTEMBER, RealOpenClaw
from truelimit.adapters.agents.openclaw import generations
from truelimit.adapters.agents.openclaw_gate import OpenClawGate
from truelimit.domain.agent import ConfigPath

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not SEPTEMBER, reason="TRUELIMIT_REAL_OPENCLAW is not set"),
]
PROVIDER = ("models", "providers", "ollama")
ENTRY = (*PROVIDER, "models", 0)
DEFAULTS = ("agents", "defaults")
BASE: dict[str, Any] = {
    "models": {
        "mode": "merge",
        "providers": {
            "ollama": {
                "baseUrl": "http://127.0.0.1:11434",
                "apiKey": "key",
                "api": "ollama",
                "models": [
                    {
                        "id": "m:v-16k",
                        "name": "M",
                        "reasoning": False,
                        "input": ["text"],
                        "cost": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0},
                        "contextWindow": 16384,
                        "maxTokens": 1024,
                    }
                ],
            }
        },
    },
    "agents": {"defaults": {"model": {"primary": "ollama/m:v-16k", "fallbacks": ["ollama/m:v-16k"]}}},
}
BOTH: tuple[tuple[ConfigPath, object], ...] = (
    ((*ENTRY, "contextWindow"), 32768),
    ((*ENTRY, "maxTokens"), 2048),
    ((*ENTRY, "compat", "supportsDeveloperRole"), False),
    ((*ENTRY, "compat", "maxTokensField"), "max_tokens"),
    ((*ENTRY, "id"), "m:v-32k"),
    ((*DEFAULTS, "model", "primary"), "ollama/m:v-32k"),
    ((*DEFAULTS, "model", "fallbacks"), ["ollama/m:v-32k"]),
    ((*DEFAULTS, "timeoutSeconds"), 3600),
    ((*DEFAULTS, "models", "ollama/m:v-32k"), {"alias": "m"}),
    ((*DEFAULTS, "compaction", "mode"), "safeguard"),
)
ONLY_FEBRUARY: tuple[tuple[ConfigPath, object], ...] = (
    ((*DEFAULTS, "compaction", "reserveTokensFloor"), 20000),
    ((*DEFAULTS, "compaction", "maxHistoryShare"), 0.5),
)
NEITHER: tuple[tuple[ConfigPath, object], ...] = (((*ENTRY, "compat", "numCtx"), 32768),)
ONLY_SEPTEMBER: tuple[tuple[ConfigPath, object], ...] = (
    ((*ENTRY, "contextTokens"), 32768),
    ((*ENTRY, "params", "num_ctx"), 32768),
    ((*PROVIDER, "timeoutSeconds"), 3600),
    ((*PROVIDER, "params", "num_ctx"), 32768),
    ((*PROVIDER, "maxTokens"), 2048),
    ((*DEFAULTS, "compaction", "enabled"), True),
    ((*DEFAULTS, "compaction", "timeoutSeconds"), 600),
    ((*DEFAULTS, "compaction", "keepRecentTokens"), 8000),
    ((*DEFAULTS, "params", "num_ctx"), 32768),
    (("agents", "entries", "main", "model", "primary"), "ollama/m:v-32k"),
)


def with_keys(keys: tuple[tuple[ConfigPath, object], ...]) -> str:
    """Return the configuration with these keys set."""
    config = copy.deepcopy(BASE)
    for path, value in keys:
        node: Any = config
        for key in path[:-1]:
            node = node[key] if isinstance(key, int) else node.setdefault(key, {})
        node[path[-1]] = value
    return json.dumps(config, indent=2)


def shown(path: ConfigPath) -> str:
    return ".".join(map(str, path))


def check(agent: RealOpenClaw, generation: str, keys: tuple[tuple[ConfigPath, object], ...]) -> tuple[bool | None, str]:
    agent.write(with_keys(keys))
    result = agent.validator(generation)()
    assert result.ran, result.text
    return result.ok, result.text


def test_september_takes_the_keys_that_our_fixes_write_and_refuses_februarys(tmp_path: Path) -> None:
    agent, gate = RealOpenClaw(Path(SEPTEMBER or ""), tmp_path), OpenClawGate()
    allowed = (*BOTH, *ONLY_SEPTEMBER)
    assert [shown(path) for path, _ in allowed if not gate.accepts(generations.SEPTEMBER, path)] == []
    assert check(agent, generations.SEPTEMBER, allowed) == (True, "openclaw config validate --json: valid")
    for path, value in (*ONLY_FEBRUARY, *NEITHER):
        assert not gate.accepts(generations.SEPTEMBER, path)
        ok, text = check(agent, generations.SEPTEMBER, ((path, value),))
        assert ok is False, shown(path)
        assert f'Unrecognized key: "{path[-1]}"' in text


@pytest.mark.skipif(not FEBRUARY, reason="TRUELIMIT_REAL_OPENCLAW_FEBRUARY is not set")
def test_february_takes_the_keys_that_our_fixes_write_and_refuses_septembers(tmp_path: Path) -> None:
    agent, gate = RealOpenClaw(Path(FEBRUARY or ""), tmp_path), OpenClawGate()
    allowed = (*BOTH, *ONLY_FEBRUARY)
    assert [shown(path) for path, _ in allowed if not gate.accepts(generations.FEBRUARY, path)] == []
    ok, text = check(agent, generations.FEBRUARY, allowed)
    assert ok is True, text
    for path, value in (*ONLY_SEPTEMBER, *NEITHER):
        assert not gate.accepts(generations.FEBRUARY, path)
        ok, text = check(agent, generations.FEBRUARY, ((path, value),))
        assert ok is False, shown(path)
        assert any(f'Unrecognized key: "{key}"' in text for key in path), text


@pytest.mark.skipif(not FEBRUARY, reason="TRUELIMIT_REAL_OPENCLAW_FEBRUARY is not set")
def test_february_reads_the_patched_window_out_of_a_file_with_comments(tmp_path: Path) -> None:
    agent = RealOpenClaw(Path(FEBRUARY or ""), tmp_path)
    agent.write("// patched by text, comments kept\n" + with_keys(BOTH))
    status, output, errors = agent.run("config", "get", "models.providers.ollama.models[0].contextWindow")
    assert (status, output.split()[-1:]) == (0, ["32768"]), errors
    assert agent.config.read_text(encoding="utf-8").startswith("// patched by text"), "it only reads"
