"""What is asked of a fleet's records, once, in Ibis: whichever engine answers, the counts are the same.

Every answer is a count or a sum of whole numbers (tokens, milliseconds), so the order of adding changes nothing.
"""

from __future__ import annotations

from typing import Any

from truelimit.adapters.fleet.columns import COLLECTED, FLEET_COLUMNS, IBIS_TYPES, PERSON
from truelimit.adapters.work.schema import LONGEST, MOST_TOKENS
from truelimit.domain.workload import Ending, WorkClass

MOST_NAMES = 500  # groups that are told apart; the rest is one
REST = "(others)"
REPLAY_COLUMNS = (
    PERSON, "id", "session", "time_ms", "prompt_tokens", "cached_tokens", "output_tokens", "duration_ms", "ending",
    "retry_of", "private",
)  # fmt: skip
_MOST_MS = 32_503_680_000_000  # the year 3000
_LONGEST_MS = int(LONGEST * 1000)
_REQUIRED = (PERSON, "id", "session", "model")


def typed(table: Any) -> Any:
    """Return a table with exactly the columns of a fleet; one that no file has is empty."""
    import ibis

    return table.select(
        **{
            name: table[name].cast(IBIS_TYPES[kind]) if name in table.columns else ibis.null(IBIS_TYPES[kind])
            for name, kind, _ in FLEET_COLUMNS
        }
    )


def refused(table: Any) -> Any:
    """Ask how many rows there are, and how many lack a value that each must have."""
    import ibis

    return table.aggregate(rows=table.count(), refused=ibis.or_(*(table[name].isnull() for name in _REQUIRED)).sum())


def newest(table: Any) -> Any:
    """Return the rows with what each must have, each record of a person once: as it was collected last."""
    import ibis

    window = ibis.window(group_by=[PERSON, "id"], order_by=[ibis.desc(COLLECTED), ibis.desc("output_tokens")])
    return complete(table).mutate(place=ibis.row_number().over(window)).filter(ibis._.place == 0).drop("place")


def complete(table: Any) -> Any:
    """Return the rows that have what each must have."""
    return table.filter([table[name].notnull() for name in _REQUIRED])


def cleaned(table: Any) -> Any:
    """Return the columns that questions use: whole numbers within sane bounds, known endings and classes."""
    import ibis

    name = ibis.coalesce(table.agent.nullif("unknown").nullif(""), table.source.nullif(""), ibis.literal("unknown"))
    return table.select(
        PERSON, "id", "session", "turn", "retry_of", "private", "model",
        agent=name,
        ending=_known(table.ending, [item.value for item in Ending], Ending.UNKNOWN.value),
        work_class=_known(table.work_class, [item.value for item in WorkClass], WorkClass.UNKNOWN.value),
        time_ms=_ms(table.time, _MOST_MS), duration_ms=_ms(table.duration_s, _LONGEST_MS),
        prompt_tokens=_count(table.prompt_tokens), cached_tokens=_count(table.cached_tokens),
        output_tokens=_count(table.output_tokens),
    )  # fmt: skip


def _known(column: Any, names: list[str], otherwise: str) -> Any:
    import ibis

    return ibis.ifelse(column.isin(names), column, ibis.literal(otherwise)).fill_null(otherwise)


def _count(column: Any) -> Any:
    import ibis

    return ibis.ifelse((column >= 0) & (column <= MOST_TOKENS), column, ibis.null("int64"))


def _ms(column: Any, most: int) -> Any:
    """Seconds as whole milliseconds. Through a decimal: what is no number becomes nothing there on every engine."""
    import ibis

    whole = (column * 1000).try_cast("decimal(18, 0)").cast("int64")
    return ibis.ifelse((whole >= 0) & (whole <= most), whole, ibis.null("int64"))


def people(table: Any) -> Any:
    """Ask what each person's work is: one row a person, as app.fleet.Person."""
    asked = table.retry_of.isnull()
    side = table.work_class == WorkClass.SIDE_CALL.value
    return table.group_by(PERSON).aggregate(
        calls=table.count(),
        requests=asked.sum(),
        sessions=table.session.nunique(),
        turns=table.turn.nunique(),
        side_calls=(asked & side).sum(),
        private=(asked & table.private).sum().fill_null(0),
        timed=table.duration_ms.count(),
        waited_ms=table.duration_ms.sum().fill_null(0),
        first_ms=table.time_ms.min(),
        last_ms=table.time_ms.max(),
    )


def frequent(table: Any, by: str) -> Any:
    """Ask for the most frequent names of a column, which anyone can fill: no more are told apart."""
    import ibis

    counted = table.group_by(by).aggregate(calls=ibis._.count())
    return counted.order_by([ibis.desc("calls"), by]).limit(MOST_NAMES)


def cells(table: Any, by: str, names: list[str] | None = None) -> Any:
    """Ask for the cells of a column: one row a person and name, as app.fleet.Cell."""
    import ibis

    name = table[by] if names is None else ibis.ifelse(table[by].isin(names), table[by], ibis.literal(REST))
    return table.group_by(PERSON, name=name).aggregate(
        calls=table.count(),
        turns=table.turn.nunique(),
        tokens=table.prompt_tokens.sum().fill_null(0),
        ms=table.duration_ms.sum().fill_null(0),
    )


def classed(table: Any) -> Any:
    """Return the requests that have a class, as they are of a known turn or side calls; no repeated attempts.

    A turn none of whose calls was answered has none: nobody knows what it would have been.
    """
    of_turn = table.turn.notnull() & (table.work_class != WorkClass.UNKNOWN.value)
    known = of_turn | (table.work_class == WorkClass.SIDE_CALL.value)
    return table.filter(table.retry_of.isnull() & known)


def sizes(table: Any, column: str) -> Any:
    """Ask for percentiles (nearest rank) of a count over first attempts that tell it: exact, in one row."""
    import ibis

    told = table.filter(table.retry_of.isnull() & table[column].notnull()).select(value=table[column])
    by_value = told.group_by("value").aggregate(requests=ibis._.count())
    upto = by_value.requests.sum().over(ibis.cumulative_window(order_by=by_value.value))
    ranked = by_value.mutate(upto=upto, whole=by_value.requests.sum().over(ibis.window()))
    # ceil(share * whole) <= upto, in whole numbers: share * 100 * whole <= 100 * upto
    return ranked.aggregate(
        requests=ranked.requests.sum(),
        median=ranked.value.min(where=50 * ranked.whole <= 100 * ranked.upto),
        p90=ranked.value.min(where=90 * ranked.whole <= 100 * ranked.upto),
        p99=ranked.value.min(where=99 * ranked.whole <= 100 * ranked.upto),
        largest=ranked.value.max(),
        total=(ranked.value * ranked.requests).sum(),
    )


def to_replay(table: Any) -> Any:
    """Return the columns that a replay needs; all rows of a person belong together."""
    return table.select(*REPLAY_COLUMNS)
