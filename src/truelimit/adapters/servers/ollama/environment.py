"""Where the settings of an Ollama may be written: its log, systemd's files, the environment, the desktop app."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from truelimit.adapters.servers.ollama.small_files import Unreadable, read_text
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known, Missing
from truelimit.units import MIB

if TYPE_CHECKING:
    from truelimit.app.ports import Places

CONTEXT_LENGTH = "OLLAMA_CONTEXT_LENGTH"
NUM_PARALLEL = "OLLAMA_NUM_PARALLEL"
KV_CACHE_TYPE = "OLLAMA_KV_CACHE_TYPE"
FLASH_ATTENTION = "OLLAMA_FLASH_ATTENTION"
LOAD_TIMEOUT = "OLLAMA_LOAD_TIMEOUT"
KEEP_ALIVE = "OLLAMA_KEEP_ALIVE"
GPU_OVERHEAD = "OLLAMA_GPU_OVERHEAD"
CACHE_RAM = "LLAMA_ARG_CACHE_RAM"
HOST = "OLLAMA_HOST"
MODELS = "OLLAMA_MODELS"

# Nothing else is taken: an environment also holds secrets.
NAMES = frozenset(
    {
        CONTEXT_LENGTH,
        NUM_PARALLEL,
        KV_CACHE_TYPE,
        FLASH_ATTENTION,
        LOAD_TIMEOUT,
        KEEP_ALIVE,
        GPU_OVERHEAD,
        CACHE_RAM,
        HOST,
        MODELS,
    }
)
Environment = Mapping[str, Known[str]]

UNITS = Path("/etc/systemd/system")
_CAP = MIB


def named(values: Mapping[str, str], where: str, basis: Basis) -> dict[str, Known[str]]:
    """Return the variables that matter, each with its place; empty ones are left out, as Ollama does."""
    return {
        name: Known(value.strip().strip("\"'"), f"{where}: {name}", basis)
        for name, value in values.items()
        if name in NAMES and value.strip().strip("\"'")
    }


def from_shell(places: Places) -> dict[str, Known[str]]:
    """Return what the process environment says. Assumed: the server may have been started with another one."""
    return named(places.environment, said("environment of this shell"), Basis.ASSUMED)


def from_systemd(units: Path = UNITS) -> tuple[dict[str, Known[str]], tuple[Missing, ...]]:
    """Return the variables that systemd gives to the service ``ollama`` (a later file wins), and unreadable files."""
    found: dict[str, Known[str]] = {}
    missing: list[Missing] = []
    for path in _unit_files(units):
        try:
            found.update(_unit_variables(path, missing))
        except Unreadable as error:
            missing.append(Missing(said("settings of the service ollama"), str(error)))
    return found, tuple(missing)


def is_service(units: Path = UNITS) -> bool:
    """Return whether systemd runs Ollama on this machine: its log is then in the journal."""
    return bool(_unit_files(units))


def merged(*sources: Environment) -> dict[str, Known[str]]:
    """Return one environment; an earlier source wins."""
    result: dict[str, Known[str]] = {}
    for source in reversed(sources):
        result.update(source)
    return result


def _unit_files(units: Path) -> list[Path]:
    """Return ``ollama.service`` and its drop-ins, in the order in which systemd applies them."""
    try:
        drop_ins = sorted((units / "ollama.service.d").glob("*.conf"))
        unit = units / "ollama.service"
        return [*([unit] if unit.exists() else []), *drop_ins][:50]
    except OSError:
        return []


def _unit_variables(path: Path, missing: list[Missing]) -> dict[str, Known[str]]:
    found: dict[str, Known[str]] = {}
    for number, line in enumerate(read_text(path, _CAP).splitlines(), start=1):
        key, _, value = line.strip().partition("=")
        if key.strip() == "Environment":
            pairs = dict(_assignments(value))
            found.update(named(pairs, f"{path} (line {number})", Basis.SPECIFIED))
        elif key.strip() == "EnvironmentFile":
            found.update(_environment_file(value.strip(), missing))
    return found


def _environment_file(value: str, missing: list[Missing]) -> dict[str, Known[str]]:
    """Return the variables of a file that the unit names; a leading ``-`` means that it need not be there."""
    path = Path(value.removeprefix("-"))
    try:
        lines = read_text(path, _CAP).splitlines()
    except Unreadable as error:
        if not value.startswith("-"):
            missing.append(Missing(said("settings of the service ollama"), str(error)))
        return {}
    pairs = (line.strip().partition("=") for line in lines if not line.lstrip().startswith("#"))
    return named({key.strip(): value.strip() for key, _, value in pairs}, str(path), Basis.SPECIFIED)


def _assignments(text: str) -> list[tuple[str, str]]:
    """Return the assignments of one ``Environment=`` line: words, each perhaps in quotes."""
    try:
        words = shlex.split(text[:10_000])
    except ValueError:
        words = text[:10_000].split()
    parts = (word.partition("=") for word in words)
    return [(key, value) for key, separator, value in parts if separator]
