from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from support.fleet_files import BEGAN, STACKS, records, written
from truelimit.adapters.fleet.export import export, person_of, shareable
from truelimit.adapters.work.hashing import Hasher
from truelimit.app.fleet import Fleet, fleet
from truelimit.domain.workload import Ending, WorkRequest
from truelimit.units import Seconds, Tokens
from truelimit.workload.columns import columns
from truelimit.workload.stack import Outcome
from truelimit.workload.summary import summary
from truelimit.workload.totals import totals

pytest.importorskip("ibis", reason="ibis is not installed: pip install 'truelimit[fleet]'")

from truelimit.adapters.fleet import count, files, stacks

# Ibis 12 calls a name that DuckDB 2 will take away some day.
pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")
PEOPLE = {"ann": 300, "bob": 120, "cyd": 7}


def asked(tmp_path: Path, *paths: Path, replayed: bool = False) -> Fleet:
    scratch = tmp_path / "scratch"
    scratch.mkdir(exist_ok=True)
    listed = tmp_path / "stacks.toml"
    listed.write_text(STACKS, encoding="utf-8")
    wanted = stacks.stacks(listed) if replayed else None
    found = files.find([str(path) for path in paths], scratch)
    with count.engine("duckdb", found.paths, None, scratch) as engine:
        counted = count.counted(engine, apart=found.apart, stacks=wanted, progress=lambda _doing, _share: None)
    return fleet(counted, [item.id for item in wanted or ()], engine.name, len(found.paths), found.missing)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    written(tmp_path / "fleet", PEOPLE)
    return tmp_path / "fleet"


def test_each_person_counts_as_their_own_summary_says(folder: Path, tmp_path: Path) -> None:
    found = asked(tmp_path, folder)
    by_person = {item.person: item for item in found.people}
    assert len(by_person) == 3
    for name, number in PEOPLE.items():
        work, one = summary(records(name, number)), by_person[person_of(Hasher(name.encode()))]
        assert (one.requests, one.calls) == (work.requests, work.requests + work.retries)
        assert (one.sessions, one.turns, one.side_calls) == (work.sessions, work.turns, work.side_calls)
        assert (one.timed, one.waited_ms) == (work.timed, round(work.waited * 1000))
        assert work.first is not None
        assert one.first_ms == round(work.first.timestamp() * 1000)
    assert (found.rows, found.copies, found.refused, found.engine, found.files) == (427, 0, 0, "DuckDB", 3)


def test_groups_are_the_sums_of_each_persons(folder: Path, tmp_path: Path) -> None:
    found = asked(tmp_path, folder)
    works = [summary(records(name, number)) for name, number in PEOPLE.items()]
    for groups, part in ((found.endings, "endings"), (found.agents, "agents"), (found.models, "models")):
        calls, turns, tokens, ms = Counter(), Counter(), Counter(), Counter()  # type: ignore[var-annotated]
        for work in works:
            for item in getattr(work, part):
                calls[item.name] += item.requests
                tokens[item.name] += item.tokens
                ms[item.name] += round(item.seconds * 1000)
        assert {item.name: item.calls for item in groups} == calls
        assert {item.name: item.tokens for item in groups} == tokens
        assert {item.name: round(item.seconds * 1000) for item in groups} == ms
        assert all(item.turns > 0 and not turns for item in groups)
    classes: Counter[str] = Counter()
    for work in works:
        classes.update({item.name: item.requests for item in work.classes})
    assert {item.name: item.calls for item in found.classes} == classes


def test_a_turn_without_an_answer_has_no_class(tmp_path: Path) -> None:
    """As in the summary of one person: it is nobody's share, neither chat nor anything else."""
    whole = records("ann", 60)
    turns = {item.turn for item in whole[:20] if item.turn is not None}
    lost = {"ending": Ending.TIMED_OUT, "files_read": 0, "files_edited": 0, "output_tokens": None}
    items = [replace(item, **lost) if item.turn in turns else item for item in whole]  # type: ignore[arg-type]
    export(items, tmp_path / "ann.parquet", "ann", 0.0)
    found, work = asked(tmp_path, tmp_path / "ann.parquet"), summary(items)
    assert any(item.turn in turns for item in items)
    assert {item.name: item.calls for item in found.classes} == {item.name: item.requests for item in work.classes}
    assert "unknown" not in {item.name for item in found.classes}


