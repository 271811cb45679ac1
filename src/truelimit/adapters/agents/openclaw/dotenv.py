"""Environment files and ``${NAME}`` in values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

MAX_BYTES = 256 * 1024
_TOKEN = re.compile(r"\$(\$)?\{([A-Z_][A-Z0-9_]*)\}")


def read_dotenv(path: Path) -> dict[str, str]:
    """Return the variables of a ``.env`` file; empty when there is none or it cannot be read. They may be secret."""
    try:
        if not path.is_file():
            return {}
        with path.open("rb") as stream:
            text = stream.read(MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        return {}
    pairs = (_pair(line) for line in text.splitlines())
    return {name: value for name, value in pairs if name.isidentifier()}


def _pair(line: str) -> tuple[str, str]:
    name, _, value = line.strip().partition("=")
    name, value = name.removeprefix("export ").strip(), value.strip()
    quote = value[:1]
    if quote in ('"', "'") and (end := value.find(quote, 1)) > 0:
        return name, value[1:end]
    return name, value.partition("#")[0].strip()


def expand(text: str, environment: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """Return the text with ``${NAME}`` replaced, and the names that have no value (they stay as they are).

    ``$${NAME}`` is an escape for ``${NAME}``. Only names in capitals are replaced, as in OpenClaw.
    """
    unresolved: list[str] = []

    def one(match: re.Match[str]) -> str:
        name = match[2]
        if match[1]:
            return f"${{{name}}}"
        if not environment.get(name):
            unresolved.append(name)
            return match[0]
        return environment[name]

    return _TOKEN.sub(one, text), tuple(unresolved)
