"""What a running server says and what its store holds, as one list of definitions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from truelimit.adapters.servers.ollama.store import Stored, share_blobs
from truelimit.domain.message import said
from truelimit.domain.provenance import Missing

if TYPE_CHECKING:
    from truelimit.adapters.servers.ollama.live import Live
    from truelimit.domain.server import Definition


def merged_definitions(live: Live, stores: tuple[Stored, ...]) -> tuple[tuple[Definition, ...], tuple[Missing, ...]]:
    """Return the definitions, and where the sources contradict each other.

    The answers of a running server win; the store fills what an answer left out. A model that only the store has is
    kept when no list of the server speaks against it.
    """
    missing: list[Missing] = []
    found = {item.name: item for item in live.definitions}
    elsewhere: list[str] = []
    for stored in (item for store in stores for item in store.definitions):
        if stored.name in found:
            missing += _contradictions(found[stored.name], stored)
            found[stored.name] = _filled(found[stored.name], stored)
        elif live.names is not None and stored.name not in live.names:
            elsewhere.append(stored.name)
        else:
            found[stored.name] = stored
    if elsewhere:
        missing.append(
            Missing(
                said("models of another store: {elsewhere}", elsewhere=_some(elsewhere)),
                said("{url} does not list them", url=live.url),
            )
        )
    return share_blobs(tuple(found.values())), tuple(missing)


def _contradictions(answer: Definition, stored: Definition) -> list[Missing]:
    one = answer.num_ctx.value if answer.num_ctx else None
    other = stored.num_ctx.value if stored.num_ctx else None
    if one == other or _differ_in_file(answer, stored):
        return [_other_file(answer, stored)] if _differ_in_file(answer, stored) else []
    why = said(
        "{where} says {one}, {where2} says {other}; the first is used",
        where=answer.where,
        one=_shown(one),
        where2=stored.where,
        other=_shown(other),
    )
    return [Missing(said("num_ctx of {answer}: two sources contradict each other", answer=answer.name), why)]


def _other_file(answer: Definition, stored: Definition) -> Missing:
    why = said(
        "{where} uses {digest}, {where2} names {digest2}; the first is used",
        where=answer.where,
        digest=answer.digest,
        where2=stored.where,
        digest2=stored.digest,
    )
    return Missing(said("model file of {answer}: two sources contradict each other", answer=answer.name), why)


def _differ_in_file(answer: Definition, stored: Definition) -> bool:
    return answer.digest is not None and stored.digest is not None and answer.digest != stored.digest


def _filled(answer: Definition, stored: Definition) -> Definition:
    """Return the answer with what only the store knows; the file's own header has the whole tensor table."""
    if _differ_in_file(answer, stored):
        return answer
    return replace(
        answer,
        header=stored.header if stored.header and stored.header.tensors else answer.header,
        file_bytes=stored.file_bytes or answer.file_bytes,
        digest=answer.digest or stored.digest,
        parent=answer.parent or stored.parent,
        quantization=answer.quantization or stored.quantization,
    )


def _shown(num_ctx: int | None) -> str:
    return "none" if num_ctx is None else f"{num_ctx:,}"


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (said(" and {names} more", names=len(names) - 5) if len(names) > 5 else "")
