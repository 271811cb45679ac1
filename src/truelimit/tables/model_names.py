"""What a model's name on a hub or a server means in the table: the model, and the quantisation that stands in it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from truelimit.domain.frozen import dataclass
from truelimit.domain.message import Message, said
from truelimit.perf.rates.bits import is_known
from truelimit.tables.models import model_entries, model_entry

if TYPE_CHECKING:
    from truelimit.app.model_entry import ModelEntry

_LATEST = ":latest"  # Ollama's tag where a name has none
_NO_SHAPE = {"gguf", "mlx", "instruct", "it", "chat", "hf"}  # words of names that change no tensor
_HUBS = ("hf.co/", "huggingface.co/", "registry.ollama.ai/", "library/")


@dataclass(frozen=True, slots=True)
class NamedModel:
    """A model of the table that a name means, with the quantisation that it tells; ``exact``: a name of its own."""

    entry: ModelEntry
    quantization: str | None = None
    exact: bool = True

    def told(self, name: str, quantization: str | None) -> tuple[Message, ...]:
        """Return what is to be said of a name that is not the model's own; ``quantization``: the one that is asked."""
        if self.exact:
            return ()
        if self.quantization is None or quantization is not None:
            return (said("{name!r:.100} is taken for {id} of the table", name=name, id=self.entry.id),)
        return (
            said(
                "{name!r:.100} is taken for {id} of the table at {quantization}",
                name=name,
                id=self.entry.id,
                quantization=self.quantization,
            ),
        )


def named_model(name: str) -> NamedModel | None:
    """Return the model of the table that a name means, or None where it means none, or more than one.

    Names of the table come first. Then owner, hub and words that change no shape are left out, and a quantisation at
    its end is taken off: ``hf.co/unsloth/Qwen3-8B-GGUF:Q4_K_M`` and ``qwen3:8b-q8_0`` are the table's qwen3-8b.
    """
    entry = model_entry(name)
    if entry is not None:
        return NamedModel(entry)
    plain = name.strip().lower()
    for hub in _HUBS:
        plain = plain.removeprefix(hub)
    if _is_path(plain):
        return None
    base, quantization = _split(plain)
    found = _ids().get(base, ())
    entry = model_entry(found[0]) if len(found) == 1 else None
    return NamedModel(entry, quantization, exact=False) if entry is not None else None


@cache
def _ids() -> dict[str, tuple[str, ...]]:
    """The ids of the models that a plain name has; shapes that stand for a class of models have none."""
    found: dict[str, dict[str, None]] = {}
    for entry in model_entries():
        for name in () if entry.typical else (entry.id, entry.header.name.replace(" ", "-"), *entry.aliases):
            found.setdefault(_split(name.lower())[0], {})[entry.id] = None
    return {name: tuple(ids) for name, ids in found.items()}


def _split(name: str) -> tuple[str, str | None]:
    """A name in lower case without owner and words of no shape, and the quantisation at its end."""
    last = name.removesuffix(_LATEST).rpartition("/")[2].replace(":", "-")
    words = [word for word in last.split("-") if word not in _NO_SHAPE]
    for start in range(1, len(words)):
        tail = "-".join(words[start:])
        if is_known(tail):
            return "-".join(words[:start]), tail if tail.endswith("bit") else tail.upper()
    return "-".join(words), None


def _is_path(plain: str) -> bool:
    """Tell whether a name is rather that of a file: a hub's has an owner at most."""
    return plain.startswith((".", "~", "/")) or plain.count("/") > 1 or "\\" in plain
