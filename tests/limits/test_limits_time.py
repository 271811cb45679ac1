"""The time ladder: which timer ends a prefill first, given how the server streams."""

from __future__ import annotations

from typing import Any

import pytest
from limits_builders import (
    BODY,
    RUN,
    UNDICI,
    call,
    definition,
    known,
    llama_server,
    ollama,
    place,
    route,
    settings,
    stack,
    timeout,
)

from truelimit.domain.limits import Ladder, SetBy
from truelimit.domain.session import ErrorKind
from truelimit.limits.time import bounds_prefill, build_number, time_ladder
from truelimit.units import Seconds


def ladder(**extra: Any) -> Ladder:
    return time_ladder(stack(**extra))


def binding(**extra: Any) -> str | None:
    found = ladder(**extra).binding
    return found.name if found else None


def test_the_hidden_wall_of_the_story_binds() -> None:
    found = ladder().binding
    assert found is not None
    assert (found.name, found.value, found.set_by) == ("headersTimeout", 300, SetBy.CLIENT_LIBRARY)
    assert found.note == "upgrade"


def test_a_run_below_it_binds() -> None:
    short = timeout("run", 200, "run", SetBy.AGENT_CONFIG)
    assert binding(route=route(timeouts=(UNDICI, BODY, short))) == "run"


def test_both_engines_of_ollama_send_nothing_before_the_first_token() -> None:
    for version in ("0.11.4", "0.24.0", "0.30.0", "0.33.0"):
        assert binding(server=ollama(definition(), version=version)) == "headersTimeout"


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("b9477", "headersTimeout"),
        ("b9478", RUN.name),
        ("b10434-abcdef", RUN.name),
        ("11549", RUN.name),
        ("b0-unknown", "headersTimeout"),
        ("", "headersTimeout"),
    ],
)
def test_llama_server_sends_early_from_b9478(version: str, expected: str) -> None:
    assert binding(server=llama_server(8192, version=version)) == expected


def test_an_unknown_server_is_taken_as_silent() -> None:
    assert binding(server=None) == "headersTimeout"
    assert bounds_prefill("first-event", None)


def test_loading_and_compaction_never_bound_a_prefill() -> None:
    server = ollama(definition(), settings=settings(load_timeout=known(Seconds(60.0), "OLLAMA_LOAD_TIMEOUT")))
    compaction = timeout("compaction", 100, "compaction", SetBy.AGENT_DEFAULT)
    found = ladder(server=server, route=route(timeouts=(compaction, UNDICI)))
    assert [(rung.name, rung.set_by) for rung in found.rungs] == [
        ("compaction", SetBy.AGENT_DEFAULT),
        ("headersTimeout", SetBy.CLIENT_LIBRARY),
        ("server-load", SetBy.SERVER_LOAD),
    ]
    assert found.binding is not None
    assert found.binding.name == "headersTimeout"


def test_a_proxy_that_the_user_named_counts() -> None:
    proxy = timeout("nginx proxy_read_timeout", 60, "headers", SetBy.PROXY)
    found = ladder(proxies=(proxy,)).binding
    assert found is not None
    assert (found.name, found.set_by) == ("nginx proxy_read_timeout", SetBy.PROXY)


def test_no_timer_binds_nothing() -> None:
    assert binding(route=route(timeouts=())) is None
    assert binding(route=None) is None
    assert ladder(route=route(timeouts=(timeout("off", 0, "run"),))).rungs == ()


@pytest.mark.parametrize(
    ("text", "build"),
    [("b10434", 10434), ("version: 9478 (abc)", 9478), ("0.15.5", None), (None, None), ("b0-unknown", None)],
)
def test_build_numbers(text: str | None, build: int | None) -> None:
    assert build_number(text) == build


def test_timers_that_end_in_one_second_are_tied() -> None:
    found = ladder()
    assert [rung.name for rung in found.tied] == ["bodyTimeout"]
    assert ladder(route=route(timeouts=(UNDICI, RUN))).tied == ()


def test_the_timer_of_one_command_binds_only_where_a_call_ended_at_it() -> None:
    own = timeout("command", 600, "command", place=place("agents", "timeoutSeconds"))
    long = route(timeouts=(own, RUN))
    assert binding(route=long) == RUN.name
    assert binding(route=long, calls=(call(0, 600.3, ErrorKind.TIMEOUT),)) == "command"
    assert binding(route=long, calls=(call(0, 600.3),)) == RUN.name
    assert binding(route=long, calls=(call(0, 700, ErrorKind.TIMEOUT),)) == RUN.name
