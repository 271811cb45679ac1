"""Where OpenClaw's files are looked for, which version they belong to, and what must not be written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.openclaw_config import FEB, SEP, agent, entry, evidence, ollama, write_home
from truelimit.adapters.agents.openclaw import config as config_module
from truelimit.adapters.agents.openclaw.keys import accepts
from truelimit.adapters.agents.openclaw.places import installations
from truelimit.adapters.agents.openclaw.read import read
from truelimit.app.ports import Deadline, Evidence, Places


def first(home: Path, **environment: str) -> Path | None:
    found = installations(Places(home, environment=environment))
    return found[0].config_file if found else None


def test_nothing_there_is_no_error(tmp_path: Path) -> None:
    assert read(Places(tmp_path, isolated=True), Deadline(1)) == Evidence()
    assert read(Places(tmp_path / "nowhere", isolated=True), Deadline(1)) == Evidence()


def test_order_of_places(tmp_path: Path) -> None:
    old = write_home(tmp_path, {}, folder=".moltbot").rename(tmp_path / ".moltbot/moltbot.json")
    assert first(tmp_path) == old
    (tmp_path / ".openclaw").mkdir()
    assert first(tmp_path) == old  # the new folder without a file does not hide the old file
    usual = write_home(tmp_path, {})
    assert first(tmp_path) == usual
    profile = write_home(tmp_path, {}, folder=".openclaw-work")
    assert first(tmp_path, OPENCLAW_PROFILE="work") == profile
    other = write_home(tmp_path / "other", {})
    assert first(tmp_path, OPENCLAW_HOME=str(tmp_path / "other")) == other
    state = write_home(tmp_path, {}, folder="state")
    assert first(tmp_path, OPENCLAW_HOME=str(tmp_path / "other"), OPENCLAW_STATE_DIR=str(tmp_path / "state")) == state
    assert first(tmp_path, CLAWDBOT_STATE_DIR="~/state") == state
    named = tmp_path / "x.json5"
    assert first(tmp_path, OPENCLAW_STATE_DIR=str(tmp_path / "state"), OPENCLAW_CONFIG_PATH=str(named)) == named


def test_a_named_file_that_is_not_there_is_reported(tmp_path: Path) -> None:
    found = evidence(tmp_path, OPENCLAW_CONFIG_PATH=str(tmp_path / "gone.json"))
    assert str(tmp_path / "gone.json") in found.missing[0].why


def test_profiles_are_agents_of_their_own(tmp_path: Path) -> None:
    write_home(tmp_path, ollama([entry(contextWindow=1)]), FEB)
    write_home(tmp_path, ollama([entry(contextWindow=2)]), SEP, folder=".openclaw-work")
    found = read(Places(tmp_path, isolated=True), Deadline(1))
    assert [(item.name, item.routes[0].agent_context.value) for item in found.agents] == [
        ("openclaw", 1),
        ("openclaw-work", 2),
    ]
    assert str(tmp_path / ".openclaw-work/openclaw.json") in found.examined


def test_sessions_are_read_though_the_config_is_broken(tmp_path: Path) -> None:
    write_home(tmp_path, "{ nonsense")
    sample = Path(__file__).parents[2] / "samples/openclaw/2026.2.17/session-openai-completions-3x300s.jsonl"
    sessions = tmp_path / ".openclaw/agents/main/sessions"
    sessions.mkdir(parents=True)
    (sessions / "s.jsonl").write_bytes(sample.read_bytes())
    found = read(Places(tmp_path, isolated=True), Deadline(1))
    assert found.sessions[0].calls
    assert found.missing[0].fact == "OpenClaw configuration"


def test_files_that_the_user_names_are_read(tmp_path: Path) -> None:
    samples = Path(__file__).parents[2] / "samples/openclaw/2026.2.17"
    places = Places(
        tmp_path,
        isolated=True,
        sessions=(samples / "session-openai-completions-3x300s.jsonl",),
        logs=(samples / "log-agent-timeout-600s.jsonl",),
    )
    found = read(places, Deadline(1))
    assert found.agents == ()
    assert len(found.sessions) == 2


@pytest.mark.parametrize(
    ("version", "generation", "noted"),
    [
        ("2026.2.17", "2026.2", False),
        ("2026.2.3-1", "2026.2", False),
        ("2026.1.30", "2026.2", True),
        ("2026.4.15", "2026.2", True),
        ("2026.5.1", "2026.9", True),
        ("2026.9.6", "2026.9", False),
        ("v2026.9.1-beta.2", "2026.9", False),
        ("2026.11.1", "2026.9", True),
    ],
)
def test_the_generation_follows_the_version(tmp_path: Path, version: str, generation: str, noted: bool) -> None:
    openclaw = agent(tmp_path, {}, version)
    assert openclaw.generation == generation
    assert openclaw.version is not None
    assert openclaw.version.value == version
    assert bool(openclaw.notes) == noted


def package(home: Path, folder: str, version: str, name: str = "openclaw") -> None:
    (home / folder).mkdir(parents=True)
    (home / folder / "package.json").write_text(json.dumps({"name": name, "version": version}))


def test_the_installed_package_counts_and_a_difference_is_said(tmp_path: Path) -> None:
    package(tmp_path, ".npm-global/lib/node_modules/openclaw", "1.0.0", name="other")
    package(tmp_path, ".nvm/versions/node/v24.1.0/lib/node_modules/openclaw", SEP)
    openclaw = agent(tmp_path, {}, FEB)
    assert openclaw.generation == "2026.9"
    assert "last written by OpenClaw 2026.2.17" in openclaw.notes[0]


@pytest.mark.parametrize(
    ("trace", "config", "generation", "why"),
    [
        ("agents/main/agent/openclaw-agent.sqlite", {}, "2026.9", "SQLite"),
        ("agents/main/sessions/sessions.json", {}, "2026.2", "sessions.json"),
        (None, {"agents": {"entries": {}}}, "2026.9", "agents.entries"),
        (None, {"agents": {"list": []}}, "2026.2", "agents.list"),
        (None, ollama(timeoutSeconds=300), "2026.9", "timeoutSeconds"),
        (None, ollama([entry(contextTokens=5)]), "2026.9", "contextTokens"),
        (None, {}, "2026.9", "nothing tells"),
        (None, {"meta": {"lastTouchedVersion": "newest"}}, "2026.9", "nothing tells"),
    ],
)
def test_without_a_version_traces_decide(
    tmp_path: Path, trace: str | None, config: dict[str, object], generation: str, why: str
) -> None:
    file = write_home(tmp_path, config)
    if trace:
        (file.parent / trace).parent.mkdir(parents=True)
        (file.parent / trace).write_bytes(b"{}")
    found = evidence(tmp_path)
    assert found.agents[0].generation == generation
    assert why in found.agents[0].notes[0]
    assert found.missing[0].fact == "version of OpenClaw"


def test_an_old_folder_means_february(tmp_path: Path) -> None:
    write_home(tmp_path, {}, folder=".clawdbot")
    openclaw = evidence(tmp_path).agents[0]
    assert openclaw.generation == "2026.2"
    assert ".clawdbot" in openclaw.notes[1]


def test_read_only_says_why(tmp_path: Path) -> None:
    file = write_home(tmp_path, {}, SEP)
    assert evidence(tmp_path).agents[0].read_only is None
    for name in ("OPENCLAW_CONFIG_READONLY", "OPENCLAW_NIX_MODE"):
        assert name in (evidence(tmp_path, **{name: "1"}).agents[0].read_only or "")
        assert evidence(tmp_path, **{name: "0"}).agents[0].read_only is None
    real = file.rename(file.with_name("real.json"))
    try:
        file.symlink_to(real)
    except OSError:
        pytest.skip("no symbolic links here")
    assert "symbolic link" in (evidence(tmp_path).agents[0].read_only or "")


MODEL = ("models", "providers", "ollama", "models", 0)


@pytest.mark.parametrize(
    ("path", "february", "september"),
    [
        ((*MODEL, "contextWindow"), True, True),
        ((*MODEL, "maxTokens"), True, True),
        ((*MODEL, "contextTokens"), False, True),
        ((*MODEL, "params", "num_ctx"), False, True),
        ((*MODEL, "numCtx"), False, False),
        ((*MODEL, "compat", "supportsDeveloperRole"), True, True),
        ((*MODEL, "compat", "numCtx"), False, False),
        ((*MODEL, "cost", "cacheRead"), True, True),
        ((*MODEL, "cost", "perHour"), False, False),
        (("models", "providers", "ollama", "localService", "command"), False, True),
        (("models", "providers", "ollama", "localService", "shell"), False, False),
        (("models", "providers", "ollama", "timeoutSeconds"), False, True),
        (("models", "providers", "ollama", "params", "keep_alive"), False, True),
        (("agents", "defaults", "timeoutSeconds"), True, True),
        (("agents", "defaults", "contextTokens"), True, False),
        (("agents", "defaults", "llm", "idleTimeoutSeconds"), False, False),
        (("agents", "defaults", "compaction", "timeoutSeconds"), False, True),
        (("agents", "defaults", "compaction", "reserveTokensFloor"), True, False),
        (("agents", "defaults", "model", "primary"), True, True),
        (("agents", "list", 0, "model"), True, False),
        (("agents", "entries", "main", "model"), False, True),
        (("contextWindow",), False, False),
    ],
)
def test_each_version_takes_its_own_keys(path: tuple[str | int, ...], february: bool, september: bool) -> None:
    assert accepts("2026.2", path) is february
    assert accepts("2026.9", path) is september


def test_a_provider_with_very_many_models_is_not_built_anew_for_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list of 3,000 entries once cost 500 copies of it all: one for every model that is examined."""
    built = 0
    plain = config_module._plain

    def counted(branch: config_module.Branch) -> object:
        nonlocal built
        built += 1
        return plain(branch)

    monkeypatch.setattr(config_module, "_plain", counted)
    entries = [{"id": f"m{n}", "name": "m", "contextWindow": 65_536} for n in range(3_000)]
    write_home(tmp_path, {"models": {"providers": {"ollama": {"models": entries}}}}, SEP)
    (agent,) = evidence(tmp_path).agents
    assert len(agent.routes) == 500
    assert all(route.configured.provider_lists_models for route in agent.routes)
    assert built < 150 * len(agent.routes)
