"""The form of the store of work, and the queries that say which of several rows of one record counts."""

from __future__ import annotations

from truelimit.adapters.work.schema import NAMES

VERSION = 2  # 1 held paths and names of sessions in clear
ALL = ", ".join(NAMES)
_TABLE = "table"  # the reader of what somebody brings: a copy, where the original is known too

WITHOUT_OWNER = f"DELETE FROM requests_{VERSION} WHERE file NOT IN (SELECT number FROM files_{VERSION})"  # noqa: S608

# Of rows with one id: those of the conversation that was known first, and of these what was read last. What was read
# where it was recorded counts before a table that somebody brought.
_OWNED = (
    f"SELECT {', '.join(f'r.{name}' for name in NAMES)}, f.reader = '{_TABLE}' AS brought, f.place AS place "  # noqa: S608
    f"FROM requests_{VERSION} r JOIN files_{VERSION} f ON f.number = r.file"
)
SEEN_ONCE = (
    f"SELECT {ALL} FROM (SELECT *, first_value(session) OVER (PARTITION BY id ORDER BY brought, place) AS known_as "  # noqa: S608
    f"FROM ({_OWNED})) WHERE session = known_as "
    "QUALIFY row_number() OVER (PARTITION BY id ORDER BY brought, place DESC) = 1"
)
