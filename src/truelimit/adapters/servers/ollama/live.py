"""A running Ollama, asked over its API: version first, then what it holds and what it has loaded."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from truelimit.adapters.servers.http import HttpTrouble, fetch, get_json, post_json, shown
from truelimit.adapters.servers.ollama import eras
from truelimit.adapters.servers.ollama.show import (
    Listed,
    count_of,
    definition,
    hides_arrays,
    listed,
    mapping_of,
    text_of,
)
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known, Missing
from truelimit.domain.server import Definition, Engine, Loaded
from truelimit.units import MIB, Bytes, Tokens

if TYPE_CHECKING:
    from truelimit.app.ports import Deadline

MOST_MODELS = 50
_SHOW_CAP = 64 * MIB


@dataclass(frozen=True, slots=True)
class Live:
    """What a running server said. ``answered`` is False when there was no Ollama to ask.

    ``names`` are all models that it lists, None when it gave no list.
    """

    url: str
    answered: bool = False
    version: Known[str] | None = None
    engine: Engine | None = None
    definitions: tuple[Definition, ...] = ()
    loaded: tuple[Loaded, ...] = ()
    names: frozenset[str] | None = None
    missing: tuple[Missing, ...] = field(default_factory=tuple)


def ask(url: str, deadline: Deadline) -> Live:
    """Return what the Ollama at ``url`` says, within the deadline. Never raises: troubles are missing facts."""
    url = url.rstrip("/")
    name = shown(url)
    try:
        version = ask_version(url, deadline)
    except HttpTrouble as trouble:
        return Live(name, missing=(Missing(said("Ollama at {name}", name=name), str(trouble)),))
    entries, no_tags = _ask_tags(url, deadline)
    loaded, no_ps = _ask_loaded(url, deadline)
    definitions, no_shows = _ask_definitions(url, _loaded_first(entries, loaded), deadline)
    return Live(
        url=name,
        answered=True,
        version=Known(version, f"{name}/api/version", Basis.REPORTED),
        engine=eras.era(version) or _engine_by_answers(entries),
        definitions=definitions,
        loaded=loaded,
        names=None if no_tags and not entries else frozenset(entry.name for entry in entries),
        missing=(*no_tags, *no_ps, *no_shows),
    )


def ask_version(url: str, deadline: Deadline) -> str:
    """Return the version that ``/api/version`` gives.

    Raises HttpTrouble when nothing answers, or another program does.
    """
    where = f"{url}/api/version"
    reply = fetch("GET", where, deadline, cap=MIB)
    body = reply.value if isinstance(reply.value, dict) else {}
    version = text_of(body, "version")
    if reply.status == 200 and version is not None:
        return version[:60]
    raise HttpTrouble(where, *_not_ollama(reply.status, reply.headers, body), status=reply.status, value=body)


def _not_ollama(status: int, headers: Mapping[str, str], body: Mapping[str, object]) -> tuple[str, str, str]:
    """Return what happened, what was expected and what to do, for an answer that is not Ollama's."""
    expected = said('Ollama\'s answer {"version": "..."}')
    error = mapping_of(body, "error")
    if "llama.cpp" in headers.get("server", "") or (status == 404 and error.get("type") == "not_found_error"):
        return said("this is llama-server, not Ollama"), expected, said("name it with --server instead of --ollama")
    if status == 403:
        return (
            said("it refuses this host name (403)"),
            expected,
            said("use the address that OLLAMA_HOST names, such as 127.0.0.1"),
        )
    return (
        said("another program answers (status {status})", status=status),
        expected,
        said("check the address in OLLAMA_HOST or --ollama"),
    )


def _engine_by_answers(entries: tuple[Listed, ...]) -> Engine | None:
    """Return the engine of a build that knows no version: only from 0.30 does ``/api/tags`` give context lengths."""
    local = [entry for entry in entries if not entry.is_remote]
    if not local:
        return None
    return Engine.LLAMA_SERVER if any(entry.has_context_length for entry in local) else Engine.OLLAMA_RUNNER


def _ask_tags(url: str, deadline: Deadline) -> tuple[tuple[Listed, ...], tuple[Missing, ...]]:
    fact = said("models that Ollama holds")
    try:
        answer = get_json(f"{url}/api/tags", deadline)
    except HttpTrouble as trouble:
        return (), (Missing(fact, str(trouble)),)
    models = answer.get("models") if isinstance(answer, dict) else None
    if not isinstance(models, list):
        return (), (Missing(fact, said("{url}/api/tags: no list of models in the answer", url=shown(url))),)
    entries = tuple(entry for entry in map(listed, models) if entry is not None)
    damaged = len(models) - len(entries)
    why = said(
        "{url}/api/tags: {damaged} of {models} entries have no name",
        url=shown(url),
        damaged=damaged,
        models=len(models),
    )
    return entries, (Missing(fact, why),) if damaged else ()


