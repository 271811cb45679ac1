"""Who set the number that binds: each author once, whatever the number of rungs that show it."""

from __future__ import annotations

from limits.limits_builders import LABEL, MODEL, definition, llama_server, loaded, ollama, stack
from truelimit.app.verdict import verdict
from truelimit.domain.findings import Finding, Severity
from truelimit.domain.server import Server
from truelimit.limits.view import view


def first_words(server: Server, **extra: object) -> str:
    seen = view(stack(server=server, **extra))
    found = Finding("CTX001", "name", Severity.FAILS, "It is a label.", seen.stack.model)
    return verdict((seen,), (found,)).parts[0]


def test_a_definition_that_is_loaded_too_is_named_once() -> None:
    told = first_words(ollama(definition(), loaded=(loaded(MODEL, LABEL),)))
    assert told.count("the model definition on the server") == 1


def test_a_llama_server_has_a_command_line_and_no_definition() -> None:
    told = first_words(llama_server(2048), definition=None)
    assert "the way llama-server was started (--ctx-size)" in told
    assert "definition" not in told
