"""The model of a batch's case: one of the table, or one that is told by numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from truelimit.app.batch_fields import CaseError, number, shown, text
from truelimit.domain.frozen import dataclass
from truelimit.domain.message import said
from truelimit.limits.published import parameter_count
from truelimit.perf.kv_types import kv_type
from truelimit.perf.quantization import default_quantization
from truelimit.perf.rates import shape_from_numbers
from truelimit.perf.rates.bits import bits_per_weight
from truelimit.units import GB, Bytes

if TYPE_CHECKING:
    from truelimit.app.batch import Lookups
    from truelimit.domain.estimates import ModelShape
    from truelimit.domain.model import ModelHeader

_MOST_BILLIONS = 1e6
_KEYS = {"params_b", "active_params_b", "weights_gb", "quant", "arch", "name", "id"}


@dataclass(frozen=True, slots=True)
class AskedModel:
    """A model as a case tells it: its header where one is known, its quantisation, the lengths of its files.

    ``shape`` is told by numbers; None: the header at the quantisation gives it, as in a plan.
    """

    name: str
    header: ModelHeader | None
    quantization: str
    files: Mapping[str, Bytes]
    shape: ModelShape | None = None


def model_of(case: Mapping[str, Any], lookups: Lookups) -> AskedModel:
    """Return the model of a case. Raises CaseError, and UnknownLayoutError for a quantisation that is not known."""
    told, kind = case.get("model"), text(case, "kv_type", "f16")
    kv_type(kind)
    if isinstance(told, str) and told.strip():
        return _by_name(told, text(case, "quant", ""), lookups)
    if isinstance(told, Mapping):
        return _by_numbers(told, kind, lookups)
    raise CaseError(said("model is {told}; expected the id of a model, or an object with params_b", told=shown(told)))


def _by_name(name: str, quant: str, lookups: Lookups) -> AskedModel:
    header = lookups.once(("header", name), lambda: lookups.header(name))
    if header is None:
        near = lookups.unknown_model(name)
        raise CaseError(said("model {name} is not in the table; {near}", name=repr(name[:80]), near=near))
    files = lookups.once(("files", name), lambda: lookups.files(name))
    return AskedModel(name, header, quant or next(iter(files), None) or default_quantization(header), files)


def _by_numbers(told: Mapping[str, Any], kind: str, lookups: Lookups) -> AskedModel:
    unknown = set(told) - _KEYS
    if unknown:
        raise CaseError(
            said(
                "model: unknown key {keys}; known are {known}",
                keys=", ".join(sorted(map(str, unknown)))[:80],
                known=", ".join(sorted(_KEYS)),
            )
        )
    parameters = number(told, "params_b", _MOST_BILLIONS)
    active, size = number(told, "active_params_b", _MOST_BILLIONS), number(told, "weights_gb", _MOST_BILLIONS)
    name = text(told, "arch", "") or text(told, "name", "") or text(told, "id", "")
    header = lookups.once(("header", name), lambda: lookups.header(name)) if name else None
    if active is not None and parameters is not None and active > 1.001 * parameters:
        raise CaseError(
            said(
                "model: active_params_b is {active:g}; expected at most params_b ({parameters:g})",
                active=active,
                parameters=parameters,
            )
        )
    header = header if header is not None and _same_size(header, parameters) else None
    quant = text(told, "quant", "Q4_K_M")
    count = parameters * GB if parameters is not None else _count(header, size, quant)
    bytes_told = None if size is None else Bytes(round(size * GB))
    key = ("numbers", name if header is not None else "", count, active, size, quant, kind)
    shape = lookups.once(key, lambda: _shape(count, active, bytes_told, quant, header, kind, name))
    return AskedModel(name or "the model given", header, quant, {quant: bytes_told} if bytes_told else {}, shape)


def _shape(
    count: float,
    active: float | None,
    size: Bytes | None,
    quant: str,
    header: ModelHeader | None,
    kind: str,
    name: str,
) -> ModelShape:
    used = None if active is None else active * GB
    told = None if size is None else float(size)
    return shape_from_numbers(count, used, told, quant, header, kv_type=kind, name=name or "the model given")


def _count(header: ModelHeader | None, size: float | None, quant: str) -> float:
    """The parameters where they are not told: of the table, else as many as fill the size at the quantisation.

    Raises CaseError where neither tells them.
    """
    count = parameter_count(header) if header is not None else None
    if count is not None:
        return count
    if size is None:
        raise CaseError(said("model: params_b is missing; expected billions of parameters, or weights_gb and quant"))
    return size * GB * 8 / bits_per_weight(quant)


def _same_size(header: ModelHeader, parameters: float | None) -> bool:
    """Whether a header's model has the size told: names of architectures are shared by models of all sizes."""
    known = header.metadata.get("general.parameter_count")
    return parameters is None or (isinstance(known, int) and abs(known / GB - parameters) <= 0.2 * parameters)
