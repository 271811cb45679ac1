"""Which OpenClaw this is: its version, and the set of defaults and formats that the version belongs to.

Two versions were run and read: 2026.2.17 and 2026.9.6. Versions between them take the nearer one's behaviour, with the
changes whose dates are known from the project's issues; the report says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from truelimit.adapters.agents.openclaw.config import Config
from truelimit.adapters.agents.openclaw.places import Installation, is_file
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known, Missing

FEBRUARY = "2026.2"
SEPTEMBER = "2026.9"
Numbers = tuple[int, int, int]

_FEBRUARY_RUN: Numbers = (2026, 2, 17)
_SEPTEMBER_RUN: Numbers = (2026, 9, 6)
# From May on a provider's timeoutSeconds is the knob and num_ctx comes from params alone, as in September.
_LIKE_SEPTEMBER: Numbers = (2026, 5, 0)
_ASKS_THE_MODEL: Numbers = (2026, 3, 0)
_FETCH_WALL_GONE: Numbers = (2026, 4, 23)
_COMPACTION_MENDED: tuple[Numbers, Numbers] = ((2026, 3, 0), (2026, 4, 0))
_CAPS_DISCOVERED: Numbers = (2026, 7, 18)

_VERSION = re.compile(r"(\d{4})\.(\d{1,2})\.(\d{1,3})(?!\d)")
_MAX_PACKAGE_BYTES = 1024 * 1024
_PACKAGES = (
    ".npm-global/lib/node_modules/openclaw",
    ".npm/lib/node_modules/openclaw",
    ".local/lib/node_modules/openclaw",
    ".openclaw/node_modules/openclaw",
    ".openclaw/lib/node_modules/openclaw",
    ".bun/install/global/node_modules/openclaw",
    ".volta/tools/image/packages/openclaw/lib/node_modules/openclaw",
    "AppData/Roaming/npm/node_modules/openclaw",
    "node_modules/openclaw",
    "openclaw",
)
_MANY = (".nvm/versions/node", ".local/share/fnm/node-versions", ".local/share/pnpm/global", "Library/pnpm/global")
_SYSTEM = ("/usr/lib", "/usr/local/lib", "/opt/homebrew/lib")


@dataclass(frozen=True, slots=True)
class Release:
    """The version where known, its generation, and what is to be said about the choice."""

    generation: str
    version: Known[str] | None = None
    numbers: Numbers | None = None
    notes: tuple[str, ...] = ()
    missing: tuple[Missing, ...] = ()

    @property
    def february(self) -> bool:
        """Whether it belongs to the generation of February 2026."""
        return self.generation == FEBRUARY

    @property
    def fetch_wall(self) -> bool:
        """Whether Node's own 300 s timers stand on the path without a key (until April 2026)."""
        return self.february and (self.numbers is None or self.numbers < _FETCH_WALL_GONE)

    @property
    def asks_the_model(self) -> bool:
        """Whether discovery asks the server for a model's native context (from March 2026)."""
        return not self.february or (self.numbers is not None and self.numbers >= _ASKS_THE_MODEL)

    @property
    def caps_discovered(self) -> bool:
        """Whether discovered local Ollama models get at most 32,768 tokens (from 17 July 2026)."""
        return not self.february and (self.numbers is None or self.numbers >= _CAPS_DISCOVERED)

    @property
    def native_compaction(self) -> bool | None:
        """Whether compaction works over Ollama's native api (mended in March 2026; None within that month)."""
        if not self.february:
            return True
        if self.numbers is None or self.numbers < _COMPACTION_MENDED[0]:
            return False
        return True if self.numbers >= _COMPACTION_MENDED[1] else None

    @property
    def label(self) -> str:
        """``OpenClaw VERSION``, for the source of a default."""
        return f"OpenClaw {self.version.value if self.version else self.generation}"


def release_of(place: Installation, config: Config | None, isolated: bool) -> Release:
    """Return the release of an installation.

    By the installed package, else by the version that last wrote the configuration, else by the kind of session
    store, else by keys that only one generation knows.
    """
    written = _written_by(config)
    installed = next(_installed(place.home, isolated), None)
    version = installed or written
    if version is None:
        return _by_traces(place, config)
    numbers = _numbers(version.value)
    if numbers is None:
        why = said("{where} holds no version of the form 2026.2.17", where=version.where)
        return _by_traces(place, config, Missing(said("version of OpenClaw"), why))
    notes = list(_notes(version.value, numbers))
    if installed and written and installed.value != written.value:
        notes.append(
            said(
                "the configuration was last written by OpenClaw {written}; the installed one is {installed}",
                written=written.value,
                installed=installed.value,
            )
        )
    generation = SEPTEMBER if numbers >= _LIKE_SEPTEMBER else FEBRUARY
    return Release(generation, version, numbers, tuple(notes))


