"""Evidence that contradicts itself or comes from a wrong clock: nothing is claimed that it does not carry."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from support.damage import run
from support.homes import HOMES
from support.json_contract import checked_doctor

TRANSCRIPT = ".openclaw/agents/main/sessions/20260218-refactor.jsonl"
LOG = ".ollama/logs/server.log"
Change = Callable[[dict[str, Any], int], None]


@pytest.fixture(autouse=True)
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUELIMIT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("TRUELIMIT_DEBUG", "1")


def doctor(home: Path) -> dict[str, Any]:
    code, out, err = run("doctor", "--home", str(home), "--json")
    assert (code, err) == (1, "")
    return checked_doctor(out)


def clocked(home: Path, time: Callable[[int], object]) -> dict[str, Any]:
    """Give every entry of the transcript the time of ``time(index)``, and examine the home."""
    HOMES["demo"].arguments(home)
    entries = [json.loads(line) for line in (home / TRANSCRIPT).read_text(encoding="utf-8").splitlines()]
    for index, entry in enumerate(entries):
        entry["timestamp"] = time(index)
        if isinstance(entry.get("message"), dict):
            entry["message"].pop("timestamp", None)
    (home / TRANSCRIPT).write_text("\n".join(json.dumps(entry) for entry in entries) + "\n", encoding="utf-8")
    return doctor(home)


NOON = datetime(2026, 2, 18, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "time",
    [
        lambda index: NOON.isoformat(),
        lambda index: (NOON - timedelta(hours=index)).isoformat(),
        lambda index: "9999-12-31T23:59:59.999Z",
        lambda index: "0001-01-01T00:00:00+14:00",
        lambda index: None,
        lambda index: -1,
        lambda index: "soon",
        lambda index: 10**30,
    ],
    ids=["standing", "backwards", "far-future", "far-past", "none", "negative", "words", "huge"],
)
def test_a_wall_is_not_claimed_without_a_duration(time: Callable[[int], object], tmp_path: Path) -> None:
    value = clocked(tmp_path, time)
    for incident in value["incidents"]:
        assert incident["seconds"] is None or incident["seconds"] >= 0
        if not incident["seconds"]:
            assert incident["cause"] != "prefill-exceeds-wall" or not incident["explained"]


def test_a_duration_that_matches_no_wall_is_not_called_one(tmp_path: Path) -> None:
    value = clocked(tmp_path, lambda index: (NOON + timedelta(seconds=97 * index)).isoformat())
    assert [item["cause"] for item in value["incidents"]] != ["prefill-exceeds-wall"]


@pytest.mark.parametrize("zone", ["+00:00", "-08:00", "+05:45"])
def test_a_log_in_another_time_zone_is_met_all_the_same(zone: str, tmp_path: Path) -> None:
    """slog lines carry their offset: the same instants written in another zone change nothing."""
    HOMES["demo"].arguments(tmp_path)
    sign = -1 if zone[0] == "-" else 1
    offset = sign * timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))

    def moved(match: re.Match[str]) -> str:
        there = datetime.fromisoformat(match[1]).astimezone(UTC) + offset
        return f"time={there.replace(tzinfo=None).isoformat(timespec='milliseconds')}{zone}"

    def moved_access(match: re.Match[str]) -> str:
        local = datetime.strptime(match[1], "%Y/%m/%d - %H:%M:%S").replace(tzinfo=UTC) - own + offset
        return f"[GIN] {local:%Y/%m/%d - %H:%M:%S}"

    text = (tmp_path / LOG).read_text(encoding="utf-8")
    first = re.search(r"time=(\S+)", text)
    assert first is not None
    own = datetime.fromisoformat(first[1]).utcoffset() or timedelta()
    text = re.sub(r"time=(\S+)", moved, text)
    text = re.sub(r"\[GIN\] (\d{4}/\d\d/\d\d - \d\d:\d\d:\d\d)", moved_access, text)
    (tmp_path / LOG).write_text(text, encoding="utf-8")
    (incident,) = doctor(tmp_path)["incidents"]
    assert (incident["cause"], incident["prompt_tokens"]) == ("prefill-exceeds-wall", 146_760)


def test_one_incident_in_two_copies_of_a_session_is_one(tmp_path: Path) -> None:
    HOMES["demo"].arguments(tmp_path)
    copy = tmp_path / TRANSCRIPT.replace(".jsonl", ".jsonl.reset.2026-02-19T08-00-00.000Z")
    copy.write_bytes((tmp_path / TRANSCRIPT).read_bytes())
    assert len(doctor(tmp_path)["incidents"]) == 1


def test_a_session_counter_against_the_transcript(tmp_path: Path) -> None:
    """The index says another window than the configuration: both are evidence, the configuration is in force."""
    HOMES["demo"].arguments(tmp_path)
    index = tmp_path / ".openclaw/agents/main/sessions/sessions.json"
    index.write_text(
        re.sub(r'"contextTokens": \d+', '"contextTokens": 32768', index.read_text(encoding="utf-8")), encoding="utf-8"
    )
    (ladders,) = doctor(tmp_path)["ladders"]
    by_name = {rung["name"]: rung["value"] for rung in ladders["context"]["rungs"]}
    assert by_name["agent-context"] == 131_072


def test_a_log_of_another_model_names_no_cause_for_this_one(tmp_path: Path) -> None:
    HOMES["demo"].arguments(tmp_path)
    log = tmp_path / LOG
    text = log.read_text(encoding="utf-8")
    blob = re.search(r"sha256-[0-9a-f]{64}", text)
    assert blob is not None
    log.write_text(text.replace(blob[0], "sha256-" + "0" * 64), encoding="utf-8")
    for incident in doctor(tmp_path)["incidents"]:
        assert incident["cause"] not in {"out-of-memory", "engine-crash"}
