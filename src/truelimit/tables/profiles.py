"""Reads buyers' profiles: shipped presets and files of the user's own."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from truelimit.advice.profile import Job, Profile
from truelimit.domain.message import said
from truelimit.tables import files as tables
from truelimit.tables.fields import TableError, known_keys, number, rows, text, whole, wrong
from truelimit.units import Seconds, Tokens, Usd, Watts

_JOB = {"model", "context", "quantization", "kv_type"}
_LISTS = ("backends", "operating_systems", "cloud_models")
_FLAGS = ("private", "quiet")
_TEXTS = ("story", "today")
_ORDERS = ("price", "memory", "decode", "prefill")
_NUMBERS = {
    "budget_usd": ("budget", Usd),
    "power_limit_w": ("power_limit", Watts),
    "deadline_s": ("deadline", Seconds),
    "years": ("years", float),
    "hours_a_week": ("hours_a_week", float),
    "usd_per_kwh": ("usd_per_kwh", Usd),
    "resale_usd": ("resale", Usd),
    "least_decode": ("least_decode", float),
}
_WHOLES = {"requests_a_week": int, "answer_tokens": Tokens, "most_cards": int}
_KEYS = {"name", "jobs", "most", *_LISTS, *_FLAGS, *_TEXTS, *_NUMBERS, *_WHOLES}


def profile_names() -> tuple[str, ...]:
    """Return the names of the shipped profiles."""
    folder = files("truelimit.tables") / "profiles"
    return tuple(sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml")))


def profile(name: str) -> Profile:
    """Return a shipped profile by name. Raises TableError with the names there are."""
    if name not in profile_names():
        names = ", ".join(profile_names())
        raise TableError(said("profile {name!r} is not in the table; there are: {names}", name=name, names=names))
    item = files("truelimit.tables") / "profiles" / f"{name}.toml"
    return profile_from_text(item.read_text(encoding="utf-8"), f"profiles/{name}.toml")


def profile_from_text(content: str, file: str) -> Profile:
    """Return a profile from TOML. Raises TableError naming the key that cannot be used, and what was expected."""
    try:
        row = tomllib.loads(content)
    except ValueError as error:
        raise tables.not_toml(file, error) from error
    return profile_from_mapping(row, file)


def profile_from_mapping(row: Mapping[str, Any], file: str) -> Profile:
    """Return a profile from a table. Raises TableError as profile_from_text does."""
    known_keys(file, row, _KEYS)
    given: dict[str, Any] = {"most": _order(file, row)}
    given |= {key: _texts(file, row, key) for key in _LISTS if key in row}
    given |= {key: _flag(file, row, key) for key in _FLAGS if key in row}
    given |= {key: text(file, row, key) for key in _TEXTS if key in row}
    given |= {ours: kind(number(file, row, key, zero=True)) for key, (ours, kind) in _NUMBERS.items() if key in row}
    given |= {key: kind(whole(file, row, key)) for key, kind in _WHOLES.items() if key in row}
    return Profile(text(file, row, "name"), tuple(_job(file, item) for item in rows(file, row, "jobs")), **given)


def _job(file: str, row: Mapping[str, Any]) -> Job:
    known_keys(file, row, _JOB)
    quantization = text(file, row, "quantization") if "quantization" in row else None
    kv_type = text(file, row, "kv_type") if "kv_type" in row else "f16"
    return Job(text(file, row, "model"), Tokens(whole(file, row, "context")), quantization, kv_type)


def _order(file: str, row: Mapping[str, Any]) -> str:
    value = row.get("most", "price")
    if value not in _ORDERS:
        raise wrong(file, "most", value, said("one of {words}", words=", ".join(_ORDERS)))
    return str(value)


def _texts(file: str, row: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = row[key]
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise wrong(file, key, value, said("a list of texts"))
    return tuple(value)


def _flag(file: str, row: Mapping[str, Any], key: str) -> bool:
    value = row[key]
    if not isinstance(value, bool):
        raise wrong(file, key, value, said("true or false"))
    return value
