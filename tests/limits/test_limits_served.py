"""served_context: who wins."""

from __future__ import annotations

from limits_builders import MODEL, at, definition, header, known, llama_server, loaded, ollama, route, settings, stack

from truelimit.domain.server import ModelLoaded
from truelimit.limits.served import served_context
from truelimit.units import Tokens


def value(**extra: object) -> int | None:
    served = served_context(stack(**extra))
    return served.value if served else None


def test_the_definition_holds_without_anything_else() -> None:
    assert value() == 131_072


def test_what_is_loaded_is_the_truth() -> None:
    served = served_context(stack(server=ollama(definition(), loaded=(loaded(MODEL, 65_536),))))
    assert served is not None
    assert (served.value, served.where) == (65_536, "/api/ps context_length")


def test_a_request_overrides_and_is_clamped() -> None:
    sends = route(api="ollama", request_context=known(Tokens(32_768)))
    assert value(route=sends) == 32_768
    assert value(route=route(request_context=known(Tokens(999_999)))) == 262_144


def test_a_request_that_differs_from_what_is_loaded_makes_the_server_load_again() -> None:
    for_somebody_else = ollama(definition(), loaded=(loaded(MODEL, 4096),))
    sends = route(request_context=known(Tokens(32_768)))
    assert value(server=for_somebody_else, route=sends) == 32_768
    assert value(server=for_somebody_else) == 4096


def test_a_lower_loaded_context_may_be_a_clamp_that_we_cannot_check() -> None:
    server = ollama(definition(header=None), loaded=(loaded(MODEL, 8192),))
    sends = route(request_context=known(Tokens(32_768)))
    assert value(server=server, route=sends, header=None, definition=definition(header=None)) == 8192


def test_defaults_hold_where_nobody_set_anything() -> None:
    bare = definition(num_ctx=None)
    server = ollama(bare, settings=settings(default_context=known(Tokens(4096)), tier_context=known(Tokens(262_144))))
    assert value(server=server, definition=bare) == 4096
    only_tier = ollama(bare, settings=settings(tier_context=known(Tokens(32_768))))
    assert value(server=only_tier, definition=bare) == 32_768
    assert value(server=ollama(bare), definition=bare) is None


def test_a_log_tells_what_was_loaded() -> None:
    bare = definition(num_ctx=None)
    load = ModelLoaded("log 1", at(0), model=MODEL, context_per_slot=Tokens(4096))
    assert value(server=ollama(bare), definition=bare, events=(load,)) == 4096


def test_the_load_of_another_model_tells_nothing() -> None:
    bare, other = definition(num_ctx=None), definition("other:8b", 2048, header=None)
    load = ModelLoaded("log 1", at(0), model="other:8b", context_per_slot=Tokens(2048))
    assert value(server=ollama(bare, other), definition=bare, events=(load,)) is None


def test_llama_server_splits_its_context_over_slots() -> None:
    whole = definition("m", 8192)
    split = llama_server(settings=settings(parallel=known(4), unified_kv=known(False)))
    assert value(server=split, definition=whole) == 2048
    shared = llama_server(settings=settings(parallel=known(4), unified_kv=known(True)))
    assert value(server=shared, definition=whole) == 8192
    assert value(server=llama_server(2048), definition=whole) == 2048


def test_llama_server_caps_at_what_the_model_was_trained_for() -> None:
    assert (
        value(server=llama_server(), definition=definition("m", 16_384, header=header(8192)), header=header(8192))
        == 8192
    )


def test_no_server_and_no_definition_is_unknown() -> None:
    assert value(server=None, definition=None) is None
