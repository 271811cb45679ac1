from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from support.fleet_files import STACKS, written
from truelimit.adapters.fleet.errors import FleetError
from truelimit.adapters.fleet.stacks import stacks

STACK = '[[stack]]\nid = "a"\n'


def test_stacks_of_toml_and_json(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(STACKS + "keep_alive = inf\n", encoding="utf-8")
    small, large = stacks(tmp_path / "s.toml")
    assert (small.id, small.served_context, small.resumes, large.slots) == ("small", 32768, True, 2)
    (tmp_path / "s.json").write_text('[{"id": "x", "run_wall": null, "load": 3}]', encoding="utf-8")
    (one,) = stacks(tmp_path / "s.json")
    assert (one.run_wall, one.load, type(one.load)) == (float("inf"), 3.0, float)
    (tmp_path / "t.toml").write_text(STACK + "reads_on = inf\n", encoding="utf-8")  # the whole prompt
    assert stacks(tmp_path / "t.toml")[0].reads_on == float("inf")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "expected [[stack]] tables"),
        ("x = 1", "expected [[stack]] tables"),
        ("[[stack]]\nslots = 1", "stack 1: id None"),
        (STACK + "speed = 1", "unknown key 'speed'"),
        (STACK + "slots = 0", "slots is 0; expected a whole number of 1 or more"),
        (STACK + "fits = 1", "fits is 1; expected true or false"),
        (STACK + "attempts = 1.5", "attempts is 1.5"),
        (STACK + 'prefill_a = "fast"', "prefill_a is 'fast'; expected a number"),
        (STACK + "prefill_a = -1.0", "prefill_a is -1.0"),
        (STACK + "prefill_a = inf", "prefill_a is inf"),
        (STACK + "first_wall = nan", "first_wall is nan"),
        (STACK + STACK, "two stacks have the id 'a'"),
        ("[[stack", "cannot be read as TOML"),
    ],
)
def test_stacks_that_are_none(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "s.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FleetError) as told:
        stacks(path)
    assert words in str(told.value)
    assert str(path) in str(told.value)


def test_a_file_of_stacks_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FleetError, match=r"no\.toml"):
        stacks(tmp_path / "no.toml")


class TestFind:
    @pytest.fixture(autouse=True)
    def _arrow(self) -> None:
        pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install 'truelimit[fleet]'")

    def test_folders_patterns_and_bundles(self, tmp_path: Path) -> None:
        from truelimit.adapters.fleet.files import find

        ann, bob = written(tmp_path / "in", {"ann": 5, "bob": 5})
        with zipfile.ZipFile(tmp_path / "in" / "bundle.zip", "w") as archive:
            archive.writestr("home/requests.parquet", bob.read_bytes())
        bob.unlink()
        found = find([str(tmp_path / "in")], tmp_path)
        assert (len(found.paths), found.apart, found.missing) == (2, True, ())
        assert find([str(tmp_path / "i*" / "*.parquet")], tmp_path).paths == (str(ann),)
        assert find(["s3://bucket/x"], tmp_path).apart is False

    def test_what_cannot_be_counted_is_left_out_by_name(self, tmp_path: Path) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        from truelimit.adapters.fleet.files import find

        folder = tmp_path / "in"
        (ann,) = written(folder, {"ann": 5})
        (folder / "bad.parquet").write_bytes(b"PAR1 not at all PAR1")
        (folder / "cut.parquet").write_bytes(ann.read_bytes()[:300])
        (folder / "bad.zip").write_bytes(b"PK nothing")
        parquet.write_table(pa.table({"id": ["1"]}), folder / "other.parquet")
        held = parquet.read_table(ann)
        parquet.write_table(held.set_column(0, "id", pa.array(range(5))), folder / "wrong.parquet")
        with zipfile.ZipFile(folder / "empty.zip", "w") as archive:
            archive.writestr("x", "y")
        found = find([str(folder)], tmp_path)
        assert found.paths == (str(ann),)
        why = {Path(item.fact).name: item.why for item in found.missing}
        assert sorted(why) == ["bad.parquet", "bad.zip", "cut.parquet", "empty.zip", "other.parquet", "wrong.parquet"]
        assert "columns are missing: session, model, person" in why["other.parquet"]
        assert "id is int64, expected text" in why["wrong.parquet"]
        assert "--work" in why["empty.zip"]

    def test_a_person_in_two_files_is_seen(self, tmp_path: Path) -> None:
        from truelimit.adapters.fleet.files import find

        (ann,) = written(tmp_path / "in", {"ann": 5})
        (tmp_path / "in" / "again.parquet").write_bytes(ann.read_bytes())
        assert find([str(tmp_path / "in")], tmp_path).apart is False

    def test_nothing_to_count(self, tmp_path: Path) -> None:
        from truelimit.adapters.fleet.files import find

        with pytest.raises(FleetError, match="matches nothing"):
            find([str(tmp_path / "none*")], tmp_path)
        with pytest.raises(FleetError, match="expected Parquet files or bundles"):
            find([str(tmp_path)], tmp_path)
