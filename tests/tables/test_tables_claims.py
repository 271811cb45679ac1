"""The tables of claims: no verdict in them, each number sourced, runs within physics; bad files are refused by key."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from truelimit.claims.bits import bits_per_weight
from truelimit.claims.vocabulary import pattern
from truelimit.domain.claims import Verdict
from truelimit.tables.accelerators import accelerator, accelerator_names
from truelimit.tables.claims import claims_file, published_runs, shipped_claims, short_names, sizes, withdrawals
from truelimit.tables.fields import TableError
from truelimit.tables.machines import machine_names
from truelimit.tables.models import model, model_names

FOLDER = files("truelimit.tables") / "claims"
ALLOWED = 1.05  # rounded specifications


def test_no_verdict_is_stored() -> None:
    words = {verdict.value for verdict in Verdict} | {"verdict"}
    for name in ("episode", "published", "vendors"):
        rows = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))["claims"]
        assert all(set(row) <= {"number", "text", "source", "date"} for row in rows)
        assert not any(word in str(row).lower().split() for row in rows for word in words)


def test_every_shipped_claim_has_a_number_a_source_and_a_date() -> None:
    claims = shipped_claims()
    assert len(claims) >= 60
    assert all(item.number and item.source and item.date for item in claims)
    assert len({item.number for item in claims}) == len(claims)


def test_every_run_is_of_a_device_of_the_table() -> None:
    known = set(accelerator_names())
    assert {run.device for run in published_runs()} - known == set()


def test_every_plain_decode_run_is_below_the_roofline() -> None:
    broken = []
    for run in published_runs():
        device, bits = accelerator(run.device), bits_per_weight(run.quantization)
        if run.kind != "decode" or run.speculative or bits is None or device is None or device.bandwidth is None:
            continue
        if "gpt-oss" in run.model:  # its experts are in MXFP4 whatever the file is called
            continue
        limit = device.bandwidth.value * run.devices / (run.active_parameters * bits / 8)
        if run.rate > limit * ALLOWED * 1.1:  # less the rows of the embedding
            broken.append((run, limit))
    assert broken == []


def test_speculative_runs_are_marked() -> None:
    assert any(run.speculative for run in published_runs())


def test_short_names_and_sizes_point_at_the_tables() -> None:
    machines = {*machine_names(), *accelerator_names()}
    assert set(short_names("machines").values()) <= machines
    assert set(short_names("same").values()) | set(short_names("same")) <= machines
    assert set(short_names("models").values()) <= set(model_names())
    assert all(model(name) is not None for size in sizes() for name in size.models)
    assert {item.device for item in withdrawals()} <= machines


def test_a_name_is_found_as_people_write_it() -> None:
    assert pattern("rx 7900 xtx").search("two RX-7900XTX cards")
    assert pattern("m2 ultra").search("an M2 Ultra.")
    assert not pattern("rtx 5060").search("rtx 50601")


def test_a_text_file_has_one_claim_a_line(tmp_path: Path) -> None:
    file = tmp_path / "claims.txt"
    file.write_text("# mine\n70B Q4 at 40 tok/s on dgx-spark\n\n7B at 60 tok/s on strix halo\n", encoding="utf-8")
    assert [item.text for item in claims_file(file)] == [
        "70B Q4 at 40 tok/s on dgx-spark",
        "7B at 60 tok/s on strix halo",
    ]


def test_a_toml_file_gives_source_and_date(tmp_path: Path) -> None:
    file = tmp_path / "claims.toml"
    file.write_text(
        'source = "a page"\n[[claims]]\ntext = "DGX Spark costs $3,000"\ndate = "2026-01"\n', encoding="utf-8"
    )
    (claim,) = claims_file(file)
    assert (claim.source, claim.date) == ("a page", "2026-01")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.toml", "[[claims]]\ntxt = 'x'\n", "unknown key txt"),
        ("a.toml", "[[claims]]\ntext = 3\n", "expected a text"),
        ("a.toml", "claims = 3\n", "expected [[claims]]"),
        ("a.toml", "[[claims", "not TOML"),
        ("a.toml", "a = [" * 5000, "not TOML"),
    ],
)
def test_a_bad_file_is_refused_by_key(tmp_path: Path, name: str, content: str, said: str) -> None:
    file = tmp_path / name
    file.write_text(content, encoding="utf-8")
    with pytest.raises(TableError) as caught:
        claims_file(file)
    assert said in str(caught.value)
    assert name in str(caught.value)


def test_a_file_that_is_no_text_or_too_large_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "claims.txt"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TableError, match="UTF-8"):
        claims_file(file)
    file.write_bytes(b"x" * (2**20 + 1))
    with pytest.raises(TableError, match="1 MiB"):
        claims_file(file)
    with pytest.raises(TableError, match="expected a file of claims"):
        claims_file(tmp_path / "none.txt")
