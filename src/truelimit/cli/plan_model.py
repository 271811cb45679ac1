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
    from truelimit.app.plan_quant import with_quantization
    from truelimit.tables.identify import identified

    stack, files, quantization = _named(name, args, places, given)
    machine = counted(identified(stack.machine), args.devices)
    stack = replace(stack, machine=machine, estimator=estimator(), measurements=given.measurements)
    stack = with_quantization(stack, args.quant, files) if args.quant else _usual(stack, files, quantization)
    return stack, files


def taken_for(name: str, args: argparse.Namespace, stack: Stack) -> tuple[str, ...]:
    """Return what to say where a stack is of the table, and the name that it was asked by is not the model's own."""
    from truelimit.tables.model_names import named_model

    found = named_model(name)
    same = found is not None and stack.header is not None and stack.header.where == found.entry.header.where
    return found.told(name, args.quant) if found is not None and same else ()


def _usual(stack: Stack, files: Mapping[str, Bytes], quantization: str | None) -> Stack:
    """The stack with weights where none are asked: at the name's quantisation, its own, those of the first file."""
    from truelimit.app.plan_quant import sized, with_quantization

    asked = quantization or next(iter(files), None)
    return with_quantization(stack, asked, files) if asked else sized(stack)


def counted(machine: Machine, devices: int | None) -> Machine:
    """Return the machine with so many devices; boxes that the table joins come with their link and notes.

    Raises ValueError where its devices cannot be counted.
    """
    from truelimit.app.plan_machine import with_devices
    from truelimit.tables.machines import joined

    return joined(machine, devices or 1) or with_devices(machine, devices)


def other(text: str, args: argparse.Namespace, places: Places, given: Given) -> tuple[Stack, Tokens | None]:
    """Return a model that stays loaded, of ``MODEL`` or ``MODEL@CONTEXT``. Raises UsageError like ``asked``."""
    name, at, context = text.rpartition("@")
    if not at:
        return _usual(*_named(text, args, places, given)), None
    count = tokens(context)
    if count is None:
        raise UsageError(said("--with {text!r:.80}: expected MODEL or MODEL@TOKENS", text=text))
    return _usual(*_named(name, args, places, given)), Tokens(count)


def _named(
    name: str, args: argparse.Namespace, places: Places, given: Given
) -> tuple[Stack, Mapping[str, Bytes], str | None]:
    """The stack by its name, the lengths of its files, and the quantisation that its name tells.

    On a machine that the user names, a model of the table asks no server of this machine.
    """
    from truelimit.app.plan import bare_stack
    from truelimit.tables.model_names import NamedModel, named_model
    from truelimit.tables.models import model_file

    elsewhere = given.machine is not None and not (args.home or args.ollama or args.server or args.log)
    found = named_model(name) if elsewhere and not Path(name).exists() else None
    if found is not None and given.machine is not None:
        stack = bare_stack(found.entry.header, given.machine, given.published)
        return stack, found.entry.files_bytes, found.quantization
    from truelimit.cli.find_model import find

    stack = find(name, args, places, given)
    found = NamedModel(model_file(Path(name))) if name.lower().endswith(".toml") else named_model(name)
    if found is None or stack.header is None or found.entry.header.where != stack.header.where:
        return stack, {}, None
    return stack, found.entry.files_bytes, found.quantization


def estimator() -> Estimator:
    """Return what tells speed where nothing was measured: physics with the shipped calibration."""
    from truelimit.limits.rates_estimated import Calibrated
    from truelimit.tables.calibration import calibration

    return Calibrated(calibration())
