"""The context ladder: what is in force, what is overridden, what binds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from limits_builders import (
    MODEL,
    at,
    call,
    definition,
    header,
    known,
    llama_server,
    loaded,
    mac,
    ollama,
    place,
    route,
    settings,
    stack,
)

from truelimit.domain.agent import ConfiguredModel
from truelimit.domain.limits import Ladder, LimitKind, SetBy
from truelimit.domain.server import ContextChanged, ModelLoaded
from truelimit.domain.session import ErrorKind
from truelimit.limits.view import view
from truelimit.units import Tokens


def ladder(**extra: Any) -> Ladder:
    return view(stack(**extra)).context


def binding(**extra: Any) -> tuple[str, float, SetBy, LimitKind]:
    found = ladder(**extra).binding
    assert found is not None
    return found.name, found.value, found.set_by, found.kind


def test_the_label_of_the_story_binds_on_both_sides() -> None:
    found = ladder()
    assert [(rung.name, rung.value) for rung in found.rungs] == [
        ("native", 262_144),
        ("memory-fit", 262_144),
        ("definition", 131_072),
        ("agent-context", 131_072),
        ("compaction-budget", 111_072),
    ]
    assert binding() == ("agent-context", 131_072, SetBy.AGENT_CONFIG, LimitKind.LABEL)
    agent_rung = found.rung("agent-context")
    assert agent_rung is not None
    assert "contextWindow (line 9)" in agent_rung.where
    assert [(rung.name, rung.set_by, rung.kind) for rung in found.tied] == [
        ("definition", SetBy.SERVER_DEFINITION, LimitKind.LABEL)
    ]


def test_on_a_tie_the_agent_binds_unless_the_server_refused() -> None:
    refused = call(0, 1, ErrorKind.WINDOW_TOO_SMALL)
    assert binding(calls=(refused,))[0] == "agent-context"
    by_server = call(5, 1, ErrorKind.OVERFLOW)
    found = ladder(calls=(refused, by_server))
    assert found.binding is not None
    assert found.binding.name == "definition"
    assert [rung.name for rung in found.tied] == ["agent-context"]


def test_what_follows_from_a_key_is_no_second_key() -> None:
    sends = route(request_context=known(Tokens(131_072)), request_context_place=route().agent_context_place)
    full = definition(num_ctx=262_144)
    found = ladder(route=sends, definition=full, server=ollama(full, loaded=(loaded(MODEL, 131_072),)))
    assert found.binding is not None
    assert (found.binding.name, found.tied) == ("agent-context", ())
    by_its_own_key = route(request_context=known(Tokens(131_072)), request_context_place=place("params", "num_ctx"))
    found = ladder(route=by_its_own_key, definition=full, server=ollama(full))
    assert [rung.name for rung in found.tied] == ["request"]


def test_nothing_is_tied_with_a_physical_limit() -> None:
    full = definition(num_ctx=262_144)
    found = ladder(route=route(262_144), definition=full, server=ollama(full))
    assert found.binding is not None
    assert (found.binding.name, found.tied) == ("native", ())


def test_budgets_below_the_window_are_shown_and_never_bind() -> None:
    low = route(output_reserve=known(Tokens(100_000)))
    found = ladder(route=low)
    left = {rung.name: (rung.value, rung.bounds) for rung in found.rungs if rung.bounds != "prompt"}
    assert left == {"compaction-budget": (111_072, "compaction"), "output-reserve": (31_072, "prompt-and-answer")}
    assert found.binding is not None
    assert found.binding.value == 131_072


def test_a_chosen_number_is_configured_and_no_label() -> None:
    plain = definition("qwen3-coder:30b", 65_536)
    own = route(65_536, model="qwen3-coder:30b")
    assert binding(definition=plain, route=own, server=ollama(plain)) == (
        "agent-context",
        65_536,
        SetBy.AGENT_CONFIG,
        LimitKind.CONFIGURED,
    )


def test_a_limit_equal_to_the_native_one_is_physical() -> None:
    full = definition("qwen3-coder-30b:v-256k", 262_144)
    own = route(262_144, model="qwen3-coder-30b:v-256k")
    assert binding(definition=full, route=own, server=ollama(full)) == (
        "native",
        262_144,
        SetBy.MODEL,
        LimitKind.PHYSICAL,
    )


def test_a_request_overrides_definition_and_default() -> None:
    server = ollama(definition(), settings=settings(default_context=known(Tokens(4096))))
    sends = route(200_000, request_context=known(Tokens(32_768)))
    found = ladder(server=server, route=sends)
    assert [rung.name for rung in found.overridden] == ["definition", "server-default"]
    assert binding(server=server, route=sends)[:3] == ("request", 32_768, SetBy.REQUEST)


def test_an_environment_variable_is_named_and_the_tier_below_it_kept() -> None:
    bare = definition("qwen3-coder:30b", None)
    env = settings(
        default_context=known(Tokens(8192), "OLLAMA_CONTEXT_LENGTH"),
        default_context_set_by=SetBy.SERVER_ENVIRONMENT,
        tier_context=known(Tokens(262_144)),
    )
    found = ladder(server=ollama(bare, settings=env), definition=bare)
    assert found.binding is not None
    assert (found.binding.name, found.binding.set_by) == ("server-default", SetBy.SERVER_ENVIRONMENT)
    assert [rung.name for rung in found.overridden] == ["vram-tier"]


def test_the_server_default_binds_below_a_large_agent_window() -> None:
    bare = definition("qwen3-coder:30b", None)
    server = ollama(bare, settings=settings(default_context=known(Tokens(4096))))
    found = binding(server=server, definition=bare, route=route(200_000))
    assert found == ("server-default", 4096, SetBy.SERVER_DEFAULT, LimitKind.CONFIGURED)


def test_what_is_loaded_carries_the_key_that_it_came_from() -> None:
    found = ladder(server=ollama(definition(), loaded=(loaded(MODEL, 131_072),)), route=route(200_000))
    rung = found.rung("loaded")
    assert rung is not None
    assert (rung.set_by, rung.kind, rung.note) == (SetBy.SERVER_DEFINITION, LimitKind.LABEL, "as definition says")
    assert found.binding is not None
    assert found.binding.name == "definition"


def test_what_is_loaded_lower_than_all_keys_binds() -> None:
    found = binding(server=ollama(definition(), loaded=(loaded(MODEL, 16_384),)))
    assert found == ("loaded", 16_384, SetBy.REQUEST, LimitKind.CONFIGURED)


def test_what_was_loaded_for_somebody_else_is_set_aside() -> None:
    sends = route(200_000, request_context=known(Tokens(131_072)))
    found = ladder(server=ollama(definition(), loaded=(loaded(MODEL, 4096),)), route=sends)
    assert [rung.name for rung in found.overridden] == ["definition", "loaded"]
    assert found.binding is not None
    assert found.binding.name == "request"


def test_the_launcher_is_named() -> None:
    marks = ConfiguredModel(
        listed=True,
        own_window=True,
        max_tokens=16_384,
        api_key_is_launcher_mark=True,
        costs_all_zero=True,
        base_url_has_v1=True,
    )
    bare = definition("qwen3-coder:30b", None)
    found = binding(route=route(configured=marks, model="qwen3-coder:30b"), definition=bare, server=ollama(bare))
    assert found == ("agent-context", 131_072, SetBy.LAUNCHER, LimitKind.CONFIGURED)


def test_slots_divide_the_context_of_llama_server() -> None:
    whole = definition("m", 32_768, header=header())
    server = llama_server(8192, settings=settings(parallel=known(4), unified_kv=known(False)))
    found = binding(server=server, definition=whole, route=None)
    assert found == ("slot", 8192, SetBy.SLOT, LimitKind.CONFIGURED)


def test_a_shared_pool_does_not_divide() -> None:
    whole = definition("m", 32_768, header=header())
    server = llama_server(32_768, settings=settings(parallel=known(4), unified_kv=known(True)))
    assert binding(server=server, definition=whole, route=None)[:2] == ("definition", 32_768)


def test_the_engine_reduced_the_context_by_itself() -> None:
    bare = definition("m", None)
    events = (
        ContextChanged("log 1", at(0), "fit", Tokens(262_144), Tokens(81_152)),
        ModelLoaded("log 2", at(1), total_context=Tokens(81_152), context_per_slot=Tokens(81_152)),
    )
    found = ladder(server=llama_server(81_152), definition=bare, route=None, events=events)
    assert found.binding is not None
    assert (found.binding.name, found.binding.value) == ("fit", 81_152)
    later = (*events, ModelLoaded("log 9", at(9), total_context=Tokens(262_144)))
    assert ladder(server=llama_server(262_144), definition=bare, route=None, events=later).rung("fit") is None


def test_memory_binds_where_it_holds_less() -> None:
    full = definition("qwen3-coder-30b:v-256k", 262_144)
    own = route(262_144, model="qwen3-coder-30b:v-256k")
    name, value, set_by, kind = binding(machine=mac(32, 24.0), definition=full, route=own, server=ollama(full))
    assert (name, set_by, kind) == ("memory-fit", SetBy.MACHINE, LimitKind.PHYSICAL)
    assert 40_000 < value < 100_000
    assert value % 256 == 0


def test_an_estimate_does_not_stand_against_what_is_loaded() -> None:
    full = definition("qwen3-coder-30b:v-256k", 262_144)
    own = route(262_144, model="qwen3-coder-30b:v-256k")
    server = ollama(full, loaded=(loaded("qwen3-coder-30b:v-256k", 262_144),))
    assert binding(machine=mac(32, 24.0), definition=full, route=own, server=server)[0] == "native"


def test_rope_scaling_is_shown_and_never_binds() -> None:
    scaled = header(
        32_768,
        **{"qwen3moe.rope.scaling.factor": 4.0, "qwen3moe.rope.scaling.original_context_length": 32_768},
    )
    found = ladder(header=scaled, definition=definition(num_ctx=None, header=scaled), route=None)
    assert [(rung.name, rung.value) for rung in found.rungs[:2]] == [("rope-scaled", 131_072), ("native", 32_768)]
    assert found.binding is not None
    assert found.binding.name == "native"


def test_nothing_known_binds_nothing() -> None:
    found = ladder(server=None, definition=None, header=None, route=None, agent=None)
    assert found == Ladder("tokens")


@pytest.mark.parametrize("asked", [300_000, 262_144])
def test_a_wish_above_native_is_noted_as_clamped(asked: int) -> None:
    big = definition("m", asked)
    rung = ladder(definition=big, route=None).rung("definition")
    assert rung is not None
    assert rung.value == asked
    assert ("clamped" in rung.note) is (asked > 262_144)


def test_the_view_carries_names_for_the_report() -> None:
    names = view(stack()).ladders
    assert (names.agent, names.model) == ("openclaw", f"ollama/{MODEL}")
    bare = view(replace(stack(), agent=None, route=None)).ladders
    assert (bare.agent, bare.model) == ("", MODEL)
