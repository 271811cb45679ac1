"""The work of truelimit advise: jobs as options write them, and what plans each of them on a machine."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from truelimit.advice.profile import Job, Profile
from truelimit.cli.tokens import tokens
from truelimit.domain.message import said
from truelimit.units import Tokens

if TYPE_CHECKING:
    from truelimit.app.advise import Evaluate
    from truelimit.app.machines import Entry
    from truelimit.app.model_entry import ModelEntry
    from truelimit.domain.facts import Stack


def job(text: str, args: argparse.Namespace) -> Job:
    """Return the job of ``--model MODEL[@TOKENS]``. Raises ValueError for what is no count of tokens."""
    name, at, context = text.rpartition("@")
    count = tokens(context) if at else args.context
    if count is None:
        raise ValueError(said("--model {text!r:.80}: expected MODEL or MODEL@TOKENS", text=text))
    return Job(name if at else text, Tokens(count), args.quant, args.kv_type)


def evaluator(profile: Profile) -> Evaluate:
    """Return what plans a job on a machine. Raises ValueError for a job that can be planned on no machine."""
    from truelimit.app.advise_jobs import performance

    stacks = {item: stack(item) for item in profile.jobs}
    return lambda machine, item: performance(stacks[item], machine, item, profile.deadline)


def stack(item: Job) -> Stack:
    """Return the stack of a job without a machine: its model, in its quantisation, with what the plan rests on.

    Raises ValueError for a model that is not there, a context beyond what it was trained for, and settings that no
    engine takes: no machine changes these, so none is looked at.
    """
    from truelimit.adapters.store.measurements import measurements
    from truelimit.app.advise_jobs import check
    from truelimit.app.plan import bare_stack
    from truelimit.app.plan_quant import sized, with_quantization
    from truelimit.cli.plan_model import estimator
    from truelimit.domain.machine import UNKNOWN_MACHINE
    from truelimit.tables.loader import published_rates

    entry = _entry(item)
    bare = bare_stack(entry.header, UNKNOWN_MACHINE, published_rates())
    made = replace(bare, estimator=estimator(), measurements=measurements())  # as the plan has them
    quantization = item.quantization or next(iter(entry.files_bytes), None)
    made = with_quantization(made, quantization, entry.files_bytes) if quantization else sized(made)
    check(made, item)
    return made


def _entry(item: Job) -> ModelEntry:
    """The model of a job. Raises ValueError where it is not there, or was trained for less than the job's context."""
    found = model(item.model)
    native = found.header.native_context
    if native and item.context > native.value:
        raise ValueError(
            said(
                "{model} was trained for {native:,} tokens; {context:,} are asked for, and no machine changes that",
                model=item.model,
                native=native.value,
                context=item.context,
            )
        )
    return found


def model(name: str) -> ModelEntry:
    """Return a model of the table or of a file. Raises ValueError with the nearest names, OSError for no such file."""
    from truelimit.tables.models import model_entry, model_file, unknown_model

    found = model_file(Path(name)) if name.endswith(".toml") else model_entry(name)
    if found is None:
        raise ValueError(
            said("{model!r:.80} is not a model of the table; {model2}", model=name, model2=unknown_model(name))
        )
    return found


def owned(name: str | None) -> Entry | None:
    """Return the machine of today: of the table, or the one at hand (``this``), with a name to be told by.

    Raises ValueError with the nearest names for one that is not in the table.
    """
    from truelimit.cli.machines import THIS, this_machine
    from truelimit.tables.machines import entry

    if name is None:
        return None
    if name != THIS:
        return entry(name)
    found = this_machine(measure=False)
    return replace(found, machine=replace(found.machine, name=found.machine.name or said("this machine")))
