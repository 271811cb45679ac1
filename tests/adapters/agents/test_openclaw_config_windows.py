"""What OpenClaw believes, sends and keeps free, in each of its two generations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.openclaw_config import FEB, SEP, agent, entry, evidence, ollama, route, write_home
from truelimit.domain.limits import SetBy
from truelimit.domain.provenance import Basis

SAMPLES = Path(__file__).parents[2] / "samples/openclaw"
OPENAI = {"api": "openai-completions", "baseUrl": "http://127.0.0.1:11434/v1"}


def catalogue(home: Path, *models: dict[str, object]) -> None:
    file = home / ".openclaw/agents/main/agent/models.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"providers": {"ollama": {"api": "ollama", "models": list(models)}}}))


def with_defaults(config: dict[str, object], **defaults: object) -> dict[str, object]:
    agents = {"defaults": {"model": {"primary": "ollama/m"}, **defaults}}
    return {**config, "agents": agents}


@pytest.mark.parametrize(
    ("version", "config", "value", "source", "set_by", "sent"),
    [
        # February: explicit, discovered, filled in, borrowed from models[0]; the window is what is sent
        (FEB, ollama([entry(contextWindow=131072)]), 131072, "explicit", SetBy.AGENT_CONFIG, 131072),
        (FEB, ollama([entry(contextWindow=131072.0)]), 131072, "explicit", SetBy.AGENT_CONFIG, 131072),
        (FEB, ollama(), 128000, "discovered", SetBy.AGENT_DEFAULT, 128000),
        (FEB, ollama([entry()]), 200000, "filled-default", SetBy.AGENT_DEFAULT, 200000),
        (FEB, ollama([{"id": "o", "contextWindow": 131072}]), 131072, "sibling", SetBy.AGENT_CONFIG, 131072),
        (FEB, ollama([{"id": "o"}]), 200000, "filled-default", SetBy.AGENT_DEFAULT, 200000),
        # February over the OpenAI-style api sends nothing
        (FEB, ollama([entry(contextWindow=131072)], **OPENAI), 131072, "explicit", SetBy.AGENT_CONFIG, None),
        # September: contextTokens wins, at most contextWindow; contextWindow alone is not sent
        (SEP, ollama([entry(contextWindow=262144)]), 262144, "explicit", SetBy.AGENT_CONFIG, None),
        (SEP, ollama([entry(contextWindow=262144, contextTokens=65536)]), 65536, "explicit", SetBy.AGENT_CONFIG, 65536),
        (SEP, ollama([entry(contextTokens=65536)]), 65536, "explicit", SetBy.AGENT_CONFIG, 65536),
        (SEP, ollama([entry(contextWindow=32000, contextTokens=65536)]), 32000, "explicit", SetBy.AGENT_CONFIG, 65536),
        (
            SEP,
            ollama([entry(contextWindow=262144, contextTokens=65536, params={"num_ctx": 8192})]),
            65536,
            "explicit",
            SetBy.AGENT_CONFIG,
            8192,
        ),
        (SEP, ollama(params={"num_ctx": 8192}), 32768, "discovered", SetBy.AGENT_DEFAULT, 8192),
        (SEP, ollama(), 32768, "discovered", SetBy.AGENT_DEFAULT, 32768),
        (SEP, ollama([entry()]), 200000, "fallback", SetBy.AGENT_DEFAULT, None),
        (SEP, ollama([{"id": "o", "contextWindow": 9}]), 200000, "fallback", SetBy.AGENT_DEFAULT, None),
        # September's OpenAI-style api on an Ollama URL: params, contextTokens, contextWindow, maxTokens, 200,000
        (SEP, ollama([entry(contextWindow=131072)], **OPENAI), 131072, "explicit", SetBy.AGENT_CONFIG, 131072),
        (SEP, ollama([entry(contextWindow=9, contextTokens=8)], **OPENAI), 8, "explicit", SetBy.AGENT_CONFIG, 8),
        (SEP, ollama([entry(contextWindow=9, params={"num_ctx": 7})], **OPENAI), 9, "explicit", SetBy.AGENT_CONFIG, 7),
        (SEP, ollama([entry(maxTokens=4096)], **OPENAI), 200000, "fallback", SetBy.AGENT_DEFAULT, 4096),
        (SEP, ollama([entry()], **OPENAI), 200000, "fallback", SetBy.AGENT_DEFAULT, 200000),
        (
            SEP,
            ollama([entry(contextWindow=131072)], **OPENAI, injectNumCtxForOpenAICompat=False),
            131072,
            "explicit",
            SetBy.AGENT_CONFIG,
            None,
        ),
        # Between the two: no 32,768 cap before 17 July 2026
        ("2026.6.1", ollama(), 128000, "discovered", SetBy.AGENT_DEFAULT, None),
    ],
)
def test_which_window_wins_and_what_is_sent(
    tmp_path: Path,
    version: str,
    config: dict[str, object],
    value: int,
    source: str,
    set_by: SetBy,
    sent: int | None,
) -> None:
    found = route(tmp_path, config, version)
    assert (found.agent_context.value, found.agent_context_source, found.agent_context_set_by) == (
        value,
        source,
        set_by,
    )
    assert (found.request_context.value if found.request_context else None) == sent


def test_every_default_names_its_rule(tmp_path: Path) -> None:
    assert "every discovered Ollama model gets 128,000" in route(tmp_path, ollama(), FEB).agent_context.where
    assert "min(32768, native context)" in route(tmp_path, ollama(), SEP).agent_context.where
    assert "borrowed" in route(tmp_path, ollama([{"id": "o", "contextWindow": 5}]), FEB).agent_context.where
    assert route(tmp_path, ollama(), "2026.4.1").agent_context.basis is Basis.ASSUMED


def test_no_provider_in_the_config_is_discovery(tmp_path: Path) -> None:
    found = route(tmp_path, {"agents": {"defaults": {"model": "ollama/m:30b"}}}, SEP)
    assert (found.api, found.base_url, found.agent_context.value) == ("ollama", "http://127.0.0.1:11434", 32768)
    assert found.model_place is not None
    assert found.model_place.path == ("models", "providers", "ollama", "models", 0)


def test_the_recorded_catalogue_is_used_for_models_without_an_entry(tmp_path: Path) -> None:
    config = {"agents": {"defaults": {"model": "local/ovf-llamacpp"}}, "models": {"providers": {"local": {}}}}
    write_home(tmp_path, config, FEB)
    file = tmp_path / ".openclaw/agents/main/agent/models.json"
    file.parent.mkdir(parents=True)
    file.write_bytes((SAMPLES / "2026.2.17/agent-models.json").read_bytes())
    (found,) = evidence(tmp_path).agents[0].routes
    assert (found.api, found.base_url) == ("openai-completions", "http://127.0.0.1:18434/v1")
    assert (found.agent_context.value, found.agent_context.basis) == (131072, Basis.REPORTED)
    assert found.agent_context.where == f"{file}: providers.local.models[0].contextWindow"
    assert found.output_reserve is not None
    assert found.output_reserve.value == 8192


def test_september_caps_a_catalogued_native_window(tmp_path: Path) -> None:
    catalogue(tmp_path, {"id": "m", "contextWindow": 262144}, {"id": "c:cloud", "contextWindow": 262144})
    write_home(tmp_path, with_defaults(ollama(), model={"primary": "ollama/m", "fallbacks": ["ollama/c:cloud"]}), SEP)
    local, cloud = evidence(tmp_path).agents[0].routes
    assert (local.agent_context.value, local.request_context and local.request_context.value) == (32768, 32768)
    assert cloud.agent_context.value == 262144
    catalogue(tmp_path, {"id": "m", "contextWindow": 262144, "contextTokens": 16384})
    assert evidence(tmp_path).agents[0].routes[0].agent_context.value == 16384


@pytest.mark.parametrize("text", ["[1, 2", '{"providers": [1]}', '{"providers": {"a": {"models": {"id": 3}}}}', "\xff"])
def test_a_damaged_catalogue_does_no_harm(tmp_path: Path, text: str) -> None:
    write_home(tmp_path, ollama(), FEB)
    catalogue(tmp_path)
    (tmp_path / ".openclaw/agents/main/agent/models.json").write_bytes(text.encode("latin-1"))
    assert evidence(tmp_path).agents[0].routes[0].agent_context.value == 128000


def test_februarys_cap_lowers_belief_but_not_what_is_sent(tmp_path: Path) -> None:
    config = with_defaults(ollama([entry(contextWindow=131072)]), contextTokens=65536)
    found = route(tmp_path, config, FEB)
    assert (found.agent_context.value, found.agent_context_source) == (65536, "agent-cap")
    assert found.agent_context_place.path == ("agents", "defaults", "contextTokens")
    assert found.request_context is not None
    assert found.request_context.value == 131072
    openclaw = agent(tmp_path, config, SEP)
    assert openclaw.routes[0].agent_context.value == 131072
    assert "retired" in openclaw.notes[0]


@pytest.mark.parametrize("bad", ["131072", -5, 0, True, 1.5, 1e300, None, [1]])
def test_a_window_that_is_no_number_is_reported_and_not_used(tmp_path: Path, bad: object) -> None:
    write_home(tmp_path, ollama([entry(contextWindow=bad)]), FEB)
    found = evidence(tmp_path)
    assert found.agents[0].routes[0].agent_context_source == "filled-default"
    assert bool(found.missing) == (bad is not None)


@pytest.mark.parametrize(
    ("version", "api", "keys", "place"),
    [
        (FEB, "ollama", ("contextWindow",), "contextWindow"),
        (FEB, "openai-completions", ("contextWindow",), None),
        (SEP, "ollama", ("contextWindow", "contextTokens", "params.num_ctx"), "num_ctx"),
        (SEP, "openai-completions", ("contextWindow", "contextTokens", "params.num_ctx"), "num_ctx"),
        (SEP, "anthropic-messages", ("contextWindow", "contextTokens"), None),
    ],
)
def test_keys_that_raise_the_window(
    tmp_path: Path, version: str, api: str, keys: tuple[str, ...], place: str | None
) -> None:
    found = route(tmp_path, ollama([entry(contextWindow=9)], api=api), version)
    assert found.window_keys == keys
    assert (found.request_context_place.path[-1] if found.request_context_place else None) == place


def test_llama_server_gets_no_num_ctx(tmp_path: Path) -> None:
    provider = {
        "baseUrl": "http://192.168.1.9:8080/v1",
        "api": "openai-completions",
        "models": [entry(contextWindow=9)],
    }
    config = {"models": {"providers": {"box": provider}}, "agents": {"defaults": {"model": "box/m"}}}
    found = route(tmp_path, config, SEP)
    assert (found.request_context, found.request_context_place) == (None, None)
    assert found.window_keys == ("contextWindow", "contextTokens")


@pytest.mark.parametrize(
    ("version", "window", "reserve", "budget"),
    [
        (SEP, 131072, 20000, 111072),
        (SEP, 65536, 16384, 49152),
        (SEP, 12000, 3000, 9000),
        (FEB, 131072, 20000, 111072),
        (FEB, 10000, 20000, 0),
    ],
)
def test_reserve_before_compaction(tmp_path: Path, version: str, window: int, reserve: int, budget: int) -> None:
    found = route(tmp_path, ollama([entry(contextWindow=window)]), version)
    assert found.compaction_reserve is not None
    assert found.prompt_budget is not None
    assert (found.compaction_reserve.value, found.prompt_budget.value) == (reserve, budget)


@pytest.mark.parametrize(("floor", "reserve"), [(4000, 16384), (0, 16384), (30000, 30000)])
def test_februarys_floor_only_raises(tmp_path: Path, floor: int, reserve: int) -> None:
    config = with_defaults(ollama([entry(contextWindow=131072)]), compaction={"reserveTokensFloor": floor})
    found = route(tmp_path, config, FEB)
    assert found.compaction_reserve is not None
    assert found.compaction_reserve.value == reserve


@pytest.mark.parametrize(
    ("version", "api", "works"),
    [
        (FEB, "ollama", False),
        (FEB, "openai-completions", True),
        ("2026.3.2", "ollama", None),
        ("2026.4.2", "ollama", True),
        (SEP, "ollama", True),
    ],
)
def test_compaction_over_the_native_api(tmp_path: Path, version: str, api: str, works: bool | None) -> None:
    found = route(tmp_path, ollama([entry(contextWindow=131072)], api=api), version).compaction_works
    assert (found.value if found else None) is works
    assert found is None or works or "No API provider registered for api: ollama" in found.where


def test_compaction_turned_off(tmp_path: Path) -> None:
    config = with_defaults(ollama([entry(contextWindow=131072)]), compaction={"enabled": False})
    found = route(tmp_path, config, SEP)
    assert found.compaction_works is not None
    assert found.compaction_works.value is False
    assert (found.compaction_reserve, found.prompt_budget) == (None, None)


@pytest.mark.parametrize(
    ("version", "model", "provider", "reserve"),
    [
        (FEB, entry(contextWindow=131072), {}, 8192),
        (FEB, entry(contextWindow=131072, maxTokens=16384), {}, 16384),
        (FEB, entry(contextWindow=4096, maxTokens=16384), {}, 4096),
        (SEP, entry(contextWindow=131072), {}, None),
        (SEP, entry(contextWindow=131072), {"maxTokens": 1000}, 1000),
        (SEP, entry(contextWindow=131072, maxTokens=2000), {"maxTokens": 1000}, 2000),
    ],
)
def test_output_reserve(
    tmp_path: Path, version: str, model: dict[str, object], provider: dict[str, object], reserve: int | None
) -> None:
    found = route(tmp_path, ollama([model], **provider), version).output_reserve
    assert (found.value if found else None) == reserve


def test_all_models_in_use_have_a_route(tmp_path: Path) -> None:
    config: dict[str, object] = {
        "models": {
            "providers": {
                "ollama": {
                    "baseUrl": "http://localhost:11434",
                    "models": [entry(), {"id": "spare", "contextWindow": 7}],
                },
                "cloudy": {
                    "baseUrl": "https://api.cloudy.example/v1",
                    "models": [{"id": "unused", "contextWindow": 5}],
                },
                "rented": {"baseUrl": "https://gpu.rented.example/v1", "models": [{"id": "r", "contextWindow": 5}]},
            }
        },
        "agents": {
            "defaults": {
                "model": {"primary": "qwen", "fallbacks": ["anthropic/claude", "rented/r"]},
                "models": {"OLLAMA/m": {"alias": "Qwen"}},
                "heartbeat": {"model": "ollama/small"},
            },
            "list": [{"id": "a", "model": "ollama/list"}, {"id": "b", "model": {"primary": "ollama/spare"}}, 5],
            "entries": {"c": {"model": {"primary": "ollama/entries", "fallbacks": ["ollama/back"]}}},
        },
    }
    openclaw = agent(tmp_path, config, FEB)
    assert [(item.ref, item.is_primary) for item in openclaw.routes] == [
        ("ollama/m", True),
        ("ollama/entries", True),
        ("ollama/list", True),
        ("ollama/spare", True),
        ("rented/r", False),
        ("ollama/back", False),
        ("ollama/small", False),
    ]
    assert "anthropic" in openclaw.notes[0]
    places = {item.ref: item.primary_place and item.primary_place.path for item in openclaw.routes}
    assert places["ollama/spare"] == ("agents", "list", 1, "model", "primary")
    assert places["ollama/m"] == ("agents", "defaults", "model", "primary")
    assert places["ollama/back"] is None
    named = {item.ref: [place.path[1:] for place in item.references] for item in openclaw.routes}
    assert named["ollama/m"] == []  # named by an alias: no key holds its name
    assert named["ollama/spare"] == [("list", 1, "model", "primary")]
    assert named["ollama/back"] == [("entries", "c", "model", "fallbacks", 0)]
    assert named["ollama/small"] == [("defaults", "heartbeat", "model")]


def test_a_sibling_is_named_for_every_other_model(tmp_path: Path) -> None:
    config = ollama([{"id": "first", "contextWindow": 131072}, entry(contextWindow=9)])
    marks = route(tmp_path, config, FEB).configured
    assert (marks.listed, marks.sibling, marks.sibling_window) == (True, "first", 131072)
    assert route(tmp_path, config, FEB, "ollama/first").configured.sibling is None


@settings(deadline=None, max_examples=50)
@given(window=st.integers(1, 2**40), tokens=st.none() | st.integers(1, 2**40), version=st.sampled_from([FEB, SEP]))
def test_belief_never_exceeds_what_is_configured(
    tmp_path_factory: pytest.TempPathFactory, window: int, tokens: int | None, version: str
) -> None:
    model = entry(contextWindow=window, **({} if tokens is None else {"contextTokens": tokens}))
    found = route(tmp_path_factory.mktemp("h"), ollama([model]), version)
    expected = window if version == FEB or tokens is None else min(window, tokens)
    assert found.agent_context.value == expected
    assert found.prompt_budget is not None
    assert found.compaction_reserve is not None
    assert found.prompt_budget.value == max(0, expected - found.compaction_reserve.value)
