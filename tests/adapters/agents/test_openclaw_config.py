"""Reading openclaw.json: comments, includes, variables, broken and hostile files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.openclaw_config import FEB, agent, entry, evidence, ollama, route, write_home
from truelimit.adapters.agents.openclaw.config import Config, load
from truelimit.adapters.agents.openclaw.dotenv import expand, read_dotenv
from truelimit.domain.limits import SetBy

SAMPLES = Path(__file__).parents[2] / "samples/openclaw"
KEYS = [
    *("models", "providers", "ollama", "baseUrl", "api", "id", "contextWindow", "contextTokens", "params", "num_ctx"),
    *("agents", "defaults", "model", "primary", "fallbacks", "list", "entries", "timeoutSeconds", "compaction"),
    *("env", "meta", "lastTouchedVersion", "$include", "localService", "cost"),
]
SECRET = "sk-very-secret"


def loaded(path: Path, **environment: str) -> Config:
    config, missing = load(path, environment)
    assert config is not None, missing
    return config


def test_the_recorded_february_config(tmp_path: Path) -> None:
    file = write_home(tmp_path, (SAMPLES / "2026.2.17/openclaw.json5").read_text(encoding="utf-8"))
    (tmp_path / ".openclaw/agents/main/sessions").mkdir(parents=True)
    (tmp_path / ".openclaw/agents/main/sessions/sessions.json").write_text("{}", encoding="utf-8")
    found = evidence(tmp_path)
    (openclaw,) = found.agents
    assert (openclaw.name, openclaw.version, openclaw.generation) == ("openclaw", None, "2026.2")
    assert openclaw.config_files == (str(file),)
    assert openclaw.read_only is None
    (primary,) = openclaw.routes
    assert (primary.ref, primary.api) == ("ollama/qwen3-coder-30b-v-128k", "ollama")
    assert (primary.agent_context.value, primary.agent_context_source) == (131072, "explicit")
    assert primary.agent_context_set_by is SetBy.AGENT_CONFIG
    assert primary.agent_context_place.line == 14
    assert primary.primary_place is not None
    assert primary.primary_place.path == ("agents", "defaults", "model", "primary")
    assert primary.request_context is not None
    assert primary.request_context.value == 131072
    assert primary.configured.api_key_is_launcher_mark
    assert primary.configured.costs_all_zero
    assert not primary.configured.base_url_has_v1
    assert primary.configured.max_tokens == 8192
    assert [missing.fact for missing in found.missing] == ["version of OpenClaw"]


def test_the_recorded_september_config(tmp_path: Path) -> None:
    openclaw = agent(tmp_path, (SAMPLES / "2026.9.6/openclaw.json").read_text(encoding="utf-8"))
    assert openclaw.version is not None
    assert (openclaw.version.value, openclaw.generation, openclaw.notes) == ("2026.9.6", "2026.9", ())
    assert openclaw.version.where.endswith("meta.lastTouchedVersion (line 51)")
    (primary,) = openclaw.routes
    assert primary.agent_context.value == 262144
    assert primary.configured.numbers == {"contextWindow": 262144, "maxTokens": 8192}
    assert [place.path for place in primary.references] == [("agents", "defaults", "model", "primary")]
    assert primary.agent_context_place.line == 31
    assert primary.request_context_place is not None
    assert (primary.request_context_place.path[-1], primary.request_context_place.line) == ("num_ctx", None)
    assert primary.request_context is None  # contextWindow alone is not sent


def test_the_launcher_of_february_is_seen(tmp_path: Path) -> None:
    costs = dict.fromkeys(("input", "output", "cacheRead", "cacheWrite"), 0)
    config = ollama(
        [entry(contextWindow=131072, maxTokens=16384, cost=costs, reasoning=False, input=["text"])],
        api="openai-completions",
        baseUrl="http://127.0.0.1:11434/v1",
        apiKey="ollama-local",
    )
    marks = route(tmp_path, config, FEB).configured
    assert (marks.listed, marks.own_window, marks.max_tokens) == (True, True, 16384)
    assert marks.api_key_is_launcher_mark
    assert marks.costs_all_zero
    assert marks.base_url_has_v1


def test_includes_follow_openclaws_order_and_keep_their_places(tmp_path: Path) -> None:
    root = tmp_path / "openclaw.json"
    root.write_text('{ a: { $include: "./one.json5" }, b: { $include: ["./one.json5", "two.json5"], x: 9 } }')
    (tmp_path / "one.json5").write_text("{\n  x: 1,\n  l: [1],\n}")
    (tmp_path / "two.json5").write_text("{\n  x: 2,\n\n  l: [2], y: 3 }")
    config = loaded(root)
    assert config.get("a") == {"x": 1, "l": [1]}
    assert config.get("b") == {"x": 9, "l": [1, 2], "y": 3}
    assert config.files == (str(root), str(tmp_path / "one.json5"), str(tmp_path / "two.json5"))
    assert str(config.place("a", "x")) == f"{tmp_path / 'one.json5'}: x (line 2)"
    assert str(config.place("b", "l", 1)) == f"{tmp_path / 'two.json5'}: l[0] (line 4)"
    assert str(config.place("b", "l", 2)) == f"{tmp_path / 'two.json5'}: l[1]"
    assert str(config.place("b", "x")) == f"{root}: b.x (line 1)"
    assert str(config.place("a", "new")) == f"{tmp_path / 'one.json5'}: new"  # the writer follows one include
    assert str(config.place("b", "new")) == f"{root}: b.new"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../outside.json5", "lies outside"),
        ("openclaw.json", "includes itself"),
        ("nowhere.json5", "nowhere.json5"),
        ("loop.json5", "includes itself"),
        ("broken.json5", "line 2"),
        (5, "not a file name"),
        ("a\0b", "not a file name"),
        (".", "not an ordinary file"),
    ],
)
def test_a_bad_include_is_reported_and_the_rest_read(tmp_path: Path, name: object, why: str) -> None:
    home = tmp_path / "home"
    config = {**ollama([entry(contextWindow=9)]), "channels": {"$include": name}}
    write_home(home, config, FEB)
    (home / "outside.json5").write_text("{}")
    (home / ".openclaw/loop.json5").write_text('{ z: { $include: "loop.json5" } }')
    (home / ".openclaw/broken.json5").write_text("{\n a b }")
    found = evidence(home)
    assert any(why in missing.why for missing in found.missing)
    assert found.agents[0].routes[0].agent_context.value == 9


def test_includes_nest_ten_levels_and_no_more(tmp_path: Path) -> None:
    for level in range(15):
        (tmp_path / f"{level}.json5").write_text(f'{{ level: {level}, n: {{ $include: "{level + 1}.json5" }} }}')
    config = loaded(tmp_path / "0.json5")
    assert config.get(*["n"] * 10, "level") == 10
    assert config.get(*["n"] * 11) == {}
    assert "10 levels" in config.missing[0].why


def test_variables_come_from_the_environment_then_dotenv_then_the_config(tmp_path: Path) -> None:
    config = ollama([entry()], baseUrl="http://${HOST}:${PORT}")
    write_home(tmp_path, {**config, "env": {"HOST": "config", "vars": {"PORT": "1"}}}, FEB)
    assert evidence(tmp_path).agents[0].routes[0].base_url == "http://config:1"
    (tmp_path / ".openclaw/.env").write_text("# c\nexport PORT='2' # two\nHOST=\"dotenv\"\n")
    assert evidence(tmp_path).agents[0].routes[0].base_url == "http://dotenv:2"
    assert evidence(tmp_path, PORT="3").agents[0].routes[0].base_url == "http://dotenv:3"


def test_an_unset_variable_is_reported_not_guessed(tmp_path: Path) -> None:
    write_home(tmp_path, ollama([entry(contextWindow=9)], baseUrl="${BOX_URL}/v1"), FEB)
    found = evidence(tmp_path)
    assert found.agents[0].routes[0].base_url is None
    assert "BOX_URL" in "".join(missing.why for missing in found.missing)


def test_escaped_variables_stay() -> None:
    assert expand("$${HOME} ${A}${b}${C}", {"A": "1"}) == ("${HOME} 1${b}${C}", ("C",))


def test_dotenv_survives_anything(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes(b"A=1\n\xff\xfe=x\n=2\nB = 'q # r' # s\nno pair\nC=\n" + b" " * 300_000)
    assert read_dotenv(path) == {"A": "1", "B": "q # r", "C": ""}
    assert read_dotenv(tmp_path) == {}
    assert read_dotenv(tmp_path / "none") == {}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{\n  models: {\n", "line 3"),
        (f'{{ apiKey: "{SECRET}" oops }}', "line 1"),
        ("[1]", "single value or a list"),
        ("", "line 1"),
        ("{a:" * 500, "nested deeper"),
    ],
)
def test_a_broken_config_is_reported_with_its_line_and_no_content(tmp_path: Path, text: str, why: str) -> None:
    file = write_home(tmp_path, text)
    found = evidence(tmp_path)
    assert found.agents[0].routes == ()
    (missing, version) = found.missing
    assert str(file) in missing.why
    assert why in missing.why
    assert version.fact == "version of OpenClaw"
    assert SECRET not in repr(found)
    assert "oops" not in repr(found)


def test_no_secret_is_kept(tmp_path: Path) -> None:
    config = ollama([entry(contextWindow=9, headers={"X": SECRET})], apiKey=SECRET, headers={"Authorization": SECRET})
    config["models"]["providers"]["ollama"]["baseUrl"] = f"http://user:{SECRET}@127.0.0.1:11434/v1?key={SECRET}"  # type: ignore[index]
    write_home(tmp_path, {**config, "gateway": {"auth": {"token": SECRET}}}, FEB)
    (tmp_path / ".openclaw/.env").write_text(f"OLLAMA_API_KEY={SECRET}")
    catalogue = tmp_path / ".openclaw/agents/main/agent/models.json"
    catalogue.parent.mkdir(parents=True)
    catalogue.write_text(json.dumps(config["models"]))
    found = evidence(tmp_path)
    assert found.agents[0].routes[0].base_url == "http://127.0.0.1:11434/v1"
    assert SECRET not in repr(found)


@settings(deadline=None, max_examples=60)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(KEYS),
                inner,
                max_size=5,
            )
        ),
        max_leaves=25,
    )
)
def test_any_shape_of_config_is_survived(tmp_path_factory: pytest.TempPathFactory, tree: object) -> None:
    home = tmp_path_factory.mktemp("h")
    write_home(home, {"models": {"providers": {"ollama": tree, "x": tree}}, "agents": tree, "meta": tree, "env": tree})
    assert evidence(home).agents[0].name == "openclaw"
    write_home(home, json.dumps(tree))
    assert evidence(home).agents[0].name == "openclaw"
