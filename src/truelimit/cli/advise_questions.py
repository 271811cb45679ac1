"""The questions of truelimit advise, for a person at a terminal; an empty answer leaves what is shown.

An answer is read as the option of its meaning reads it; one that cannot be used is told why, and asked again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from truelimit.advice.profile import Job, Profile
from truelimit.cli.advise_options import amount, check_backends, check_systems
from truelimit.cli.advise_work import model, owned, stack
from truelimit.cli.speech import tell
from truelimit.cli.tokens import asked_tokens
from truelimit.domain.message import said
from truelimit.perf.kv_types import kv_type
from truelimit.units import Tokens

_TRIES = 5
_MODEL = "qwen3-coder-30b-a3b"
_CONTEXT = 131_072

T = TypeVar("T")


def ask(given: Mapping[str, Any], args: argparse.Namespace) -> Profile:
    """Return a profile made of the options given and of a person's answers to what they leave open.

    Raises ValueError for options that cannot be used, before the first question; for an answer that is wrong five
    times; and where the input ends.
    """
    _check(given, args)
    found: dict[str, Any] = {**given, "jobs": (_job(args),)}
    for key, question, otherwise, read in _questions():
        if key not in found:
            found[key] = _asked(question, otherwise, read)
    return Profile(said("your answers"), **found)


def _check(given: Mapping[str, Any], args: argparse.Namespace) -> None:
    kv_type(args.kv_type)
    check_backends(given.get("backends", ()))
    check_systems(given.get("operating_systems", ()))
    owned(given.get("today"))


def _job(args: argparse.Namespace) -> Job:
    entry, name = _asked(said("Which model must run (name of the table)?"), _MODEL, lambda text: (model(text), text))
    native = entry.header.native_context
    usual = min(_CONTEXT, native.value) if native else _CONTEXT

    def read(text: str) -> Job:
        made = Job(name, Tokens(asked_tokens(text)), args.quant, args.kv_type)
        stack(made)
        return made

    return _asked(said("How many tokens are your long prompts?"), str(usual), read)


def _questions() -> tuple[tuple[str, str, str, Callable[[str], Any]], ...]:
    """What a profile is asked for beside its job: the field, the question, what an empty answer means, its reader."""
    return (
        ("budget", said("What may it cost, in USD (empty: any)?"), "", _amount),
        (
            "operating_systems",
            said("Which systems would you live with (linux, macos, windows; empty: any)?"),
            "",
            lambda text: _names(text, check_systems),
        ),
        (
            "backends",
            said("Which backends (cuda, rocm, vulkan, metal; empty: any)?"),
            "",
            lambda text: _names(text, check_backends),
        ),
        ("today", said("Which machine do you have (id of the table, this, or empty)?"), "", _machine),
        ("quiet", said("Does it stand where people work, so that it must be quiet (yes or no)?"), "no", _yes_or_no),
        ("power_limit", said("What may it draw at most, in W (empty: any)?"), "", _amount),
        ("private", said("Is the work private, so that no cloud may see it (yes or no)?"), "no", _yes_or_no),
    )


def _asked(question: str, otherwise: str, read: Callable[[str], T]) -> T:
    """Return what is made of an answer, asked for again while it cannot be used."""
    for _ in range(_TRIES):
        try:
            return read(_answer(question, otherwise))
        except EOFError:
            raise ValueError(said("the input ended before all was answered")) from None
        except (ValueError, OSError, argparse.ArgumentTypeError) as error:
            print(f"  {tell(_why(error))}", file=sys.stderr)
    raise ValueError(said("asked {tries} times without an answer that can be used", tries=_TRIES))


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        return said("{filename}: {strerror}", filename=error.filename, strerror=error.strerror)
    return str(error)


def _answer(question: str, otherwise: str) -> str:
    shown = f" [{otherwise}]" if otherwise else ""
    print(f"{tell(question)}{shown} ", end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        print(file=sys.stderr)
        raise EOFError
    return line.strip() or otherwise


def _amount(text: str) -> float | None:
    return amount(text) if text else None


def _names(text: str, check: Callable[[tuple[str, ...]], None]) -> tuple[str, ...]:
    names = tuple(part.strip().lower() for part in text.split(",") if part.strip())
    check(names)
    return names


def _machine(text: str) -> str | None:
    owned(text or None)
    return text or None


def _yes_or_no(text: str) -> bool:
    """Return whether an answer is yes. Raises ValueError for anything but yes and no."""
    word = text.casefold()
    if word in {"y", "yes", tell(said("yes")).casefold()}:
        return True
    if word in {"n", "no", tell(said("no")).casefold()}:
        return False
    raise ValueError(said("{text!r} is neither yes nor no", text=text[:40]))
