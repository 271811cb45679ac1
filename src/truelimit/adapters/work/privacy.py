"""Which work is private: what the user's rules say of its folder, else nobody knows.

The rules are glob patterns on the path of the workspace, in ``work.toml`` of the data folder (``private = [...]``,
``public = [...]``) and in the options of a run. A pattern holds for the folder and for all below it. Where both
lists match, private wins. The paths themselves are not kept.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

RULES_FILE = "work.toml"


class PrivacyRuleError(ValueError):
    """The file of rules cannot be used: says where and what was expected."""


@dataclass(frozen=True, slots=True)
class PrivacyRules:
    """Patterns of folders whose work is private, and of those whose is not."""

    private: tuple[str, ...] = ()
    public: tuple[str, ...] = ()
    matched: set[str] = field(default_factory=set, compare=False)

    @property
    def idle(self) -> tuple[str, ...]:
        """The patterns that matched none of the folders judged so far."""
        return tuple(item for item in (*self.private, *self.public) if item not in self.matched)

    def judge(self, folder: str | None) -> bool | None:
        """Return whether work in a folder is private; None: no rule says."""
        if folder is None:
            return None
        path = _plain(folder)
        private, public = ({item for item in held if _matches(path, item)} for held in (self.private, self.public))
        self.matched.update(private, public)
        if private:
            return True
        return False if public else None

    @property
    def mark(self) -> str:
        """A short hash of the rules: records made under others are made again."""
        text = repr((sorted(self.private), sorted(self.public)))
        return hashlib.sha256(text.encode("utf-8")).hexdigest()[:12]


def rules(file: Path, home: Path, private: Sequence[str] = (), public: Sequence[str] = ()) -> PrivacyRules:
    """Return the rules of a file (none where there is none) and of options; ``~`` stands for ``home``.

    Raises PrivacyRuleError for a file that is no such TOML.
    """
    held = _read(file)
    return PrivacyRules(
        tuple(_expanded(item, home) for item in (*held["private"], *private)),
        tuple(_expanded(item, home) for item in (*held["public"], *public)),
    )


def _read(file: Path) -> dict[str, list[str]]:
    try:
        found = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        found = {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PrivacyRuleError(f"{file}: cannot be read as TOML: {error}") from error
    for key, value in found.items():
        if key not in {"private", "public"}:
            raise PrivacyRuleError(f"{file}: unknown key {key[:40]!r}; expected private and public")
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise PrivacyRuleError(f'{file}: {key} must be a list of patterns, such as ["~/clients/*"]')
    return {"private": found.get("private", []), "public": found.get("public", [])}


def _expanded(pattern: str, home: Path) -> str:
    text = _plain(pattern)
    return _plain(str(home)) + text[1:] if text == "~" or text.startswith("~/") else text


def _plain(path: str) -> str:
    return path.replace("\\", "/").rstrip("/") or "/"


def _matches(path: str, pattern: str) -> bool:
    return fnmatchcase(path, pattern) or fnmatchcase(path, f"{pattern}/*")
