"""llama-benchy's results (0.4.0): json, csv, Markdown.

Its rate of reading is tokens over ``est_ppt``, the time to the first response less a latency: their product tells how
many tokens it counted. Without prefix caching a test at a depth reads all of it (depth + prompt, from 0); with it only
what comes after. Its rate of writing leaves the first token out. Tests of several requests at once are left out: they
tell the rates of a crowd, not of one request.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from truelimit.adapters.files.llama_bench_runs import Row
from truelimit.adapters.files.llama_bench_table import Test, positive, rate_of, test_of, whole
from truelimit.domain.measurements import MeasuredMachine, MeasuredModel, MeasuredServer, PointKind
from truelimit.domain.message import said
from truelimit.units import from_ms

TOOL = "llama-benchy"
CROWD = said("tests of several requests at once")
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)Z?")
_MOST_REPEATS = 100
_CSV = {"model": "model", "test_name": "test", "t_s_mean": "t/s", "est_ppt_mean": "est_ppt (ms)"}


def json_rows(report: Mapping[str, object]) -> Iterator[Row | str]:
    """Yield the rows of a report in JSON, or in words why a part gives none."""
    runs = report.get("benchmarks")
    taken = _taken(report.get("timestamp"))
    for run in runs if isinstance(runs, list) else ():
        if not isinstance(run, dict):
            yield said("entries that are no objects")
        elif run.get("concurrency") != 1:
            yield CROWD
        else:
            yield from _run_rows(run, str(report.get("model") or "unnamed"), taken)


def _run_rows(run: Mapping[str, object], model: str, taken: str) -> Iterator[Row | str]:
    prompt, depth = whole(run.get("prompt_size")) or 0, whole(run.get("context_size")) or 0
    of_context = run.get("is_context_prefill_phase") is True
    rates, times = _values(run, "pp_throughput"), _values(run, "est_ppt")
    found = False
    if rates and len(rates) == len(times):
        for rate, ms in zip(rates, times, strict=True):
            found = True
            yield _read(Test(True, prompt, depth, of_context=of_context), rate, ms, model, taken)
    written = (whole(run.get("response_size")) or 0) - 1
    speeds = _values(run, "tg_throughput")
    if speeds and written > 0:
        found = True
        at = depth if of_context else depth + prompt
        yield _row(PointKind.DECODE, at, written, tuple(written / rate for rate in speeds), model, taken)
    if not found:
        yield said("runs without rates")


def table_rows(rows: Iterable[Mapping[str, str]]) -> Iterator[Row | str]:
    """Yield the rows of a Markdown table, or of CSV (its columns are renamed).

    A test of writing comes after that of reading its prompt, which tells at which depth it began.
    """
    read: Test | None = None
    for item in rows:
        cells = {_CSV.get(key, key): value for key, value in item.items()}
        test = test_of(cells.get("test", ""))
        rate = rate_of(cells.get("t/s") or cells.get("t/s (total)"))
        model = cells.get("model") or "unnamed"
        if test is None or rate is None:
            yield said("lines whose test or rate is not understood")
        elif test.at_once > 1:
            yield CROWD
        elif test.is_prefill:
            read, ms = test, rate_of(cells.get("est_ppt (ms)"))
            yield _read(test, rate, ms, model, "") if ms else said("lines of reading without est_ppt")
        elif test.tokens is None or test.tokens < 2:
            yield said("tests of writing that do not tell how many tokens")
        else:
            before = read.tokens or 0 if read is not None and read.depth == test.depth else 0
            written = test.tokens - 1
            yield _row(PointKind.DECODE, test.depth + before, written, (written / rate,), model, "")


def _read(test: Test, rate: float, ms: float, model: str, taken: str) -> Row:
    """A prompt, from the depth it was really read from: the product of rate and time tells the tokens."""
    seconds = from_ms(ms)
    tokens = max(1, round(rate * seconds))
    named = test.tokens or test.depth
    whole_prompt = named + (0 if test.of_context else test.depth)
    after_cache = not test.of_context and test.depth > 0 and abs(tokens - named) < abs(tokens - whole_prompt)
    return _row(PointKind.PREFILL, test.depth if after_cache else 0, tokens, (seconds,), model, taken)


def _row(kind: PointKind, depth: int, tokens: int, seconds: tuple[float, ...], model: str, taken: str) -> Row:
    server = MeasuredServer("unknown")
    return Row(TOOL, MeasuredModel(model[:200]), MeasuredMachine(), server, (), kind, depth, tokens, seconds, taken)


def _values(run: Mapping[str, object], key: str) -> list[float]:
    metric = run.get(key)
    values = metric.get("values") if isinstance(metric, dict) else None
    known = [positive(value) for value in values[:_MOST_REPEATS]] if isinstance(values, list) else []
    return [value for value in known if value] if all(known) else []


def _taken(value: object) -> str:
    match = _TIME.match(value) if isinstance(value, str) else None
    return f"{match[1]}T{match[2]}+00:00" if match else ""
