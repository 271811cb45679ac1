"""truelimit audit: the contract's keys, exit codes, filters, files, CSV and Markdown."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from truelimit.cli.audit import run
from truelimit.domain.claims import Verdict

CLAIM = "70B Q4 at 40 tok/s on dgx-spark"


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = run(arguments)
    return code, capsys.readouterr().out


def as_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    return json.loads(printed(capsys, *arguments, "--json")[1])


def test_the_json_keeps_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    found = as_json(capsys, "--claim", CLAIM)
    assert found["schema"] == "truelimit.audit/1"
    (claim,) = found["claims"]
    assert {"claim", "verdict", "calculation", "sources"} <= set(claim)
    assert claim["claim"] == CLAIM
    assert claim["verdict"] == "impossible-as-stated"
    assert set(claim["calculation"]) == {"terms", "formula", "result", "unit"}
    assert set(claim["calculation"]["terms"][0]) == {"name", "value", "unit", "source", "basis"}
    assert claim["calculation"]["result"] == pytest.approx(6.42, abs=0.01)
    assert claim["sources"]


def test_every_shipped_claim_is_in_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    claims = as_json(capsys)["claims"]
    assert len(claims) >= 60
    assert {claim["verdict"] for claim in claims} == {verdict.value for verdict in Verdict}
    assert all(claim["calculation"] is None or claim["calculation"]["terms"] for claim in claims)


@pytest.mark.parametrize(
    ("claim", "code"),
    [(CLAIM, 1), ("DGX Spark: 273 GB/s", 0), ("a fast machine", 0), ("DGX Spark costs $3,000", 1)],
)
def test_the_exit_code_says_whether_something_is_wrong(
    claim: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert printed(capsys, "--claim", claim)[0] == code


def test_claims_are_repeatable_and_keep_their_order(capsys: pytest.CaptureFixture[str]) -> None:
    found = as_json(capsys, "--claim", "MI300X: 5.3 TB/s", "--claim", CLAIM)["claims"]
    assert [claim["claim"] for claim in found] == ["MI300X: 5.3 TB/s", CLAIM]


def test_only_one_verdict_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    found = as_json(capsys, "--only", "outdated")["claims"]
    assert found
    assert {claim["verdict"] for claim in found} == {"outdated"}


def test_a_file_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.txt"
    file.write_text(f"# a comment\n{CLAIM}\n", encoding="utf-8")
    (claim,) = as_json(capsys, "--file", str(file))["claims"]
    assert claim["claim"] == CLAIM
    assert claim["stated_by"] == str(file)


def test_a_missing_file_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--file", str(tmp_path / "none.toml")]) == 2
    assert "expected a file of claims" in capsys.readouterr().err


def test_the_text_shows_arithmetic_remedies_and_sources(capsys: pytest.CaptureFixture[str]) -> None:
    _, text = printed(capsys, "--claim", CLAIM, "--width", "200")
    assert "bandwidth / bytes_read = 273,000,000,000 / 42,512,531,712 = 6.422 tok/s" in text
    assert "possible with" in text
    assert "source: geerlingguy" in text


def test_many_claims_get_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    _, text = printed(capsys, "--markdown")
    assert "| no. | verdict | claim |" in text
    assert "## 4. DGX Spark: 25-50 tok/s on a 70B" in text.replace("###", "##")


def test_the_csv_is_a_table_that_no_spreadsheet_executes(capsys: pytest.CaptureFixture[str]) -> None:
    _, text = printed(capsys, "--csv", "--claim", CLAIM, "--claim", "=1+1 at 40 tok/s")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert rows[0]["verdict"] == "impossible-as-stated"
    assert rows[0]["formula" if "formula" in rows[0] else "calculation"] == "bandwidth / bytes_read"
    assert rows[1]["claim"].startswith("'=")


def test_an_unknown_verdict_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        run(["--only", "wrong"])
    assert stopped.value.code == 2
    assert "impossible-as-stated" in capsys.readouterr().err


def test_an_unknown_machine_is_told_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    (claim,) = as_json(capsys, "--claim", "70B Q4 at 40 tok/s on dgx-sprak")["claims"]
    assert claim["verdict"] == "not-checkable"
    assert "dgx-spark" in claim["sentence"]
    assert claim["read_as"]["unknown"]
