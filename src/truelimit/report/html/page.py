"""The report as one HTML file: nothing is fetched, nothing needs a script; light, dark and on paper."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files

from truelimit import __version__
from truelimit.app.report import Report
from truelimit.report.html.diagnosis_parts import (
    examined_parts,
    finding_parts,
    incident_parts,
    missing_parts,
    verdict_parts,
)
from truelimit.report.html.parts import Section
from truelimit.report.html.render import section
from truelimit.report.html.stack_parts import figures, stack_parts
from truelimit.report.html.told import told_section
from truelimit.report.html.work_parts import work_figures, work_parts
from truelimit.report.html.workload_parts import workload_parts
from truelimit.report.language import Language
from truelimit.report.plots.figure import Figure
from truelimit.report.plots.style import DARK, LIGHT, rules, variables
from truelimit.report.plots.svg import safe


def page(say: Language, report: Report, created: str = "") -> str:
    """Return the report as the text of an HTML file. ``created`` is told as it is."""
    sections, _ = assembled(say, report)
    title = say.gettext("The true limit of this stack")
    style, script = _style(), _text("page.js")
    return "\n".join(
        [
            "<!DOCTYPE html>",
            f'<html lang="{safe(say.tag)}">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_policy(style, script)}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            '<meta name="referrer" content="no-referrer">',
            f'<meta name="generator" content="truelimit {safe(__version__)}">',
            f"<title>{safe(title)}</title>",
            f"<style>{style}</style>",
            "</head>",
            "<body>",
            _head(say, title, created),
            _contents(say, sections),
            '<main id="main">',
            *(section(item) for item in sections),
            "</main>",
            _foot(say),
            f"<script>{script}</script>",
            "</body>",
            "</html>",
            "",
        ]
    )


def drawings(say: Language, report: Report) -> tuple[Figure, ...]:
    """Return all figures of the report, in the order of the page."""
    return assembled(say, report)[1]


def assembled(say: Language, report: Report) -> tuple[list[Section], tuple[Figure, ...]]:
    """Return the sections of the page and the figures in them."""
    diagnosis = report.diagnosis
    found = [Section("verdict", say.gettext("Verdict"), verdict_parts(say, diagnosis.verdict))]
    shown: list[Figure] = []
    if report.recorded is not None:
        title = say.gettext("What your work is")
        found.append(Section("workload", title, workload_parts(say, report.recorded)))
    if report.work is not None:
        drawn = work_figures(say, report.work)
        shown += [figure for figure in drawn.values() if figure is not None]
        found.append(Section("work", say.gettext("Your work on every option"), work_parts(say, report.work, drawn)))
    for number, stack in enumerate(report.stacks, 1):
        drawn = figures(say, stack, f"stack-{number}")
        shown += [figure for figure in drawn.values() if figure is not None]
        found.append(Section(f"stack-{number}", _stack_title(say, stack.ladders.model, stack.ladders.agent),
                             stack_parts(say, stack, drawn)))  # fmt: skip
    if diagnosis.incidents:
        title = say.gettext("Incidents ({count})", count=say.decimal(len(diagnosis.incidents)))
        found.append(Section("incidents", title, incident_parts(say, diagnosis.incidents)))
    if diagnosis.findings:
        title = say.gettext("Findings ({count})", count=say.decimal(len(diagnosis.findings)))
        found.append(Section("findings", title, finding_parts(say, diagnosis.findings)))
    if diagnosis.missing or report.no_work:
        found.append(Section("missing", say.gettext("Not known"), missing_parts(report)))
    if diagnosis.examined:
        found.append(Section("examined", say.gettext("What was examined"), examined_parts(say, diagnosis)))
    return [told_section(say, item) for item in found], tuple(shown)


def _stack_title(say: Language, model: str, agent: str) -> str:
    return say.gettext("{model} through {agent}", model=model, agent=agent) if agent else model


def _head(say: Language, title: str, created: str) -> str:
    skip = f'<a class="skip" href="#main">{safe(say.gettext("Skip to the report"))}</a>'
    made = f"truelimit {__version__}" + (f" \u00b7 {created}" if created else "")
    return f'{skip}\n<header>\n<h1>{safe(title)}</h1>\n<p class="made">{safe(made)}</p>\n</header>'


def _contents(say: Language, sections: Sequence[Section]) -> str:
    links = "\n".join(f'<li><a href="#{safe(item.name)}">{safe(item.title)}</a></li>' for item in sections)
    name = safe(say.gettext("Contents"))
    unfold = safe(say.gettext("Show all arithmetic"))
    button = f'<button type="button" id="unfold" hidden>{unfold}</button>'
    return f'<nav aria-label="{name}">\n<ul>\n{links}\n</ul>\n{button}\n</nav>'


def _foot(say: Language) -> str:
    text = say.gettext(
        "Made on this machine. This page fetches nothing and sends nothing; every number names its source and basis."
    )
    return f"<footer>\n<p>{safe(text)}</p>\n</footer>"


def _style() -> str:
    colours = f":root{{{variables(LIGHT)}}}@media (prefers-color-scheme:dark){{:root{{{variables(DARK)}}}}}"
    paper = f"@media print{{:root{{{variables(LIGHT)}}}}}"
    return f"\n{colours}\n{paper}\n{rules()}\n{_text('page.css')}"


def _policy(style: str, script: str) -> str:
    """Nothing may be loaded; of styles and scripts only those that this page holds, by their hashes."""
    own = {kind: f"'sha256-{_hash(text)}'" for kind, text in (("style", style), ("script", script))}
    return (
        f"default-src 'none'; style-src {own['style']}; script-src {own['script']}; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def _text(name: str) -> str:
    return (files("truelimit.report.html") / name).read_text(encoding="utf-8")
