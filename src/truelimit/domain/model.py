"""A language model as its own header describes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from truelimit.domain.frozen import dataclass
from truelimit.domain.message import said
from truelimit.domain.provenance import Basis, Known
from truelimit.units import Bytes, Tokens

Scalar = int | float | bool | str
MetadataValue = Scalar | tuple[int, ...] | tuple[float, ...] | tuple[bool, ...]

CLASS_DEFAULTS = "general.class_defaults"
"""Key of the sentence that says which numbers a config.json leaves to the defaults of its class."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor: its shape in file order (fastest dimension first), ggml type name and stored bytes."""

    name: str
    shape: tuple[int, ...]
    type_name: str
    n_bytes: Bytes


@dataclass(frozen=True, slots=True)
class ModelHeader:
    """What a model says of itself: metadata (string arrays left out) and the tensor table.

    ``tensors`` is empty when the source gives none (for example a short API answer); then
    ``file_bytes`` is all that is known of the weights. ``quantization`` names the recipe that the tensors were derived
    at, or that is asked where there are none; None: they are those of a file, or none is asked. ``missing_bytes`` are
    those that the tables of its files name beyond the files' ends.
    """

    where: str
    basis: Basis
    architecture: str
    metadata: Mapping[str, MetadataValue] = field(default_factory=dict)
    tensors: tuple[Tensor, ...] = ()
    file_bytes: Bytes | None = None
    quantization: str | None = None
    missing_bytes: Bytes = Bytes(0)

    def get(self, key: str) -> MetadataValue | None:
        """Return ``<architecture>.key`` of the metadata, or None."""
        return self.metadata.get(f"{self.architecture}.{key}")

    @property
    def name(self) -> str:
        """The model's own name, or its architecture where it has none."""
        value = self.metadata.get("general.name")
        return value if isinstance(value, str) and value else self.architecture

    @property
    def native_context(self) -> Known[Tokens] | None:
        """What the model was trained for: ``<architecture>.context_length``, in tokens."""
        value = self.get("context_length")
        if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
            return None
        where = said("{where}: {key}", where=self.where, key=f"{self.architecture}.context_length")
        return Known(Tokens(value), where, self.basis)

    @property
    def weights_bytes(self) -> Bytes | None:
        """The stored bytes of all tensors, or None when there is no tensor table."""
        return Bytes(sum(tensor.n_bytes for tensor in self.tensors)) if self.tensors else None
