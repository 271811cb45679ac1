"""Opens shipped tables and the user's own: only the file that is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from truelimit.domain.message import said
from truelimit.tables import packed
from truelimit.tables.fields import TableError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_LONGEST = 100  # signs of a name
_LARGEST = 2**20  # bytes of a table of the user's


def root() -> Path | Traversable:
    """Return the folder of the shipped tables, also where the package lies in an archive."""
    here = Path(__file__).parent
    if here.is_dir():
        return here
    from importlib.resources import files

    return files("truelimit.tables")


def names(folder: str) -> tuple[str, ...]:
    """Return the names in a folder of tables, without reading them."""
    place = root() / folder
    found = [item.name for item in place.iterdir()]
    return tuple(sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml")))


def row(folder: str, name: str) -> dict[str, Any] | None:
    """Return a shipped table, or None; ``folder`` is ``""`` for the outermost. Raises TableError for a broken one."""
    plain = all(sign.isalnum() or sign in "-_.+" for sign in name)
    if not 0 < len(name) <= _LONGEST or not plain or name.startswith("."):
        return None
    item = (root() / folder if folder else root()) / f"{name}.toml"
    if not item.is_file():
        return None
    content = item.read_bytes()
    return packed.unpacked(root(), folder, name, content) or parsed(content, f"{name}.toml")


def holding(folder: str, text: str) -> tuple[str, ...]:
    """Return the names of tables in a folder in which a text stands, in any case, as far as they are packed."""
    return packed.holding(root(), folder, text)


def own(path: Path, what: str | None = None) -> dict[str, Any]:
    """Return a table of the user's. Raises TableError where it cannot be read, is too large, or is no TOML.

    ``what`` is what it describes, for errors: a machine, where it is not told.
    """
    expected = said("expected a TOML file of {what}", what=what or said("a machine"))
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        why = error.strerror or str(error)
        raise TableError(said("{path}: {why}; {expected}", path=path, why=why, expected=expected)) from None
    if len(content) > _LARGEST:
        raise TableError(said("{path}: more than 1 MiB; {expected}", path=path, expected=expected))
    return parsed(content, str(path))


def parsed(content: bytes, file: str) -> dict[str, Any]:
    """Return TOML as a table. Raises TableError naming the file for anything else."""
    import tomllib

    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise not_toml(file, error) from error


def not_toml(file: str, error: BaseException) -> TableError:
    """Return the error for a text that is no TOML, with what its reader said of it."""
    why = str(error)[:200] or type(error).__name__
    return TableError(said("{path}: not TOML: {error}", path=file, error=why))
