"""OpenClaw's configuration: JSON5 with ``$include`` and ``${ENV}``, each value with the file and key it stands at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from truelimit.adapters.agents.openclaw.dotenv import expand
from truelimit.adapters.files.json5_document import Json5Document, Json5Error
from truelimit.domain.agent import ConfigPath, ConfigPlace
from truelimit.domain.message import Message, said
from truelimit.domain.provenance import Missing

MAX_INCLUDE_DEPTH = 10
MAX_FILES = 50
INCLUDE = "$include"


@dataclass(frozen=True, slots=True)
class Branch:
    """A value and where it stands: ``content`` is a dict or a list of branches, or a plain single value."""

    document: Json5Document
    path: ConfigPath
    content: object


@dataclass(frozen=True, slots=True)
class Config:
    """The merged configuration. ``environment`` may hold secrets and is used to expand values only."""

    root: Branch
    files: tuple[str, ...]
    environment: Mapping[str, str]
    missing: tuple[Missing, ...] = ()

    def get(self, *path: str | int) -> object:
        """Return the plain value at the path, not expanded; None where it is absent."""
        branch, rest = self._walk(path)
        return None if rest else _plain(branch)

    def has(self, *path: str | int) -> bool:
        """Return whether the path is present."""
        return not self._walk(path)[1]

    def text(self, *path: str | int) -> str | None:
        """Return the text at the path with ``${NAME}`` expanded; None where it is absent or not a text."""
        value = self.get(*path)
        return expand(value, self.environment)[0] if isinstance(value, str) else None

    def unresolved(self, *path: str | int) -> tuple[str, ...]:
        """Return the names of variables in the text at the path that have no value."""
        value = self.get(*path)
        return expand(value, self.environment)[1] if isinstance(value, str) else ()

    def number(self, *path: str | int) -> int | float | None:
        """Return the finite number at the path; None where it is absent or of another kind."""
        value = self.get(*path)
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 2**53:
            return None
        return int(value) if value == int(value) else value

    def keys(self, *path: str | int) -> tuple[str, ...]:
        """Return the keys of the object at the path, in the file's order."""
        branch, rest = self._walk(path)
        return () if rest or not isinstance(branch.content, dict) else tuple(branch.content)

    def length(self, *path: str | int) -> int:
        """Return how many elements the list at the path has; 0 where there is none."""
        branch, rest = self._walk(path)
        return 0 if rest or not isinstance(branch.content, list) else len(branch.content)

    def is_list(self, *path: str | int) -> bool:
        """Return whether a list stands at the path, even an empty one. Does not build its values, as ``get`` would."""
        branch, rest = self._walk(path)
        return not rest and isinstance(branch.content, list)

    def place(self, *path: str | int) -> ConfigPlace:
        """Return the place of a key in the file that holds it, or (without a line) that would hold it."""
        branch, rest = self._walk(path)
        if not rest:
            return branch.document.place(branch.path)
        if isinstance(branch.content, list) and rest[0] == len(branch.content):
            rest = (_own_length(branch), *rest[1:])
        return ConfigPlace(branch.document.file, (*branch.path, *rest))

    def _walk(self, path: ConfigPath) -> tuple[Branch, ConfigPath]:
        branch = self.root
        for depth, key in enumerate(path):
            child = _child(branch, key)
            if child is None:
                return branch, path[depth:]
            branch = child
        return branch, ()


def load(path: Path, environment: Mapping[str, str]) -> tuple[Config | None, tuple[Missing, ...]]:
    """Return the configuration with its includes, or None with the reason why it cannot be read."""
    loader = _Loader(path.parent)
    root = loader.file(path, ())
    if root is None:
        return None, tuple(loader.missing)
    if not isinstance(root.content, dict):
        where = said("the file holds a single value or a list (expected an object); restore its last backup")
        return None, (Missing(said("OpenClaw configuration"), f"{path}: {where}"),)
    config = Config(root, tuple(loader.files), environment, tuple(loader.missing))
    return replace(config, environment={**_own_environment(config), **environment}), ()


def _own_environment(config: Config) -> dict[str, str]:
    """Return the variables that the configuration itself defines (``env.NAME``, ``env.vars.NAME``)."""
    found: dict[str, str] = {}
    for path in (("env",), ("env", "vars")):
        values = config.get(*path)
        if isinstance(values, dict):
            found.update({key: value for key, value in values.items() if isinstance(value, str)})
    return found


def _unread(path: Path, error: OSError) -> Message:
    return said("{path}: {why}", path=path, why=error.strerror or said("cannot be read"))


