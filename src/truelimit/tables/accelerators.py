"""The table of accelerators: one TOML each, named by its id."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from truelimit.domain.machine import Accelerator, DeviceKind
from truelimit.domain.message import said
from truelimit.tables import files
from truelimit.tables.fields import TableError, known_word, one_of, text, texts
from truelimit.tables.origin import Origin
from truelimit.units import Bytes, OperationsPerSecond, Watts, from_gb_per_s, from_gib, from_tera

if TYPE_CHECKING:
    from truelimit.domain.provenance import Known

MOST_GIB = 65536.0
MOST_GB_PER_S = 100_000.0
MOST_WATTS = 200_000.0
_MOST_TERA = 1_000_000.0
_RATES = ("fp16_dense_tflops", "int8_dense_tops", "fp8_dense_tflops", "fp4_dense_tflops")
_NUMBERS = {"memory_gib", "bandwidth_gb_per_s", "power_w", *_RATES}
KEYS = _NUMBERS | {
    "name", "vendor", "family", "kind", "operating_systems", "backends", "backend_notes", "released", "confidence",
    "source", "sources", "notes", "prices",
}  # fmt: skip
BACKENDS = ("cuda", "rocm", "vulkan", "metal", "mlx", "sycl", "cpu")
OTHER = "other"  # a vendor or family that is none of the table's
OPERATING_SYSTEMS = ("Linux", "macOS", "Windows")
_CONFIDENCE = ("high", "medium", "low")


def accelerator_names() -> tuple[str, ...]:
    """Return the ids of the shipped accelerators."""
    return files.names("accelerators")


def row_of(name: str) -> tuple[dict[str, Any], Origin] | None:
    """Return the row of a shipped accelerator and where it stands, or None."""
    row = files.row("accelerators", name)
    if row is None:
        return None
    file = f"accelerators/{name}.toml"
    return row, Origin(file, said("table {file}", file=file))


def accelerator(name: str) -> Accelerator | None:
    """Return a shipped accelerator by id, or None. Raises TableError where its file is broken."""
    found = row_of(name)
    return accelerator_from(name, *found) if found else None


def accelerator_from(name: str, row: Mapping[str, Any], at: Origin) -> Accelerator:
    """Return the accelerator that a row describes. Raises TableError by file and key for what cannot be."""
    at.check(row, KEYS)
    at.sources(row, _NUMBERS)
    systems(row, at)
    confidence(row, at)
    fp16, int8, fp8, fp4 = (_rate(row, key, at) for key in _RATES)
    return Accelerator(
        name,
        text(at.file, row, "name") if not at.own or "name" in row else name,
        _word(at, row, "vendor"),
        _word(at, row, "family"),
        DeviceKind(_kind(row, at)),
        at.known(row, "bandwidth_gb_per_s", from_gb_per_s, MOST_GB_PER_S),
        fp16,
        int8,
        fp8,
        fp4,
        power=power(row, at),
        memory_options=options(row, at),
        backends=_backends(row, at),
        backend_notes=texts(at.file, row, "backend_notes"),
        released=text(at.file, row, "released") if "released" in row else None,
        prices=at.prices(row),
        notes=texts(at.file, row, "notes"),
    )


def _word(at: Origin, row: Mapping[str, Any], key: str) -> str:
    """Return a vendor or family. A user's is one of the table's, or ``other``: speed is fitted by these words.

    Raises TableError with the nearest ones.
    """
    if at.own and key not in row:
        return OTHER
    value = text(at.file, row, key)
    return known_word(at.file, key, value, {*_words_of(key), OTHER}) if at.own else value


@cache
def _words_of(key: str) -> frozenset[str]:
    """What the shipped accelerators say under a key."""
    rows = (files.row("accelerators", name) for name in accelerator_names())
    return frozenset(str(row[key]) for row in rows if row and key in row)


def _backends(row: Mapping[str, Any], at: Origin) -> tuple[str, ...]:
    """Return the backends of a row. Raises TableError with the nearest names for one that is none."""
    return tuple(known_word(at.file, "backends", name, BACKENDS) for name in texts(at.file, row, "backends"))


def systems(row: Mapping[str, Any], at: Origin) -> tuple[str, ...]:
    """Return the operating systems of a row. Raises TableError for one that is none of ours."""
    found = texts(at.file, row, "operating_systems")
    spelled = {name.lower(): name for name in OPERATING_SYSTEMS}
    for name in found:
        if name.lower() not in spelled:
            raise TableError(
                said(
                    "{file}: operating_systems has {name!r:.40}; expected {names}",
                    file=at.file,
                    name=name,
                    names=", ".join(OPERATING_SYSTEMS),
                )
            )
    return tuple(spelled[name.lower()] for name in found)


def confidence(row: Mapping[str, Any], at: Origin) -> str | None:
    """Return how sure a row is: high, medium, low, or None where it does not say."""
    return one_of(at.file, row, "confidence", _CONFIDENCE) if "confidence" in row else None


def power(row: Mapping[str, Any], at: Origin) -> Known[Watts] | None:
    """Return the power that a row states, in watts, or None."""
    return at.known(row, "power_w", Watts, MOST_WATTS)


def options(row: Mapping[str, Any], at: Origin) -> tuple[Bytes, ...]:
    """Return the sizes of memory, smallest first, in bytes: of one number or a list of numbers in GiB."""
    told = row.get("memory_gib", [])
    values = told if isinstance(told, list | tuple) else [told]
    sizes = []
    for value in values:
        known = at.known({**row, "memory_gib": value}, "memory_gib", from_gib, MOST_GIB)
        sizes += [known.value] if known else []
    return tuple(sorted(sizes))


def _rate(row: Mapping[str, Any], key: str, at: Origin) -> Known[OperationsPerSecond] | None:
    convert: Callable[[float], OperationsPerSecond] = from_tera
    return at.known(row, key, convert, _MOST_TERA)


def _kind(row: Mapping[str, Any], at: Origin) -> str:
    """Return the kind; where a user's row has none, by its family and vendor."""
    if "kind" in row or not at.own:
        return one_of(at.file, row, "kind", DeviceKind)
    family = str(row.get("family", ""))
    if family.startswith("cpu"):
        return DeviceKind.CPU
    shared = family.startswith(("apple", "amd-strix-halo", "amd-apu", "nvidia-gb10", "nvidia-jetson", "intel-igpu"))
    return DeviceKind.UNIFIED if shared or row.get("vendor") == "apple" else DeviceKind.DISCRETE
