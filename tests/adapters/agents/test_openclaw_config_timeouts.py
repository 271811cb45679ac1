"""Every timer on the path of a request, by version, api and host."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.openclaw_config import FEB, SEP, entry, ollama, route, timers
from truelimit.adapters.agents.openclaw.hosts import (
    HostClass,
    host_class,
    is_ollama,
    is_own,
    is_self_hosted_id,
)
from truelimit.adapters.servers.http import shown as shown_url
from truelimit.domain.limits import SetBy

Config = dict[str, object]


def config_for(url: str, provider: str = "ollama", api: str = "ollama", **defaults: object) -> Config:
    settings = {"baseUrl": url, "api": api, "models": [entry(contextWindow=131072)]}
    agents = {"defaults": {"model": f"{provider}/m", **defaults}}
    return {"models": {"providers": {provider: settings}}, "agents": agents}


def shown(home: Path, config: Config, version: str) -> dict[str, tuple[str, float, bool]]:
    """Return for each timer what it bounds, its seconds, and whether a key moves it."""
    found = timers(route(home, config, version))
    return {name: (item.bounds, item.seconds.value, item.place is not None) for name, item in found.items()}


LOOPBACK = "http://127.0.0.1:11434"


def test_february_native(tmp_path: Path) -> None:
    assert shown(tmp_path, config_for(LOOPBACK), FEB) == {
        "node-fetch-headers": ("headers", 300.0, False),
        "node-fetch-body": ("idle", 300.0, False),
        "agent-run": ("run", 600.0, True),
        "compaction": ("compaction", 300.0, False),
    }


def test_february_openai_style(tmp_path: Path) -> None:
    found = shown(tmp_path, config_for(LOOPBACK + "/v1", api="openai-completions", timeoutSeconds=2100), FEB)
    assert found["openai-sdk-request"] == ("request", 600.0, False)
    assert found["node-fetch-headers"] == ("headers", 300.0, False)
    assert found["agent-run"] == ("run", 2100.0, True)


def test_the_hidden_wall_says_what_can_be_done(tmp_path: Path) -> None:
    wall = timers(route(tmp_path, config_for(LOOPBACK), FEB))["node-fetch-headers"]
    assert wall.set_by is SetBy.CLIENT_LIBRARY
    assert "undici" in wall.seconds.where
    assert "no key of this version moves it" in wall.remedy
    assert "upgrade OpenClaw" in wall.remedy


@pytest.mark.parametrize(("version", "seconds"), [("2026.4.15", 300), ("2026.4.23", 1800), ("2026.5.1", 172800)])
def test_the_wall_goes_by_stages(tmp_path: Path, version: str, seconds: int) -> None:
    assert timers(route(tmp_path, config_for(LOOPBACK), version))["node-fetch-headers"].seconds.value == seconds


def test_september_native_on_loopback_has_no_short_wall(tmp_path: Path) -> None:
    assert shown(tmp_path, config_for(LOOPBACK), SEP) == {
        "node-fetch-headers": ("headers", 172800.0, True),
        "node-fetch-body": ("idle", 172800.0, True),
        "agent-run": ("run", 172800.0, True),
        "agent-command": ("command", 600.0, True),
        "compaction": ("compaction", 180.0, True),
    }


def test_septembers_run_budget_bounds_the_fetch_but_not_below_half_an_hour(tmp_path: Path) -> None:
    found = shown(tmp_path, config_for(LOOPBACK, timeoutSeconds=600), SEP)
    assert found["agent-run"] == ("run", 600.0, True)
    assert found["node-fetch-headers"] == ("headers", 1800.0, True)
    unlimited = shown(tmp_path, config_for(LOOPBACK, timeoutSeconds=0), SEP)
    assert list(unlimited) == ["compaction"]


def test_septembers_command_waits_ten_minutes_unless_a_key_says_otherwise(tmp_path: Path) -> None:
    found = timers(route(tmp_path, config_for(LOOPBACK), SEP))["agent-command"]
    assert "`openclaw agent`" in found.seconds.where
    assert "--timeout SECONDS" in found.remedy
    assert "agent-command" not in shown(tmp_path, config_for(LOOPBACK, timeoutSeconds=900), SEP)
    assert "agent-command" not in shown(tmp_path, config_for(LOOPBACK), FEB)


def test_septembers_provider_timeout_makes_the_wall(tmp_path: Path) -> None:
    config = ollama([entry(contextWindow=131072)], timeoutSeconds=300, api="openai-completions")
    found = timers(route(tmp_path, config, SEP))
    assert {name: item.seconds.value for name, item in found.items()} == {
        "provider-headers": 300.0,
        "provider-idle": 300.0,
        "agent-run": 172800.0,
        "agent-command": 600.0,
        "compaction": 180.0,
    }
    wall = found["provider-headers"]
    assert wall.set_by is SetBy.AGENT_CONFIG
    assert wall.place is not None
    assert wall.place.path == ("models", "providers", "ollama", "timeoutSeconds")
    assert wall.place.line is not None
    assert "remove the key" in wall.remedy


@pytest.mark.parametrize(
    ("url", "provider", "idle", "first_event"),
    [
        ("http://127.0.0.1:8080/v1", "box", None, 300),
        ("http://studio.local:8080/v1", "box", None, 300),
        ("http://host.docker.internal:8080/v1", "box", 300, 300),
        ("http://gpu:8000/v1", "vllm", 300, 300),
        ("http://gpu.example.lan:8000/v1", "mybox", 120, 120),
    ],
)
def test_septembers_watchdogs_by_host(
    tmp_path: Path, url: str, provider: str, idle: int | None, first_event: int
) -> None:
    found = shown(tmp_path, config_for(url, provider, "openai-completions"), SEP)
    assert found.get("idle-watchdog", (None, None))[1] == idle
    assert found["first-event"] == ("first-event", first_event, True)
    native = shown(tmp_path, config_for(url, provider, "ollama"), SEP)
    assert "first-event" not in native


def test_an_agent_timeout_below_the_class_ceiling_is_the_idle_watchdog(tmp_path: Path) -> None:
    found = shown(tmp_path, config_for("http://gpu.example.lan/v1", "mybox", timeoutSeconds=60), SEP)
    assert found["idle-watchdog"][1] == 60


def test_an_unknown_host_gets_no_watchdog_by_guess(tmp_path: Path) -> None:
    found = shown(tmp_path, config_for("${NOWHERE}", "mybox", "openai-completions"), SEP)
    assert "idle-watchdog" not in found
    assert "first-event" not in found


def test_september_compaction_and_local_service(tmp_path: Path) -> None:
    config = ollama([entry(contextWindow=9)], localService={"command": "x", "readyTimeoutMs": 5000})
    config["agents"]["defaults"]["compaction"] = {"timeoutSeconds": 900}  # type: ignore[index]
    found = timers(route(tmp_path, config, SEP))
    assert (found["local-service-ready"].bounds, found["local-service-ready"].seconds.value) == ("load", 5.0)
    assert found["local-service-ready"].set_by is SetBy.AGENT_CONFIG
    assert (found["compaction"].seconds.value, found["compaction"].set_by) == (900.0, SetBy.AGENT_CONFIG)
    plain = timers(route(tmp_path, ollama([entry()], localService={"command": "x"}), SEP))
    assert (plain["local-service-ready"].seconds.value, plain["local-service-ready"].set_by) == (
        120.0,
        SetBy.AGENT_DEFAULT,
    )


@pytest.mark.parametrize(
    ("version", "api", "attempts", "hidden"),
    [
        (FEB, "ollama", 4, 0),
        (FEB, "openai-completions", 3, 2),
        (FEB, "anthropic-messages", None, None),
        (SEP, "ollama", 2, 0),
        (SEP, "openai-completions", 2, 0),
    ],
)
def test_attempts(tmp_path: Path, version: str, api: str, attempts: int | None, hidden: int | None) -> None:
    found = route(tmp_path, config_for(LOOPBACK, api=api), version)
    assert (found.attempts.value if found.attempts else None) == attempts
    assert (found.hidden_attempts.value if found.hidden_attempts else None) == hidden


@pytest.mark.parametrize(
    ("url", "provider", "expected"),
    [
        ("http://localhost:1", "x", HostClass.LOCAL),
        ("http://127.9.9.9", "x", HostClass.LOCAL),
        ("http://10.1.2.3/v1", "x", HostClass.LOCAL),
        ("http://172.31.0.1", "x", HostClass.LOCAL),
        ("http://172.32.0.1", "x", HostClass.CLOUD),
        ("http://100.64.0.1", "x", HostClass.LOCAL),
        ("http://[::1]:11434", "x", HostClass.LOCAL),
        ("http://[fe80::1%25en0]", "x", HostClass.LOCAL),
        ("http://[fd00::1]", "x", HostClass.LOCAL),
        ("http://8.8.8.8", "ollama", HostClass.CLOUD),
        ("http://Mac.LOCAL.", "x", HostClass.LOCAL),
        ("http://gpu", "lmstudio-2", HostClass.SELF_HOSTED),
        ("http://gpu", "mybox", HostClass.CLOUD),
        ("http://[bad", "x", HostClass.CLOUD),
        (None, "ollama", HostClass.LOCAL),
        (None, "ollama-cloud", HostClass.CLOUD),
        (None, "x", HostClass.CLOUD),
    ],
)
def test_host_classes(url: str | None, provider: str, expected: HostClass) -> None:
    assert host_class(url, provider) is expected


def test_an_own_host_may_be_cloud_for_openclaw() -> None:
    assert is_own("http://gpu.example.lan:8000", "mybox")
    assert is_own("http://gpu:8000", "mybox")
    assert not is_own("https://api.example.com/v1", "mybox")
    assert is_self_hosted_id("LMStudio")


def test_what_counts_as_ollama() -> None:
    assert is_ollama("http://10.0.0.1:9", "Ollama")
    assert is_ollama("http://127.0.0.1:11434/v1", "x")
    assert not is_ollama("http://10.0.0.1:11434/v1", "x")
    assert not is_ollama("http://127.0.0.1:8080", "x")
    assert not is_ollama("http://127.0.0.1:99999999", "x")


def test_addresses_lose_their_secrets() -> None:
    assert shown_url("http://u:p@h:1/v1?k=s#f") == "http://h:1/v1"
    assert shown_url("http://[bad", "") == ""
