"""Parts of a report with chosen numbers: ladders, results of a replay, and text as hostile as files can hold."""

from __future__ import annotations

from truelimit.app.report import Recorded, Report, Room, StackReport
from truelimit.domain.calculation import Term, calculate
from truelimit.domain.diagnosis import Diagnosis, Hardware, Verdict
from truelimit.domain.findings import Applicability as Can
from truelimit.domain.findings import ConfigEdit, Exclusion, Finding, FixIdea, Severity
from truelimit.domain.limits import Ladder, Ladders, LimitKind, MemoryLadder, Origin, Rung, SetBy
from truelimit.domain.provenance import Basis, Missing
from truelimit.domain.rates import DecodeFit, PrefillFit
from truelimit.domain.session import Cause, Incident
from truelimit.domain.workload import Ending
from truelimit.units import GIB, Bytes, Seconds, Tokens
from truelimit.workload.confusion import Confusion
from truelimit.workload.options import Kind, Leg, Option, Result, Within
from truelimit.workload.stack import Outcome, ReplayStack
from truelimit.workload.verdict import WorkVerdict

EVIL = (
    "</script><script>alert(1)</script>",
    "<img src=http://example.org/x.png onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "javascript:alert(1)",
    "' onmouseover='alert(1)",
    "]]><!--",
    "--></style><style>*{display:none}",
    "&lt;b&gt; {x} %s {0}",
    "\x00\x1b[31m\u202eevil\ud800",
    "@import url(http://example.org/a.css);",
)
HOSTILE = " ".join(EVIL)
FIT = PrefillFit(0.0003459, 5.778e-08, 0.009, Tokens(34_816), 5, HOSTILE, Basis.DERIVED)


def rung(name: str, value: float, kind: LimitKind = LimitKind.CONFIGURED, bounds: str = "prompt") -> Rung:
    """Return a limit with a hostile source."""
    return Rung(name, value, SetBy.AGENT_CONFIG, kind, HOSTILE, Basis.REPORTED, bounds, HOSTILE)


def hostile_report() -> Report:
    """Return a report in which every text that comes from outside is an attack."""
    binding, other = rung("agent-context", 131_072, LimitKind.LABEL), rung("native", 262_144, LimitKind.PHYSICAL)
    context = Ladder("tokens", (other, binding), binding, (rung(HOSTILE, 4096),), ())
    wall = rung("node-fetch-headers", 300.0, bounds="headers")
    time = Ladder("s", (wall, rung(HOSTILE, 600.0)), wall)
    memory = MemoryLadder(Ladder("bytes", (rung("weights", 17 * GIB),)), Bytes(17 * GIB), Bytes(48 * GIB), 31 * GIB)
    decode = DecodeFit(0.02, 1e-7, None, Tokens(100), 1, HOSTILE, Basis.MEASURED)
    ladders = Ladders(HOSTILE, HOSTILE, context, time, memory, FIT, decode)
    found = calculate(
        "a * b", HOSTILE, Term("a", 2, HOSTILE, HOSTILE, Basis.ASSUMED), Term("b", 3.5, "s", "", Basis.MEASURED)
    )
    edit = ConfigEdit(HOSTILE, ("a", HOSTILE), HOSTILE, HOSTILE, HOSTILE)
    fix = FixIdea(HOSTILE, Can.SAFE, (edit,), (HOSTILE,))
    incident = Incident(
        HOSTILE,
        None,
        HOSTILE,
        HOSTILE,
        Cause.OVERFLOW,
        True,
        3,
        2,
        None,
        Seconds(9.5),
        None,
        (found,),
        (HOSTILE,),
        None,
        HOSTILE,
    )
    finding = Finding("CTX001", HOSTILE, Severity.FAILS, HOSTILE, HOSTILE, (HOSTILE,), (found,), fix, None,
                      (Exclusion(Origin.SLOTS, HOSTILE),))  # fmt: skip
    verdict = Verdict(HOSTILE, Hardware.UNKNOWN, (HOSTILE,), (found,), (HOSTILE, HOSTILE))
    diagnosis = Diagnosis(verdict, (ladders,), (incident,), (finding,), (Missing(HOSTILE, HOSTILE),), (HOSTILE,))
    points = tuple(Recorded(Tokens(9_000 + n), Seconds(n + 1.0), ending) for n, ending in enumerate(Ending))
    rooms = (Room(Tokens(131_072), (("weights", 17 * GIB), (HOSTILE, GIB)), 48 * GIB),)
    return Report(diagnosis, (StackReport(ladders, (wall,), points, rooms),), work_verdict(HOSTILE), HOSTILE)


def result(
    name: str, done: int, usd: float | None, *, known: int = 100, kind: Kind = Kind.MACHINE, low: int | None = None
) -> Result:
    """Return an option on which so many requests of ``known`` complete; the others time out."""
    option = Option(name, name, kind, (Leg(ReplayStack(name)),), usd, HOSTILE, None, HOSTILE, notes=(HOSTILE,))
    least = done if low is None else low
    within = Within(done, least, done)
    none, rest = Within(0, 0, 0), Within(known - done, known - done, known - least)
    return Result(option, known, within, none, none, rest, none, Within(1.5, 1, 2), usd, 0.0, none, None, usd)


def work_verdict(name: str = "model", results: tuple[Result, ...] | None = None) -> WorkVerdict:
    """Return a verdict on hardware over some options."""
    few = (
        result("nothing", 60, 0.0, kind=Kind.NOTHING),
        result(name, 80, 0.0, kind=Kind.FIX, low=70),
        result(f"{name} machine", 90, 4_999.0, low=85),
        result("no price", 70, None),
    )
    matrix = ((Ending.DONE, Outcome.DONE, 8), (Ending.TIMED_OUT, Outcome.DONE, 2))
    validation = Confusion(matrix, 10, 8, 8, 0.01, 0.3)
    found = calculate("a + a", "USD", Term("a", 2, "USD", name, Basis.SPECIFIED))
    return WorkVerdict(
        name, name, results or few, (found,), validation, 100, 3, 2.0, 14.0, 3, 1, (Missing(name, name),)
    )
