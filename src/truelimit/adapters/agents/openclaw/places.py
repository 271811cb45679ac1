"""Where OpenClaw keeps things: state folders, configuration files, environment.

Order as in OpenClaw: OPENCLAW_CONFIG_PATH, OPENCLAW_STATE_DIR, a profile, ``~/.openclaw``, the folders of its older
names. Other profiles beside the active one are found too: each is an agent of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from truelimit.adapters.agents.openclaw.dotenv import read_dotenv
from truelimit.app.ports import Places
from truelimit.domain.message import said

STATE_DIR = ".openclaw"
OLD_STATE_DIRS = (".clawdbot", ".moldbot", ".moltbot")
CONFIG_NAMES = ("openclaw.json", "clawdbot.json", "moldbot.json", "moltbot.json")
MAX_PROFILES = 20
MAX_AGENTS = 100
_PREFIXES = ("OPENCLAW_", "CLAWDBOT_")


@dataclass(frozen=True, slots=True)
class Installation:
    """One state folder of OpenClaw with its configuration file (None: there is none) and the environment it runs in.

    ``name`` is ``openclaw``, or ``openclaw-PROFILE``. ``environment`` holds secrets: it is for expanding values only.
    """

    name: str
    state_dir: Path
    config_file: Path | None
    environment: Mapping[str, str]
    home: Path

    @property
    def legacy(self) -> bool:
        """Whether the state folder has a name from before the product was called OpenClaw."""
        return self.state_dir.name in OLD_STATE_DIRS

    def agent_dirs(self) -> tuple[Path, ...]:
        """Return the folders of the agents (``agents/ID``), at most MAX_AGENTS, sorted by name."""
        return tuple(path for path in _listed(self.state_dir / "agents") if is_dir(path))[:MAX_AGENTS]

    def read_only(self, files: tuple[str, ...]) -> str | None:
        """Return why the configuration must not be written, or None."""
        for name in ("OPENCLAW_CONFIG_READONLY", "OPENCLAW_NIX_MODE"):
            if self.environment.get(name, "").strip().lower() in ("1", "true", "yes", "on"):
                return said(
                    "{name} is set: the configuration is managed from outside; change it at its source and redeploy",
                    name=name,
                )
        for file in files:
            if is_link(Path(file)):
                return said(
                    "{file} is a symbolic link: writing would replace the link; change what it points to by hand",
                    file=file,
                )
        return None


def installations(places: Places) -> tuple[Installation, ...]:
    """Return every OpenClaw found: the active one first, then other profiles in the home folder."""
    active = _active(places)
    found = [active] if active is not None else []
    for folder in _listed(_home(places))[: 10 * MAX_AGENTS]:
        if len(found) > MAX_PROFILES or not folder.name.startswith(f"{STATE_DIR}-") or not is_dir(folder):
            continue
        profile = _installation(places, folder.name.removeprefix("."), (folder,), None)
        if profile is not None and all(profile.state_dir != known.state_dir for known in found):
            found.append(profile)
    return tuple(found)


def is_file(path: Path) -> bool:
    """Return whether an ordinary file is there and may be looked at."""
    try:
        return path.is_file()
    except OSError:
        return False


def is_dir(path: Path) -> bool:
    """Return whether a folder is there and may be looked at."""
    try:
        return path.is_dir()
    except OSError:
        return False


def is_link(path: Path) -> bool:
    """Return whether the path is a symbolic link, broken or not."""
    try:
        return path.is_symlink()
    except OSError:
        return False


def _active(places: Places) -> Installation | None:
    home = _home(places)
    config = _named(places, "CONFIG_PATH")
    state = _named(places, "STATE_DIR")
    profile = places.environment.get("OPENCLAW_PROFILE", "").strip()
    if state is not None:
        return _installation(places, "openclaw", (state,), config)
    if profile and profile != "default":
        return _installation(places, f"openclaw-{profile}", (home / f"{STATE_DIR}-{profile}",), config)
    folders = tuple(home / name for name in (STATE_DIR, *OLD_STATE_DIRS))
    return _installation(places, "openclaw", folders, config)


def _installation(places: Places, name: str, folders: tuple[Path, ...], config: Path | None) -> Installation | None:
    """Return the installation in the first folder that exists; its configuration may lie in a later one."""
    present = [folder for folder in folders if is_dir(folder)]
    if config is None:
        candidates = (folder / file for folder in present for file in CONFIG_NAMES)
        config = next((path for path in candidates if is_file(path) or is_link(path)), None)
    if not present and config is None:
        return None
    state_dir = present[0] if present else folders[0]
    environment = {**read_dotenv(state_dir / ".env"), **places.environment}
    return Installation(name, state_dir, config, environment, _home(places))


def _home(places: Places) -> Path:
    named = places.environment.get("OPENCLAW_HOME", "").strip()
    return _expanded(named, places.home) if named else places.home


def _named(places: Places, suffix: str) -> Path | None:
    for prefix in _PREFIXES:
        value = places.environment.get(prefix + suffix, "").strip()
        if value:
            return _expanded(value, _home(places))
    return None


def _expanded(text: str, home: Path) -> Path:
    return home / text[2:] if text.startswith(("~/", "~\\")) else Path(text)


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []
