"""The model that a plan is asked for, as a stack on the machine and in the quantisation that are asked for."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from truelimit.cli.evidence import UsageError
from truelimit.cli.tokens import tokens
from truelimit.domain.message import said
from truelimit.units import Bytes, Tokens

if TYPE_CHECKING:
    from truelimit.app.examine import Given
    from truelimit.app.ports import Places
    from truelimit.domain.facts import Estimator, Stack
    from truelimit.domain.machine import Machine


def asked(name: str, args: argparse.Namespace, places: Places, given: Given) -> tuple[Stack, Mapping[str, Bytes]]:
    """Return the stack of a model, and the lengths of its published files by quantisation.

    Raises UsageError where there is no such model, ValueError for a file, machine or quantisation of no use.
    """
    from truelimit.app.plan_quant import sized, with_quantization
    from truelimit.tables.identify import identified

    stack, files = _named(name, args, places, given)
    machine = counted(identified(stack.machine), args.devices)
    stack = replace(stack, machine=machine, estimator=estimator(), measurements=given.measurements)
    if args.quant:
        return with_quantization(stack, args.quant, files), files
    return (with_quantization(stack, next(iter(files)), files) if files else sized(stack)), files


def counted(machine: Machine, devices: int | None) -> Machine:
    """Return the machine with so many devices; boxes that the table joins come with their link and notes.

    Raises ValueError where its devices cannot be counted.
    """
    from truelimit.app.plan_machine import with_devices
    from truelimit.tables.machines import joined

    return joined(machine, devices or 1) or with_devices(machine, devices)


def other(text: str, args: argparse.Namespace, places: Places, given: Given) -> tuple[Stack, Tokens | None]:
    """Return a model that stays loaded, of ``MODEL`` or ``MODEL@CONTEXT``. Raises UsageError like ``asked``."""
    from truelimit.app.plan_quant import sized

    name, at, context = text.rpartition("@")
    if not at:
        return sized(_named(text, args, places, given)[0]), None
    count = tokens(context)
    if count is None:
        raise UsageError(said("--with {text!r:.80}: expected MODEL or MODEL@TOKENS", text=text))
    return sized(_named(name, args, places, given)[0]), Tokens(count)


def _named(name: str, args: argparse.Namespace, places: Places, given: Given) -> tuple[Stack, Mapping[str, Bytes]]:
    """The stack by its name. On a machine that the user names, a model of the table asks no server of this machine."""
    from truelimit.app.plan import bare_stack
    from truelimit.tables.models import model_entry, model_file

    elsewhere = given.machine is not None and not (args.home or args.ollama or args.server or args.log)
    entry = model_entry(name) if elsewhere and not Path(name).exists() else None
    if entry is not None and given.machine is not None:
        return bare_stack(entry.header, given.machine, given.published), entry.files_bytes
    from truelimit.cli.find_model import find

    stack = find(name, args, places, given)
    entry = model_file(Path(name)) if name.lower().endswith(".toml") else model_entry(name)
    same = entry is not None and stack.header is not None and entry.header.where == stack.header.where
    return stack, entry.files_bytes if entry is not None and same else {}


def estimator() -> Estimator:
    """Return what tells speed where nothing was measured: physics with the shipped calibration."""
    from truelimit.limits.rates_estimated import Calibrated
    from truelimit.tables.calibration import calibration

    return Calibrated(calibration())