def _notes(version: str, numbers: Numbers) -> Iterator[str]:
    if numbers[:2] in (_FEBRUARY_RUN[:2], _SEPTEMBER_RUN[:2]):
        return
    taken = SEPTEMBER if numbers >= _LIKE_SEPTEMBER else FEBRUARY
    yield said(
        "OpenClaw {version} is not one of the versions whose behaviour was checked (2026.2.17, 2026.9.6); "
        "it is taken to behave like {taken}",
        version=version,
        taken=taken,
    )


def _written_by(config: Config | None) -> Known[str] | None:
    value = config.get("meta", "lastTouchedVersion") if config else None
    if config is None or not isinstance(value, str) or len(value) > 40:
        return None
    return Known(value, str(config.place("meta", "lastTouchedVersion")), Basis.REPORTED)


def _installed(home: Path, isolated: bool) -> Iterator[Known[str]]:
    for folder in _package_dirs(home, isolated):
        file = folder / "package.json"
        if not is_file(file):
            continue
        try:
            with file.open("rb") as stream:
                package = json.loads(stream.read(_MAX_PACKAGE_BYTES))
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(package, dict) and package.get("name") == "openclaw":
            version = package.get("version")
            if isinstance(version, str) and _numbers(version):
                yield Known(version, said("{file}: version", file=file), Basis.REPORTED)


def _package_dirs(home: Path, isolated: bool) -> Iterator[Path]:
    yield from (home / name for name in _PACKAGES)
    for name in _MANY:
        try:
            versions = sorted((home / name).iterdir(), reverse=True)[:20]
        except OSError:
            continue
        for version in versions:
            yield version / "lib/node_modules/openclaw"
            yield version / "installation/lib/node_modules/openclaw"
            yield version / "node_modules/openclaw"
    if not isolated:
        yield from (Path(name) / "node_modules/openclaw" for name in _SYSTEM)


def _numbers(version: str) -> Numbers | None:
    match = _VERSION.match(version.strip().removeprefix("v"))
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def _by_traces(place: Installation, config: Config | None, *missing: Missing) -> Release:
    generation, why = _traces(place, config)
    if not missing:
        missing = (
            Missing(
                said("version of OpenClaw"),
                said("no meta.lastTouchedVersion and no installed package in the usual places"),
            ),
        )
    return Release(
        generation,
        notes=(said("taken to behave like OpenClaw {generation}: {why}", generation=generation, why=why),),
        missing=missing,
    )


def _traces(place: Installation, config: Config | None) -> tuple[str, str]:
    folders = place.agent_dirs()
    if any(is_file(folder / "agent" / "openclaw-agent.sqlite") for folder in folders):
        return SEPTEMBER, said("its sessions are in SQLite")
    if any(is_file(folder / "sessions" / "sessions.json") for folder in folders):
        return FEBRUARY, said("its sessions are in sessions.json")
    if place.legacy:
        return FEBRUARY, said("its folder is {state_dir}", state_dir=place.state_dir.name)
    key = _september_key(config) if config else None
    if key:
        return SEPTEMBER, said("the configuration has {key}, which February's refuses", key=key)
    if config is not None and config.has("agents", "list"):
        return FEBRUARY, said("the configuration has agents.list")
    return SEPTEMBER, said("nothing tells its version, and that is the current generation")


def _september_key(config: Config) -> str | None:
    if config.has("agents", "entries"):
        return "agents.entries"
    for provider in config.keys("models", "providers"):
        path = ("models", "providers", provider)
        for key in ("timeoutSeconds", "params", "injectNumCtxForOpenAICompat"):
            if config.has(*path, key):
                return ".".join((*path, key))
        for index in range(config.length(*path, "models")):
            for key in ("contextTokens", "params"):
                if config.has(*path, "models", index, key):
                    return f"{'.'.join(path)}.models[{index}].{key}"
    return None
