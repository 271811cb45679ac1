"""truelimit verdict: the incident in each form, a store of one's own, and what cannot be used."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from truelimit.adapters.demo.stage import stage
from truelimit.adapters.work.store import FileState, WorkStore
from truelimit.cli.verdict import run
from truelimit.domain.workload import Ending, WorkRequest
from truelimit.units import Tokens

NAMED = ("--among", "dgx-spark", "--cloud", "labs-devstral-small-2512")
INCIDENT = ("--since", "2026-02-18")  # without the weeks before


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "home"
    made.mkdir()
    stage(made)
    return made


def verdict(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert run([*arguments, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(list(arguments)) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert len(shown.err.splitlines()) == 1
    return shown.err


def test_the_incident_as_json(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = verdict(capsys, "--home", str(home), *INCIDENT, *NAMED)
    assert found["schema"] == "truelimit.verdict/1"
    assert found["requests"] == 3
    options = {item["id"]: item for item in found["options"]}
    assert list(options)[:2] == ["nothing", "fix"]
    assert {"gateway", "cloud-labs-devstral-small-2512", "dgx-spark", "beside-dgx-spark"} <= set(options)
    assert options["by-hand"]["requests"]["complete"] == {"value": 3, "low": 3, "high": 3}
    complete = options["fix"]["requests"]["complete"]
    assert (complete["low"], complete["high"]) == (2, 3), "three attempts of 300 s hardly read the prompt"
    assert options["dgx-spark"]["usd_now"] > 3000
    assert options["dgx-spark"]["unlocks"]["value"] == 0
    assert options["nothing"]["stacks"][0]["first_wall"] == 300
    assert options["by-hand"]["stacks"][0]["first_wall"] is None
    assert found["validation"]["accuracy"] == 1.0
    assert found["calculations"]


def test_the_incident_as_text_and_markdown(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--home", str(home), *INCIDENT, *NAMED, "--no-color", "--width", "130"]) == 0
    text = capsys.readouterr().out
    assert "first, it is free" in text.splitlines()[0]
    assert "the gateway (not yet shipped)" in text
    assert "3 of 3 recorded endings are those of the replay (100%)" in text
    assert run(["--home", str(home), *INCIDENT, *NAMED, "--markdown"]) == 0
    assert "| NVIDIA DGX Spark |" in capsys.readouterr().out


def test_each_option_tells_the_memory_that_it_takes(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = {item["id"]: item for item in verdict(capsys, "--home", str(home))["options"]}
    (today,), (fixed,) = found["nothing"]["stacks"], found["fix"]["stacks"]
    per_token = (fixed["memory_need"] - today["memory_need"]) / (fixed["served_context"] - today["served_context"])
    assert per_token == pytest.approx(98_304, rel=0.02), "48 layers, 4 heads of 128, 16 bits; and a mask in the buffer"
    assert today["memory_need"] < fixed["memory_need"] < fixed["memory_there"] == today["memory_there"]


def test_machines_that_nobody_names_are_found_within_the_budget(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = verdict(capsys, "--home", str(home), "--budget", "3000")
    prices = [item["usd_now"] for item in found["options"] if item["kind"] == "machine"]
    assert len(prices) >= 3
    assert all(price is None or price <= 3000 for price in prices)
    assert any(item["kind"] == "cloud-route" for item in found["options"])


def test_what_is_no_longer_sold_is_offered_only_by_name_and_marked(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("--home", str(home), "--machine", "mac-studio-m2-ultra-64")
    found = {item["id"]: item for item in verdict(capsys, *asked)["options"]}
    assert "mac-studio-m3-ultra-512" not in found
    assert found["mac-studio-m3-ultra-96"]["usd_now"] == 3999
    old = "its price is of 2026-01, older than 180 days: look again"
    assert old in found["framework-desktop-128"]["notes"]
    named = {item["id"]: item for item in verdict(capsys, *asked, "--among", "mac-studio-m3-ultra-512")["options"]}
    assert "no longer sold since 2026-03" in named["mac-studio-m3-ultra-512"]["notes"]


def test_no_big_request_is_sent_to_a_machine_that_does_it_no_better(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = verdict(capsys, "--home", str(home), "--among", "rtx-4090")
    options = {item["id"]: item for item in found["options"]}
    fixed = options["fix"]["requests"]["complete"]["value"]
    beside = [item for item in found["options"] if item["kind"] == "two-machines" and item["requests"]]
    assert all(item["requests"]["complete"]["value"] >= fixed for item in beside)
    idle = [item["nothing_to_route"] for item in found["options"] if item["nothing_to_route"]]
    assert idle or beside


def test_a_list_of_machines_and_a_file_of_ones_own(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "mine.toml"
    own.write_text(
        'name = "Mine"\nsource = "mine"\n[[accelerators]]\nid = "dgx-spark"\nmemory_gib = 128\n', encoding="utf-8"
    )
    found = verdict(capsys, "--home", str(home), "--machine-options", f"dgx-spark,{own}", "--cloud", "devstral")
    machines = {item["name"]: item for item in found["options"] if item["kind"] == "machine"}
    assert set(machines) == {"NVIDIA DGX Spark", "Mine"}
    gone = next(item for item in found["options"] if item["kind"] == "cloud-route")
    assert "shut down on 2026-07-31" in gone["notes"] or gone["unknown"]


def test_a_store_is_replayed_and_since_leaves_the_older_out(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "work.duckdb"
    at = datetime(2026, 2, 10, tzinfo=UTC)
    model = "ollama/qwen3-coder-30b:v-128k"
    with WorkStore(store) as open_store:
        items = [
            WorkRequest(
                f"r{day}", "test", "openclaw", "s", model, at + timedelta(days=day), Tokens(20_000), ending=Ending.DONE
            )
            for day in range(5)
        ]
        open_store.add(FileState("f", 1, 1, 1, 1, "test"), items)
    assert verdict(capsys, "--home", str(home), "--store", str(store), *NAMED)["requests"] == 5
    found = verdict(capsys, "--home", str(home), "--store", str(store), "--since", "2026-02-13", *NAMED)
    assert found["requests"] == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--cloud", "nosuch"), "no provider's model"),
        (("--among", "nosuch"), "is not in the table"),
        (("--store", "nosuch.duckdb"), "does not exist; expected a file that truelimit workload wrote"),
        (("--since", "never"), "expected a day or a time"),
        (("--since", "2027-01-01"), "no request is recorded since 2027-01-01"),
        (("--model", "nosuch"), "there are: ollama/qwen3-coder-30b:v-128k"),
    ],
)
def test_what_cannot_be_used_is_one_line(
    home: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    assert said in complaint(capsys, "--home", str(home), *arguments)


def test_an_empty_home_and_a_broken_store_are_one_line(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "no local stack was found" in complaint(capsys, "--home", str(empty))
    broken = tmp_path / "broken.duckdb"
    broken.write_bytes(b"nonsense" * 1000)
    assert "cannot be opened as the store of work" in complaint(capsys, "--home", str(home), "--store", str(broken))


def test_a_note_that_options_share_is_said_once(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--home", str(home), *INCIDENT, *NAMED, "--no-color", "--width", "1000"]) == 0
    text = capsys.readouterr().out
    notes = text[text.index("What goes with them") : text.index("The arithmetic")]
    assert notes.count("fitted to the chip's family, corrected by a published series") == 1
    (shared,) = [line for line in notes.splitlines() if "corrected by a published series" in line]
    assert shared.endswith("a second machine like this one]")
    assert "[nothing; truelimit fix; " in shared
