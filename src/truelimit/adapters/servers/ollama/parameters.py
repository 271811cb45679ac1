"""The parameters of a model definition, as the store and the API give them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known, Missing
from truelimit.units import Tokens

_INTEGER = re.compile(r"[+-]?\d+\Z")
_ROWS = 1000
_BEYOND = 2**31  # the engine holds a context in 32 bits


def parse_rows(text: str) -> dict[str, object]:
    """Return the rows of ``/api/show`` ``parameters`` (a key, spaces, a Go value), typed; a repeated key is a list."""
    found: dict[str, object] = {}
    for row in text.splitlines()[:_ROWS]:
        key, _, value = row.strip().partition(" ")
        if not key:
            continue
        typed = _value(value.strip())
        if key not in found:
            found[key] = typed
        elif isinstance(earlier := found[key], list):
            earlier.append(typed)
        else:
            found[key] = [earlier, typed]
    return found


def without_text(parameters: Mapping[str, object]) -> dict[str, object]:
    """Return the parameters that are numbers, truth values or short words: stop sequences may hold prompt text."""
    return {key: value for key, value in parameters.items() if isinstance(value, bool | int | float)}


def num_ctx_of(parameters: Mapping[str, object], where: str, name: str) -> tuple[Known[Tokens] | None, Missing | None]:
    """Return the definition's context, or what is wrong with it. Both are None when it sets none."""
    if "num_ctx" not in parameters:
        return None, None
    value = parameters["num_ctx"]
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < _BEYOND:
        return Known(Tokens(value), said("{where}: num_ctx", where=where), Basis.REPORTED), None
    kind = "text" if isinstance(value, str) else f"{value!r:.40}"
    return None, Missing(
        said("num_ctx of {name}", name=name),
        said(
            "{where}: num_ctx is {kind}, expected a positive whole number below {beyond:,}; Ollama refuses to load "
            "such a model: create the definition again with a number",
            where=where,
            kind=kind,
            beyond=_BEYOND,
        ),
    )


def _value(text: str) -> object:
    """Return a value printed with Go's %#v."""
    if text.startswith('"'):
        try:
            return str(json.loads(text))
        except ValueError:
            return text.strip('"')
    if text in {"true", "false"}:
        return text == "true"
    try:
        return int(text) if _INTEGER.match(text) and len(text) < 20 else float(text)
    except ValueError:
        return text
