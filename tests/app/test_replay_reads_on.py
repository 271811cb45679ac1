"""Which servers go on reading for a client that has hung up: by kind and version."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from truelimit.adapters.demo.stage import stage
from truelimit.app.doctor import views
from truelimit.app.examine import Given
from truelimit.app.ports import Places
from truelimit.app.replay_stacks import reads_on, recorded, terms_of
from truelimit.app.replay_walls import own_timers, walls
from truelimit.cli.wiring import gather
from truelimit.domain.provenance import Basis, Known
from truelimit.domain.server import ServerKind
from truelimit.limits.view import StackView
from truelimit.tables.loader import published_rates


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> StackView:
    home = tmp_path_factory.mktemp("demo")
    stage(home)
    places = Places(home=home, isolated=True, environment={})
    (found,) = views(gather(places, Given(published=published_rates(), live=False), 1.0))
    return found


def with_server(seen: StackView, kind: ServerKind, version: str | None, batch: int | None = None) -> StackView:
    server = seen.server
    assert server is not None
    settings = replace(server.settings, batch=Known(batch, "a test", Basis.REPORTED) if batch else None)
    told = Known(version, "a test", Basis.REPORTED) if version else None
    changed = replace(server, kind=kind, version=told, settings=settings)
    return replace(seen, server=changed)


@pytest.mark.parametrize(
    ("kind", "version", "batch", "tokens"),
    [
        (ServerKind.OLLAMA, "0.16.2", None, math.inf),
        (ServerKind.OLLAMA, "0.5.12", None, math.inf),
        (ServerKind.OLLAMA, "0.24.0", None, math.inf),
        (ServerKind.OLLAMA, "0.30.0", None, 2048),
        (ServerKind.OLLAMA, "0.5.11", None, 0),
        (ServerKind.OLLAMA, None, None, 0),
        (ServerKind.LLAMA_SERVER, "b11549", None, 2048),
        (ServerKind.LLAMA_SERVER, None, 512, 512),
    ],
)
def test_by_kind_and_version(
    seen: StackView, kind: ServerKind, version: str | None, batch: int | None, tokens: float
) -> None:
    assert reads_on(with_server(seen, kind, version, batch)) == tokens


def test_without_a_server_nothing_is_known(seen: StackView) -> None:
    assert reads_on(replace(seen, server=None)) == 0


def test_the_recorded_stack_has_it(seen: StackView) -> None:
    built = recorded(seen, seen.stack, terms_of(seen, 146_760, walls(seen, own_timers(seen))))
    assert built.stack is not None
    assert math.isinf(built.stack.reads_on)