def test_sizes_are_exact_percentiles(folder: Path, tmp_path: Path) -> None:
    heads = [
        item
        for name, number in PEOPLE.items()
        for item in shareable(records(name, number))
        if item.retry_of is None and item.prompt_tokens is not None
    ]
    told = sorted(item.prompt_tokens or 0 for item in heads)
    held = asked(tmp_path, folder).prompt
    assert held is not None
    assert (held.requests, held.largest, held.total) == (len(told), told[-1], sum(told))
    assert held.median == told[-(-50 * len(told) // 100) - 1]
    assert held.p90 == told[-(-90 * len(told) // 100) - 1]
    assert held.p99 == told[-(-99 * len(told) // 100) - 1]


def test_the_replay_of_each_person_is_that_of_their_own_requests(folder: Path, tmp_path: Path) -> None:
    found = asked(tmp_path, folder, replayed=True)
    wanted = stacks.stacks(tmp_path / "stacks.toml")
    for place, person in enumerate(found.people):
        name = next(name for name in PEOPLE if person_of(Hasher(name.encode())) == person.person)
        work = columns(sorted(records(name, PEOPLE[name]), key=as_stored))
        for stack, one in zip(wanted, found.each[place], strict=True):
            own = totals(work, stack)
            assert one.known == own.known
            assert one.done.value == own.count(Outcome.DONE)
            assert one.timed_out.value == own.count(Outcome.TIMED_OUT)
            assert one.seconds.value == pytest.approx(own.seconds, rel=1e-6)
            slow = totals(work, stack.slower())
            assert one.seconds.high == pytest.approx(max(own.seconds, slow.seconds), rel=1e-6)
    for place, option in enumerate(found.options):
        assert option.done.value == sum(each[place].done.value for each in found.each)
        assert option.known == sum(each[place].known for each in found.each)
    assert sum(found.recorded.values()) == found.total("requests")
    assert found.recorded[Ending.DONE] == sum(
        item.requests for name, number in PEOPLE.items() for item in _last_endings(records(name, number))
    )


def as_stored(item: WorkRequest) -> tuple[float, str]:
    """The order in which the store of work yields records."""
    return (item.time.timestamp() if item.time else -1.0, item.id)


def _last_endings(items: list[WorkRequest]) -> list[object]:
    """One share: how many requests were done in the end."""
    from truelimit.workload.chains import folded
    from truelimit.workload.shares import shares

    return [item for item in shares(folded(items), lambda item: item.ending.value) if item.name == "done"]


def test_a_person_who_collected_twice_counts_once_and_as_they_did_last(folder: Path, tmp_path: Path) -> None:
    once = asked(tmp_path, folder, replayed=True)
    newer = [
        replace(item, duration=Seconds(5.0), ending=Ending.CRASHED) if number == 0 else item
        for number, item in enumerate(records("ann", 320))
    ]
    export(newer, folder / "ann-again.parquet", person_of(Hasher(b"ann")), 2_000_000.0)
    twice = asked(tmp_path, folder, replayed=True)
    assert (twice.rows, twice.copies) == (427 + 320, 300)
    assert twice.total("calls") == once.total("calls") + 20
    assert next(item.calls for item in twice.endings if item.name == "crashed") == 1


def test_the_same_bundle_in_two_places_counts_once(folder: Path, tmp_path: Path) -> None:
    once = asked(tmp_path, folder)
    (folder / "copy.parquet").write_bytes((folder / "bob.parquet").read_bytes())
    twice = asked(tmp_path, folder)
    assert (twice.people, twice.endings, twice.copies) == (once.people, once.endings, 120)


def test_numbers_that_are_none_are_not_known(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    rows = pa.table(
        {
            "person": ["p", "p", "p", "p", None],
            "id": ["1", "2", "3", "4", "5"],
            "session": ["s"] * 5,
            "model": ["m"] * 5,
            "time": [float("nan"), float("inf"), -5.0, 1e300, 1.0],
            "prompt_tokens": pa.array([-1, 2**62, 10, None, 5], pa.int64()),
            "duration_s": [float("nan"), -1.0, 1e300, 2.0, 9.0],
            "ending": ["done", "what", None, "timed-out", "done"],
        }
    )
    parquet.write_table(rows, tmp_path / "hostile.parquet")
    found = asked(tmp_path, tmp_path / "hostile.parquet", replayed=True)
    assert (found.rows, found.refused, found.copies) == (5, 1, 0)
    (one,) = found.people
    assert (one.calls, one.timed, one.waited_ms, one.first_ms) == (4, 1, 2000, None)
    assert {item.name: item.calls for item in found.endings} == {"unknown": 2, "done": 1, "timed-out": 1}
    assert found.prompt is not None
    assert (found.prompt.requests, found.prompt.total) == (1, 10)
    assert found.options[1].known == 1


def test_one_request_and_orphans(tmp_path: Path) -> None:
    one = WorkRequest("a", "pi", "pi", "s", "m", BEGAN, Tokens(100), ending=Ending.DONE, retry_of="gone")
    again = replace(one, id="b", ending=Ending.TIMED_OUT)
    export([one], tmp_path / "one.parquet", "p", 0.0)
    found = asked(tmp_path, tmp_path / "one.parquet", replayed=True)
    assert (found.total("requests"), found.total("calls")) == (1, 1)
    assert found.endings[0].low is None
    assert [item.retry_of for item in shareable([one, again])] == [None, "a"]


def test_names_beyond_a_bound_are_one_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from truelimit.adapters.fleet import questions

    monkeypatch.setattr(questions, "MOST_NAMES", 2)
    items = [replace(item, model=f"m{number % 5}") for number, item in enumerate(records("ann", 50))]
    export(items, tmp_path / "a.parquet", "p", 0.0)
    found = asked(tmp_path, tmp_path / "a.parquet")
    assert {item.name: item.calls for item in found.models} == {"m0": 10, "m1": 10, "(others)": 30}


def test_people_are_read_in_groups_and_each_whole() -> None:
    from truelimit.adapters.fleet.on_duckdb import batches

    held = {"a": 5, "b": 5, "c": 30, "d": 1}
    assert list(batches(held, 10)) == [["a", "b"], ["c"], ["d"]]
    assert list(batches({}, 10)) == []
