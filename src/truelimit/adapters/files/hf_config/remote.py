"""A model on Hugging Face or another web server: its config.json, and how large its safetensors files are.

Only addresses that the user gave, and files beside them, are asked for: the index, or the header of the one file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from truelimit.adapters.files.hf_config.error import HfConfigError
from truelimit.adapters.files.hf_config.fetch import MISSING, Fetcher, shown
from truelimit.adapters.files.hf_config.folder import with_stored
from truelimit.adapters.files.hf_config.read import header_of_config
from truelimit.adapters.files.safetensors.folder import INDEX, LONGEST_INDEX, shards_of
from truelimit.adapters.files.safetensors.parse import SafetensorsError, Tally, add, header_length
from truelimit.app.model import FoundModel, StoredWeights
from truelimit.domain.message import said
from truelimit.units import Bytes

if TYPE_CHECKING:
    from truelimit.app.ports import Deadline
    from truelimit.domain.model import ModelHeader

_CONFIG = "config.json"
_SINGLE = "model.safetensors"
_LONGEST_CONFIG = 4 * 2**20
# Bytes of a parameter: less than one bit; four of 32 bits, times what vision and drafting may add to a small model.
_LEAST, _MOST = 0.1, 16.0


def is_config_url(url: str) -> bool:
    """Tell whether an address is that of a config.json, or of a model's page on huggingface.co."""
    return urlsplit(url).path.endswith("/" + _CONFIG) or _page(url) is not None


def read_remote_model(url: str, deadline: Deadline) -> FoundModel:
    """Return the model at ``url`` (its config.json, or its page on huggingface.co).

    Raises HfConfigError and SafetensorsError when it cannot be read in time and within bounds.
    """
    address = _page(url) or url
    fetcher = Fetcher(deadline)
    content = fetcher.get(address, _LONGEST_CONFIG)
    if content is MISSING:
        raise HfConfigError(
            shown(address), said("there is no such file"), said("a config.json"), said("check the address")
        )
    parts = [part for part in urlsplit(address).path.split("/") if part]
    name = "/".join(parts[:2]) if "resolve" in parts[2:4] else None
    header = header_of_config(content.decode("utf-8-sig", "replace"), shown(address), name)
    stored = _stored(fetcher, address, header)
    return FoundModel(with_stored(header, stored), stored=stored)


def _page(url: str) -> str | None:
    """Return the address of the config.json of a model's page, or None where it is no such page."""
    parts = urlsplit(url)
    steps = [step for step in parts.path.split("/") if step]
    if parts.hostname not in {"huggingface.co", "hf.co"} or len(steps) < 2 or "resolve" in steps[2:3]:
        return None
    branch = steps[3] if len(steps) > 3 and steps[2] == "tree" else "main"
    return urlunsplit(parts._replace(path="/" + "/".join([*steps[:2], "resolve", branch, _CONFIG])))


def _stored(fetcher: Fetcher, address: str, header: ModelHeader) -> StoredWeights | None:
    """Return the weights beside a config.json, or None where there are none in this form.

    Raises SafetensorsError for an index whose size cannot be that of the model.
    """
    index = _beside(address, INDEX)
    text = fetcher.get(index, LONGEST_INDEX)
    if text is not MISSING:
        stated = _of_index(text, shown(index))
        if stated is not None:
            _check(stated, header.metadata.get("general.parameter_count"))
        return stated or _of_headers(fetcher, address, shards_of(text, shown(index)))
    return _of_headers(fetcher, address, [_SINGLE])


def _of_index(text: bytes, where: str) -> StoredWeights | None:
    """Return the size that an index states; it names the tensors, so that nothing more need be fetched."""
    data = json.loads(text)
    metadata = data.get("metadata") if isinstance(data, Mapping) else None
    total = metadata.get("total_size") if isinstance(metadata, Mapping) else None
    weights = data.get("weight_map") if isinstance(data, Mapping) else None
    if type(total) is not int or not 0 < total < 2**63 or not isinstance(weights, Mapping):
        return None
    return StoredWeights(where, len(weights), 0, Bytes(total), {}, is_stated=True)


def _check(stated: StoredWeights, parameters: object) -> None:
    """Raise SafetensorsError for a size that so many parameters of the language model cannot have."""
    if not isinstance(parameters, int) or _LEAST * parameters <= stated.n_bytes <= _MOST * parameters:
        return
    raise SafetensorsError(
        stated.where,
        said(
            "total_size is {total:,} bytes for {parameters:,} parameters", total=stated.n_bytes, parameters=parameters
        ),
        said("{least:g} to {most:g} bytes for each", least=_LEAST, most=_MOST),
    )


def _of_headers(fetcher: Fetcher, address: str, names: list[str]) -> StoredWeights | None:
    tally = Tally()
    for name in names:
        url = _beside(address, name)
        start, size = fetcher.part(url, 8)
        if start is MISSING:
            return None
        where = shown(url)
        length = header_length(start, where, 2**63)
        add(tally, fetcher.part(url, length, first=8)[0], where, size)
    return tally.stored(shown(_beside(address, "")))


def _beside(address: str, name: str) -> str:
    parts = urlsplit(address)
    return urlunsplit(parts._replace(path=parts.path.rpartition("/")[0] + "/" + name))