def _ask_loaded(url: str, deadline: Deadline) -> tuple[tuple[Loaded, ...], tuple[Missing, ...]]:
    fact = said("models that Ollama has loaded")
    where = f"{shown(url)}/api/ps"
    try:
        answer = get_json(f"{url}/api/ps", deadline)
    except HttpTrouble as trouble:
        return (), (Missing(fact, str(trouble)),)
    models = answer.get("models") if isinstance(answer, dict) else None
    if not isinstance(models, list):
        return (), (Missing(fact, said("{where}: no list of models in the answer", where=where)),)
    found = tuple(item for item in (loaded_model(where, entry) for entry in models) if item is not None)
    missing = [
        Missing(fact, said("{where}: {models} entries have no name", where=where, models=len(models) - len(found)))
    ] * (len(found) < len(models))
    missing += [
        Missing(
            said("context of {name} as loaded", name=item.name),
            said("{where}: no context_length (Ollama gives it from 0.10)", where=where),
        )
        for item in found
        if item.context is None
    ]
    return found, tuple(missing)


def loaded_model(where: str, entry: object) -> Loaded | None:
    """Return an entry of ``models`` in ``/api/ps``, or None when it has no name. Its context is that of one slot."""
    if not isinstance(entry, dict):
        return None
    name = text_of(entry, "name") or text_of(entry, "model")
    if name is None:
        return None
    context, size, vram = (count_of(entry, key) for key in ("context_length", "size", "size_vram"))
    return Loaded(
        name,
        Known(Tokens(context), said("{where}: {name} context_length", where=where, name=name), Basis.REPORTED)
        if context
        else None,
        size=None
        if size is None
        else Known(Bytes(size), said("{where}: {name} size", where=where, name=name), Basis.REPORTED),
        size_vram=None
        if vram is None
        else Known(Bytes(vram), said("{where}: {name} size_vram", where=where, name=name), Basis.REPORTED),
    )


def _loaded_first(entries: tuple[Listed, ...], loaded: tuple[Loaded, ...]) -> tuple[Listed, ...]:
    names = {item.name for item in loaded}
    return tuple(sorted(entries, key=lambda entry: entry.name not in names))


def _ask_definitions(
    url: str, entries: tuple[Listed, ...], deadline: Deadline
) -> tuple[tuple[Definition, ...], tuple[Missing, ...]]:
    found: list[Definition] = []
    missing: list[Missing] = []
    for position, entry in enumerate(entries):
        if position >= MOST_MODELS:
            missing.append(
                _not_asked(
                    entries[position:],
                    said("more than {most_models} models: the rest was not asked", most_models=MOST_MODELS),
                )
            )
            break
        try:
            item, troubles = ask_definition(url, entry, deadline)
        except HttpTrouble as trouble:
            missing.append(Missing(said("definition of {entry}", entry=entry.name), str(trouble)))
            if trouble.status is None:
                # The server has gone or hangs: each further question would cost its whole time.
                missing.append(_not_asked(entries[position + 1 :], said("not asked after that")))
                break
            continue
        found.append(item)
        missing.extend(troubles)
    return tuple(found), tuple(item for item in missing if item.fact)


def ask_definition(url: str, entry: Listed, deadline: Deadline) -> tuple[Definition, tuple[Missing, ...]]:
    """Return one definition by ``/api/show``; the verbose (large) form only when the short one hides arrays.

    Raises HttpTrouble.
    """
    where = f"{url}/api/show"
    answer = post_json(where, {"model": entry.name}, deadline)
    if isinstance(answer, dict) and hides_arrays(answer):
        # The long answer also holds the vocabulary; without it the header is said to lack its arrays.
        with contextlib.suppress(HttpTrouble):
            answer = post_json(where, {"model": entry.name, "verbose": True}, deadline, cap=_SHOW_CAP)
    if not isinstance(answer, dict):
        what = said("the answer for {entry} is not an object", entry=entry.name)
        raise HttpTrouble(where, what, said("an object"), said("check which program answers"), status=200)
    return definition(shown(url), entry, answer)


def _not_asked(entries: tuple[Listed, ...], why: str) -> Missing:
    names = ", ".join(entry.name for entry in entries[:5])
    more = said(" and {entries} more", entries=len(entries) - 5) if len(entries) > 5 else ""
    return Missing(said("definitions of {names}{more}", names=names, more=more) if entries else "", why)
