"""Origins: the one that the evidence supports, and why its rivals are not it."""

from __future__ import annotations

from typing import Any

import pytest
from limits_builders import MODEL, definition, known, llama_server, ollama, route, settings, stack

from truelimit.domain.agent import ConfiguredModel, Route
from truelimit.domain.limits import Origin, SetBy
from truelimit.domain.server import ContextChanged, ModelLoaded
from truelimit.limits.origin import OriginVerdict, origin_of_window
from truelimit.limits.origin_served import origin_of_served
from truelimit.units import Tokens

PLAIN = "qwen3-coder:30b"
LAUNCHER: dict[str, Any] = {
    "listed": True,
    "own_window": True,
    "max_tokens": 16_384,
    "api_key_is_launcher_mark": True,
    "costs_all_zero": True,
    "base_url_has_v1": True,
}


def verdict(made: Route, name: str = PLAIN, num_ctx: int | None = None) -> OriginVerdict:
    own = definition(name, num_ctx)
    found = origin_of_window(stack(route=made, definition=own, server=ollama(own), model=name))
    assert found is not None
    assert {item.origin for item in found.excluded} == set(Origin) - {found.origin}
    assert all(item.reason for item in found.excluded)
    return found


def why_not(found: OriginVerdict, origin: Origin) -> str:
    return next(item.reason for item in found.excluded if item.origin is origin)


def test_the_story_is_a_label_and_says_why_not_the_launcher() -> None:
    found = verdict(route(), MODEL, 131_072)
    assert found.origin is Origin.NAME_LABEL
    assert '"128k"' in found.reason
    assert "it writes maxTokens 16,384, this entry holds 8,192" in why_not(found, Origin.LAUNCHER_CONSTANT)
    assert "not discovered" in why_not(found, Origin.DISCOVERED_DEFAULT)
    assert "own" in why_not(found, Origin.SIBLING_INHERITANCE)


def test_the_same_number_without_a_label_in_any_name_is_the_users() -> None:
    found = verdict(route(model=PLAIN), PLAIN, 131_072)
    assert found.origin is Origin.USER_CONFIG
    assert "no name of this model carries a label" in why_not(found, Origin.NAME_LABEL)


def test_the_launcher_is_named_even_where_a_label_would_fit() -> None:
    found = verdict(route(configured=ConfiguredModel(**LAUNCHER)), MODEL, 131_072)
    assert found.origin is Origin.LAUNCHER_CONSTANT
    assert "stronger" in why_not(found, Origin.NAME_LABEL)


@pytest.mark.parametrize(
    "change",
    [
        {"max_tokens": 8192},
        {"max_tokens": None},
        {"api_key_is_launcher_mark": False},
        {"costs_all_zero": False},
        {"base_url_has_v1": False},
        {"own_window": False},
    ],
)
def test_a_launcher_with_one_mark_missing_is_not_proven(change: dict[str, Any]) -> None:
    found = verdict(route(model=PLAIN, configured=ConfiguredModel(**(LAUNCHER | change))))
    assert found.origin is Origin.USER_CONFIG


def test_another_api_or_window_is_not_the_launchers() -> None:
    marks = ConfiguredModel(**LAUNCHER)
    assert verdict(route(model=PLAIN, api="ollama", configured=marks)).origin is Origin.USER_CONFIG
    assert verdict(route(262_144, model=PLAIN, configured=marks)).origin is Origin.USER_CONFIG


@pytest.mark.parametrize(
    ("source", "window", "origin"),
    [
        ("discovered", 128_000, Origin.DISCOVERED_DEFAULT),
        ("fallback", 200_000, Origin.FALLBACK_CONSTANT),
        ("filled-default", 200_000, Origin.FALLBACK_CONSTANT),
        ("sibling", 131_072, Origin.SIBLING_INHERITANCE),
        ("agent-cap", 32_768, Origin.AGENT_CAP),
        ("explicit", 65_536, Origin.USER_CONFIG),
    ],
)
def test_sources_tell_the_origin(source: str, window: int, origin: Origin) -> None:
    listed = source != "sibling"
    own = ConfiguredModel(listed=listed, own_window=source == "explicit", sibling="other", sibling_window=131_072)
    made = route(
        window,
        model=PLAIN,
        agent_context_source=source,
        agent_context_set_by=SetBy.AGENT_DEFAULT,
        configured=own,
    )
    assert verdict(made).origin is origin


def test_a_label_is_not_named_for_a_number_that_nobody_wrote() -> None:
    made = route(128_000, agent_context_source="discovered", configured=ConfiguredModel(False, False))
    found = verdict(made, MODEL, 131_072)
    assert found.origin is Origin.DISCOVERED_DEFAULT
    assert "not written by hand" in why_not(found, Origin.NAME_LABEL)


def test_no_agent_has_no_window() -> None:
    assert origin_of_window(stack(route=None)) is None


def served(**extra: Any) -> Origin | None:
    found = origin_of_served(stack(**extra))
    return found.origin if found else None


def test_origins_of_what_the_server_gives() -> None:
    plain, bare = definition(PLAIN, 65_536), definition(PLAIN, None)
    assert served() is Origin.NAME_LABEL
    assert served(definition=plain, server=ollama(plain), route=route(model=PLAIN)) is Origin.USER_CONFIG
    tier = ollama(bare, settings=settings(default_context=known(Tokens(4096))))
    assert served(definition=bare, server=tier) is Origin.SERVER_DEFAULT
    chosen = settings(default_context=known(Tokens(4096)), default_context_set_by=SetBy.SERVER_ENVIRONMENT)
    assert served(definition=bare, server=ollama(bare, settings=chosen)) is Origin.USER_CONFIG
    assert served(definition=None, server=None) is None


def test_a_request_has_the_origin_of_the_agents_window() -> None:
    sends = route(request_context=known(Tokens(131_072)))
    assert served(route=sends) is Origin.NAME_LABEL


def test_slots_of_llama_server() -> None:
    split = llama_server(8192, settings=settings(parallel=known(4), unified_kv=known(False)))
    assert served(server=split, definition=definition("m", 32_768), route=None) is Origin.SLOTS


def test_a_llama_server_below_the_native_context_was_started_so() -> None:
    loads = (ModelLoaded("llama.log line 3", None, total_context=Tokens(16_384), slots=1),)
    started = stack(server=llama_server(16_384), definition=None, events=loads)
    found = origin_of_served(started)
    assert found is not None
    assert found.origin is Origin.USER_CONFIG
    assert "16,384" in found.reason
    fitted = ContextChanged("llama.log line 2", None, "fit", Tokens(262_144), Tokens(16_384))
    reduced = origin_of_served(stack(server=llama_server(16_384), definition=None, events=(fitted, *loads)))
    assert reduced is not None
    assert reduced.origin is Origin.SERVER_DEFAULT
