"""Receipts as JSON: what ``journal.json`` holds, read back strictly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from truelimit.app.fix_receipt import DefinitionStep, FileState, FileStep, Receipt, ReceiptState, Step, StepState
from truelimit.domain.message import said

SCHEMA = "truelimit.receipt/1"


def encode(receipt: Receipt) -> bytes:
    """Return the receipt as UTF-8 JSON."""
    steps = [{"kind": _KINDS[type(step)], **asdict(step)} for step in receipt.steps]
    value = {"schema": SCHEMA, **asdict(receipt), "steps": steps}
    return (json.dumps(value, indent=2, ensure_ascii=False, default=dict) + "\n").encode("utf-8")


def decode(data: bytes) -> Receipt:
    """Return the receipt of such JSON. Raises ValueError for anything else."""
    try:
        value = json.loads(data)
        if value["schema"] != SCHEMA:
            raise ValueError(said("schema {found!r:.60}, expected {schema!r}", found=value["schema"], schema=SCHEMA))
        return Receipt(
            id=str(value["id"]),
            created=str(value["created"]),
            state=ReceiptState(value["state"]),
            steps=tuple(_step(item) for item in value["steps"]),
            resolves=tuple((str(code), str(model)) for code, model in value["resolves"]),
            proof=tuple(str(line) for line in value["proof"]),
        )
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(said("not a receipt ({kind}: {error})", kind=type(error).__name__, error=error)) from None


_KINDS: Mapping[type[Step], str] = {FileStep: "file", DefinitionStep: "definition"}


def _step(item: dict[str, Any]) -> Step:
    fields = {key: value for key, value in item.items() if key != "kind"}
    fields["state"] = StepState(fields["state"])
    if item["kind"] == "file":
        before = dict(fields["before"])
        before["owner"] = tuple(before["owner"]) if before["owner"] is not None else None
        return FileStep(**{**fields, "before": FileState(**before)})
    if item["kind"] == "definition":
        return DefinitionStep(**fields)
    raise ValueError(said("a step of unknown kind {kind!r:.60}", kind=item["kind"]))
