"""The questions of truelimit advise, for a person at a terminal; an empty answer leaves what is shown."""

from __future__ import annotations

import sys

from truelimit.advice.profile import Job, Profile
from truelimit.cli.tokens import tokens
from truelimit.domain.message import said
from truelimit.units import Tokens, Usd


def ask() -> Profile:
    """Return a profile made of a person's answers. Raises ValueError for an answer that cannot be used."""
    model = _answer(said("Which model must run (name of the table)?"), "qwen3-coder-30b-a3b")
    context = _number(said("How many tokens are your long prompts?"), "131072")
    budget = _answer(said("What may it cost, in USD (empty: any)?"), "")
    systems = _answer(said("Which systems would you live with (linux, macos, windows; empty: any)?"), "")
    today = _answer(said("Which machine do you have (id of the table, this, or empty)?"), "")
    private = _answer(said("Is the work private, so that no cloud may see it (yes or no)?"), "no")
    return Profile(
        said("your answers"),
        (Job(model, context),),
        budget=Usd(float(budget)) if budget else None,
        operating_systems=tuple(part.strip().lower() for part in systems.split(",") if part.strip()),
        today=today or None,
        private=private.lower().startswith("y"),
    )


def _answer(question: str, otherwise: str) -> str:
    shown = f" [{otherwise}]" if otherwise else ""
    print(f"{question}{shown} ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip() or otherwise


def _number(question: str, otherwise: str) -> Tokens:
    answer = _answer(question, otherwise)
    found = tokens(answer)
    if found is None:
        raise ValueError(said("{found!r} is not a whole number of tokens", found=answer[:40]))
    return Tokens(found)
