"""Finds a model by what the user calls it: a file, a folder, an address, an Ollama name, a model of the table."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from truelimit.app.model import FoundModel
from truelimit.cli.evidence import UsageError
from truelimit.domain.message import said

if TYPE_CHECKING:
    from truelimit.app.examine import Given
    from truelimit.app.ports import Places
    from truelimit.domain.facts import Stack
    from truelimit.domain.model import ModelHeader

KINDS = said(
    "a GGUF file, a folder with config.json, a TOML of your own, an http(s) address of a GGUF file or config.json, "
    "an Ollama name, or a model of the table"
)


def find(name: str, args: argparse.Namespace, places: Places, given: Given) -> Stack:
    """Return the stack of a model. A model of a server comes with the server's settings and measured rates.

    Raises UsageError when there is none, and ValueError for a file that cannot be read.
    """
    found = _alone(name, args)
    if found is None:
        served = _served(name, args, places, given)
        if served is not None:
            return served
        found = _of_table(name, places, args.quant)
    return _bare(found.header, places, given)


def find_model(name: str, args: argparse.Namespace, places: Places, given: Given) -> FoundModel:
    """Return a model with all that its source tells. Raises UsageError and ValueError like ``find``."""
    found = _alone(name, args)
    if found is not None:
        return found
    served = _served(name, args, places, given)
    if served is None:
        return _of_table(name, places, args.quant)
    if served.header is None:
        raise UsageError(said("{name}: its model file was not found, so its shape is not known", name=name))
    return FoundModel(served.header, quantization=served.definition.quantization if served.definition else None)


def _alone(name: str, args: argparse.Namespace) -> FoundModel | None:
    """Return the model of an address or path, or None where the name is neither. Raises UsageError for no name."""
    if not name.strip():
        raise UsageError(said("the model's name is empty; expected {kinds}", kinds=KINDS))
    if name.startswith(("http://", "https://")):
        return _of_address(name, args)
    path = Path(name)
    if name.lower().endswith(".toml"):
        return _of_toml(path)
    if path.name == "config.json" or _is(path, Path.is_dir):
        return _of_folder(path)
    if _is(path, Path.exists) or name.lower().endswith(".gguf"):
        from truelimit.adapters.files.gguf import read_header

        return FoundModel(read_header(path))
    return None


def _is(path: Path, what: Callable[[Path], bool]) -> bool:
    """Tell what a path is; a name that can be none (too long, say) is nothing."""
    try:
        return what(path)
    except (OSError, ValueError):
        return False


def _of_address(url: str, args: argparse.Namespace) -> FoundModel:
    from truelimit.adapters.files.gguf import read_remote_header
    from truelimit.adapters.files.hf_config import is_config_url, read_remote_model
    from truelimit.app.ports import Deadline

    deadline = Deadline(args.network_seconds)
    if is_config_url(url):
        return read_remote_model(url, deadline)
    return FoundModel(read_remote_header(url, deadline))


def _of_toml(path: Path) -> FoundModel:
    from truelimit.tables.models import model_file

    entry = model_file(path)
    return FoundModel(entry.header, entry)


def _of_folder(path: Path) -> FoundModel:
    from truelimit.adapters.files.hf_config import read_model_folder

    if path.is_dir() and not (path / "config.json").is_file():
        raise UsageError(said("{path} is a folder without config.json; expected {kinds}", path=path, kinds=KINDS))
    return read_model_folder(path)


def _served(name: str, args: argparse.Namespace, places: Places, given: Given) -> Stack | None:
    from truelimit.cli.wiring import served_stack

    return served_stack(name, places, given, args.network_seconds)


def _of_table(name: str, places: Places, quantization: str | None) -> FoundModel:
    from truelimit.tables.model_names import named_model
    from truelimit.tables.models import unknown_model

    found = named_model(name)
    if found is None:
        where = (
            said("the Ollama store under {home}", home=places.home)
            if places.isolated
            else said("this machine's Ollama")
        )
        nearest = unknown_model(name)
        raise UsageError(
            said(
                "{name!r} is neither a file, nor a model of {where}, nor one of the table; {nearest}",
                name=name[:100],
                where=where,
                nearest=nearest,
            )
        )
    return FoundModel(
        found.entry.header, found.entry, quantization=found.quantization, notes=found.told(name, quantization)
    )


def _bare(header: ModelHeader, places: Places, given: Given) -> Stack:
    from truelimit.app.plan import bare_stack
    from truelimit.cli.wiring import machine_at

    return bare_stack(header, given.machine or machine_at(places), given.published)