class _Loader:
    """Reads one configuration; ``files`` and ``missing`` grow as it goes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: list[str] = []
        self.missing: list[Missing] = []

    def file(self, path: Path, chain: tuple[Path, ...]) -> Branch | None:
        try:
            document = Json5Document.read(path)
        except (OSError, Json5Error) as error:
            why = str(error) if isinstance(error, Json5Error) else _unread(path, error)
            self.missing.append(Missing(said("OpenClaw configuration"), why))
            return None
        if str(path) not in self.files:
            self.files.append(str(path))
        return self.branch(document, (), document.value, (*chain, path.resolve()))

    def branch(self, document: Json5Document, path: ConfigPath, value: object, chain: tuple[Path, ...]) -> Branch:
        if isinstance(value, list):
            content = [self.branch(document, (*path, index), item, chain) for index, item in enumerate(value)]
            return Branch(document, path, content)
        if not isinstance(value, dict):
            return Branch(document, path, value)
        members = {
            key: self.branch(document, (*path, key), item, chain) for key, item in value.items() if key != INCLUDE
        }
        own = Branch(document, path, members)
        return self.with_includes(own, value[INCLUDE], chain) if INCLUDE in value else own

    def with_includes(self, own: Branch, names: object, chain: tuple[Path, ...]) -> Branch:
        """Return the included values with the object's own keys laid over them."""
        listed = names if isinstance(names, list) else [names]
        found = [branch for name in listed if (branch := self.included(own, name, chain)) is not None]
        if len(listed) == 1 and found and not own.content:
            return found[0]
        merged = Branch(own.document, own.path, {})
        for branch in (*found, own):
            merged = _merge(merged, branch)
        return Branch(own.document, own.path, merged.content)

    def included(self, own: Branch, name: object, chain: tuple[Path, ...]) -> Branch | None:
        """Return one included file; None, with the reason noted, where it is missing or must not be followed."""
        why = self.objection(own, name, chain)
        if why is None:
            return self.file(Path(own.document.file).parent / str(name), chain)
        place = own.document.place((*own.path, INCLUDE))
        self.missing.append(Missing(said("part of the OpenClaw configuration"), f"{place}: {why}"))
        return None

    def objection(self, own: Branch, name: object, chain: tuple[Path, ...]) -> str | None:
        """Return why an include must not be followed, or None."""
        if not isinstance(name, str) or not name or "\0" in name:
            return said("not a file name (expected a text or a list of texts)")
        try:
            target = (Path(own.document.file).parent / name).resolve()
            inside = target.is_relative_to(self.folder.resolve())
        except (OSError, RuntimeError, ValueError):
            return said("the included file's name cannot be followed; correct it")
        if not inside:
            return said("the included file lies outside {folder}; move it there", folder=self.folder)
        if target in chain:
            return said("the file includes itself; remove one of the includes")
        if len(chain) > MAX_INCLUDE_DEPTH or len(self.files) >= MAX_FILES:
            return said(
                "includes go deeper than {max_include_depth} levels or over {max_files} files; put them together",
                max_include_depth=MAX_INCLUDE_DEPTH,
                max_files=MAX_FILES,
            )
        return None


def _merge(under: Branch, over: Branch) -> Branch:
    """Return ``over`` laid on ``under`` as OpenClaw does: objects by key, lists joined, else the upper one."""
    if isinstance(under.content, dict) and isinstance(over.content, dict):
        members = dict(under.content)
        for key, branch in over.content.items():
            members[key] = _merge(members[key], branch) if key in members else branch
        return Branch(over.document, over.path, members)
    if isinstance(under.content, list) and isinstance(over.content, list):
        return Branch(over.document, over.path, [*under.content, *over.content])
    return over


def _child(branch: Branch, key: str | int) -> Branch | None:
    content = branch.content
    child: object = None
    if isinstance(content, dict):
        child = content.get(key)
    elif isinstance(content, list) and isinstance(key, int) and 0 <= key < len(content):
        child = content[key]
    return child if isinstance(child, Branch) else None


def _own_length(branch: Branch) -> int:
    """Return how many elements of a list joined over several files stand in the file that would take a new one."""
    items = branch.content if isinstance(branch.content, list) else []
    return sum(item.document is branch.document and item.path[:-1] == branch.path for item in items)


def _plain(branch: Branch) -> object:
    if isinstance(branch.content, dict):
        return {key: _plain(item) for key, item in branch.content.items()}
    if isinstance(branch.content, list):
        return [_plain(item) for item in branch.content]
    return branch.content
