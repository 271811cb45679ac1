"""What settings files of agents say of their patience, and what becomes of files that are not as they should be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from truelimit.adapters.agents.settings.read import agent_settings
from truelimit.app.ports import Places
from truelimit.domain.agent import AgentSetting
from truelimit.domain.provenance import Basis

HERE = "http://127.0.0.1:11434/v1"


def written(home: Path, name: str, content: object) -> Path:
    path = home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def read(home: Path, **environment: str) -> dict[str, AgentSetting]:
    found, missing = agent_settings(Places(home=home, environment=environment))
    assert missing == ()
    return {item.timer: item for item in found}


def told(item: AgentSetting) -> tuple[object, ...]:
    seconds = item.seconds.value if item.seconds else "off" if item.off else None
    return item.agent, item.url, item.bounds, seconds, item.attempts.value if item.attempts else None


def test_nothing_is_set_in_an_empty_home(tmp_path: Path) -> None:
    assert agent_settings(Places(home=tmp_path)) == ((), ())


def test_claude_code_by_variables_of_its_file_and_of_the_process(tmp_path: Path) -> None:
    env = {"API_TIMEOUT_MS": "1800000", "ANTHROPIC_AUTH_TOKEN": "sk-secret"}
    path = written(tmp_path, ".claude/settings.json", '{\n "env": ' + json.dumps(env) + "}")
    found = read(tmp_path, CLAUDE_CODE_MAX_RETRIES="2")
    assert told(found["API_TIMEOUT_MS"]) == ("claude-code", None, "headers", 1_800.0, None)
    where = found["API_TIMEOUT_MS"].seconds
    assert where is not None
    assert where.where == f"{path}: env.API_TIMEOUT_MS (line 2)"
    assert told(found["idle limit of the connection"]) == ("claude-code", None, "headers", None, 3)


@pytest.mark.parametrize(("ms", "acts"), [("4000", 600.0), ("400000", 700.0), ("9000000", 2_100.0), ("0", None)])
def test_claude_codes_silence_between_events(tmp_path: Path, ms: str, acts: float | None) -> None:
    found = read(tmp_path, CLAUDE_STREAM_IDLE_TIMEOUT_MS=ms)
    if acts is None:
        assert found == {}, "never below its least"
    else:
        assert found["CLAUDE_STREAM_IDLE_TIMEOUT_MS"].seconds is not None
        assert found["CLAUDE_STREAM_IDLE_TIMEOUT_MS"].seconds.basis is Basis.DERIVED, "300 s of it are measured"
        assert told(found["CLAUDE_STREAM_IDLE_TIMEOUT_MS"]) == ("claude-code", None, "events", acts, None)


def test_opencode_by_its_files_one_over_the_other(tmp_path: Path) -> None:
    folder = ".config/opencode"
    options = {"baseURL": HERE, "headerTimeout": 900_000, "timeout": 1_200_000, "apiKey": "sk-secret"}
    written(tmp_path, f"{folder}/config.json", {"provider": {"here": {"options": options}}})
    later = {"here": {"options": {"headerTimeout": False}}, "no-address": {"options": {"timeout": 5}}}
    written(tmp_path, f"{folder}/opencode.jsonc", "// mine\n" + json.dumps({"provider": later}))
    found = read(tmp_path)
    assert told(found["headerTimeout"]) == ("opencode", HERE, "headers", "off", None)
    assert told(found["timeout"]) == ("opencode", HERE, "request", 1_200.0, None)


def test_qwen_code_by_the_model_of_a_provider(tmp_path: Path) -> None:
    config = {"timeout": 600_000, "maxRetries": 1, "streamIdleTimeoutMs": 0}
    providers = {"openai": [{"id": "m", "baseUrl": HERE, "generationConfig": config}, {"id": "no-address"}]}
    ignored = {"generationConfig": {"timeout": 5}}
    written(tmp_path, ".qwen/settings.json", {"modelProviders": providers, "model": ignored})
    found = read(tmp_path)
    assert told(found["timeout"]) == ("qwen-code", HERE, "headers", 600.0, 42)
    assert told(found["streamIdleTimeoutMs"]) == ("qwen-code", HERE, "events", "off", None)
    assert found["timeout"].model == "m"
    written(tmp_path, ".qwen/settings.json", {"model": {"generationConfig": {"timeout": 5_000}}})
    assert told(read(tmp_path)["timeout"]) == ("qwen-code", None, "headers", 5.0, None)


@pytest.mark.parametrize(
    ("retry", "attempts"),
    [
        ({}, 12),
        ({"maxRetries": 1, "provider": {"maxRetries": 0}}, 2),
        ({"enabled": False}, 3),
        ({"enabled": False, "provider": {"maxRetries": 4}}, 5),
    ],
)
def test_pi_by_its_rounds(tmp_path: Path, retry: dict[str, object], attempts: int) -> None:
    provider = {"timeoutMs": 4_000, **(retry.get("provider") or {})}  # type: ignore[dict-item]
    written(tmp_path, ".pi/agent/settings.json", {"retry": {**retry, "provider": provider}})
    assert told(read(tmp_path)["retry.provider.timeoutMs"]) == ("pi", None, "headers", 4.0, attempts)


def test_codex_by_provider(tmp_path: Path) -> None:
    text = f'[model_providers.here]\nbase_url = "{HERE}"\nstream_max_retries = 1\nstream_idle_timeout_ms = 900000\n'
    written(tmp_path, ".codex/config.toml", text)
    assert told(read(tmp_path)["stream_idle_timeout_ms"]) == ("codex", HERE, "events", 900.0, 2)


def test_cline_by_its_provider_of_ollama(tmp_path: Path) -> None:
    given = {"ollama": {"settings": {"timeout": 120_000}}, "openai-compatible": {"settings": {"timeout": 5}}}
    written(tmp_path, ".cline/data/settings/providers.json", {"providers": given})
    assert told(read(tmp_path)["timeout"]) == ("cline", "http://localhost:11434", "headers", 120.0, None)


@pytest.mark.parametrize(
    "value", [[], {}, "soon", "--5", "-", "1_0", "1" * 400, None, True, float("nan"), 1e300, -1e300, "٣" * 30]
)
def test_what_is_no_number_sets_nothing(tmp_path: Path, value: object) -> None:
    written(tmp_path, ".claude/settings.json", {"env": {"API_TIMEOUT_MS": value, "CLAUDE_CODE_MAX_RETRIES": value}})
    written(tmp_path, ".pi/agent/settings.json", {"retry": value})
    written(tmp_path, ".qwen/settings.json", {"modelProviders": {"openai": value}, "model": value})
    written(tmp_path, ".config/opencode/opencode.json", {"provider": {"a": {"options": value}, "b": value}})
    found, missing = agent_settings(Places(home=tmp_path))
    assert (not [item for item in found if item.seconds or item.off], missing) == (True, ())


@pytest.mark.parametrize("content", ["{", "sk-secret", "[" * 5_000, "\x00", "\ud800".encode("utf-8", "surrogatepass")])
def test_a_file_that_cannot_be_read_is_named_and_not_quoted(tmp_path: Path, content: str | bytes) -> None:
    names = (".claude/settings.json", ".qwen/settings.json", ".codex/config.toml")
    for name in names:
        path = written(tmp_path, name, "")
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    found, missing = agent_settings(Places(home=tmp_path))
    assert found == ()
    assert [str(item.fact) for item in missing] == [
        "settings of Claude Code",
        "settings of Codex",
        "settings of Qwen Code",
    ]
    for item, name in zip(sorted(missing, key=lambda one: str(one.why)), sorted(names), strict=True):
        assert str(tmp_path / name) in item.why
        assert "sk-secret" not in item.why
