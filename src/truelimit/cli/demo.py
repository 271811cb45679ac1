"""truelimit demo."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from truelimit.cli import output
from truelimit.cli.parser import Parser
from truelimit.domain.message import said
from truelimit.report.blocks import Block, Heading, Paragraph

_INTRO = said(
    "The incident of 18 February 2026, 11:15. An agent on OpenClaw 2026.2.17 drives Qwen3-Coder 30B in Ollama 0.16.2 "
    "on a Mac Studio M2 Ultra with 64 GB, keeps failing, and its owner is about to buy a new machine. Staged from the "
    "formats of that day in {home}{gone}. What follows is the output of truelimit doctor --home, fix --home and plan, "
    "and in the end what truelimit verdict makes of the weeks before."
)
_GONE = said(", removed at the end (--keep DIR leaves it in DIR)")


def run(argv: Sequence[str]) -> int:
    """Stage the bundled incident, print its diagnosis and the plan of its fix. Returns 0."""
    parser = Parser("truelimit demo", description=said("Diagnose the bundled incident of 18 February 2026."))
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help=said("stage the home folder in DIR (new) and leave it there")
    )
    output.add_arguments(parser)
    args = parser.parse_args(argv)
    if args.keep is not None:
        if args.keep.exists() and any(args.keep.iterdir()):
            return output.complain(said("--keep {keep} is not empty; expected a new folder", keep=args.keep))
        args.keep.mkdir(parents=True, exist_ok=True)
        return _show(args.keep, args, "")
    with tempfile.TemporaryDirectory(prefix="truelimit-demo-") as folder:
        return _show(Path(folder), args, _GONE)


def _show(home: Path, args: argparse.Namespace, gone: str) -> int:
    from truelimit.adapters.demo.stage import stage
    from truelimit.cli import demo_work, doctor, fix, plan

    stage(home)
    form = _form(args)
    if args.json:
        doctor.run(["--home", str(home), *form])
        return 0
    _say(args, Paragraph(said(_INTRO, home=str(home), gone=gone)))
    doctor.run(["--home", str(home), *form])
    _say(args, Heading(said("The fix, not applied here")))
    fix.run(["--home", str(home), *form])
    _say(args, Heading(said("What the full context takes, beside a model with twice the KV heads")))
    plan.run(["qwen3-coder:30b", "--home", str(home), "--context", "262144", "--beside", "llama-3-8b", *form])
    output.show(args, lambda: demo_work.blocks(home), lambda: "")
    return 0


def _say(args: argparse.Namespace, block: Block) -> None:
    output.show(args, lambda: [block], lambda: "")
    output.write("\n")


def _form(args: argparse.Namespace) -> list[str]:
    form = ["--json"] * args.json + ["--markdown"] * args.markdown + ["--no-color"] * args.no_colour
    return form + (["--width", str(args.width)] if args.width else [])
