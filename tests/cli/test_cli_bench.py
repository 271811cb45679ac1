"""truelimit bench as a person runs it, against stand-ins: results, what is kept, dry runs, errors, imports."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from servers.fake_ollama import fake_ollama
from servers.fake_stream_server import A, B, FakeStream, StreamFault, fake_stream
from support import llama_bench_output as made
from truelimit.adapters.store.measurements import measurements
from truelimit.cli.bench import run

SAMPLES = Path(__file__).parents[1] / "samples" / "llama-benchy"


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRUELIMIT_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def server() -> Iterator[FakeStream]:
    with fake_stream() as fake:
        yield fake


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    output = capsys.readouterr()
    assert output.err == "", "nothing but JSON where --json is asked for"
    document = json.loads(output.out)
    assert isinstance(document, dict)
    return document


def test_a_run_is_printed_and_kept(server: FakeStream, capsys: pytest.CaptureFixture[str], data: Path) -> None:
    assert run([server.url, "--json"]) == 0
    found = told(capsys)
    assert found["schema"] == "truelimit.bench/1"
    assert found["prefill"]["a"] == pytest.approx(A, rel=0.001)
    assert found["prefill"]["b"] == pytest.approx(B, rel=0.001)
    assert found["prefill"]["intervals"]["degrees_of_freedom"] == 7
    assert [row["requests"] for row in found["depths"]] == [3, 3, 3]
    assert found["cache"]["works"] is True
    assert found["cache"]["changed_head_tokens"] == 0
    assert found["partial"] is False
    (kept,) = measurements(data)
    assert kept.id == found["measurement"]
    assert kept.prefill is not None
    assert kept.prefill.a == found["prefill"]["a"]
    assert kept.server.url == server.url
    assert kept.machine.chip is not None, "a local server runs on this machine"


def test_text_and_markdown_say_it_in_words(server: FakeStream, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([server.url, "--width", "100", "--repeats", "1"]) == 0
    text = capsys.readouterr().out
    assert "made-up reads" in text
    assert "Costs, with intervals of 90 %" in text
    assert "cache: the same prompt again took" in text
    assert "Kept in" in text
    assert run([server.url, "--markdown", "--no-store", "--repeats", "1"]) == 0
    markdown = capsys.readouterr().out
    assert "| depth |" in markdown
    assert "Kept in" not in markdown


def test_a_dry_run_sends_one_small_prompt_and_keeps_nothing(
    server: FakeStream, capsys: pytest.CaptureFixture[str], data: Path
) -> None:
    assert run([server.url, "--dry-run", "--json"]) == 0
    found = told(capsys)
    assert found["dry_run"] is True
    assert found["plan"]["tokens"] > 60_000
    assert found["plan"]["expected_seconds"] >= 0
    assert len(server.bodies) == 1
    assert measurements(data) == ()


def test_prompts_are_new_each_time_and_hold_nothing_of_this_machine(server: FakeStream) -> None:
    run([server.url, "--no-store", "--json", "--depths", "512", "--repeats", "2"])
    run([server.url, "--no-store", "--json", "--depths", "512", "--repeats", "2"])
    heads = [body["prompt"].split()[0] for body in server.bodies]
    assert len(set(heads)) >= len(heads) - 2, "all but the two asked again for the cache are new"


def test_a_cache_that_always_hits_flatters_nobody(capsys: pytest.CaptureFixture[str], data: Path) -> None:
    with fake_stream(fault=StreamFault.CACHE_ALWAYS) as server:
        assert run([server.url, "--json", "--repeats", "1"]) == 0
    found = told(capsys)
    assert found["prefill"] is None
    assert found["decode"] is not None, "writing is not spared by a prompt cache"
    assert [row["read_rate"] for row in found["depths"]] == [None, None, None]
    assert any("came from a cache though the prompt's head was new" in note for note in found["notes"])


def test_lying_timings_are_not_believed(capsys: pytest.CaptureFixture[str]) -> None:
    with fake_stream(fault=StreamFault.LIES) as server:
        assert run([server.url, "--json", "--repeats", "1"]) == 0
    found = told(capsys)
    assert found["client_timed"] is True
    assert any("claims to have worked for longer" in note for note in found["notes"])


def test_a_break_in_the_middle_leaves_a_partial_result(capsys: pytest.CaptureFixture[str], data: Path) -> None:
    with fake_stream(fault=StreamFault.CUT, fault_from=4) as server:
        assert run([server.url, "--json"]) == 1
    output = capsys.readouterr()
    found = json.loads(output.out)
    assert found["partial"] is True
    assert found["failed"] in output.err
    (kept,) = measurements(data)
    assert kept.partial


@pytest.mark.parametrize("fault", [StreamFault.GARBAGE, StreamFault.CUT, StreamFault.BROKEN, StreamFault.NO_END])
def test_a_fault_at_once_is_one_line_and_status_2(
    fault: StreamFault, capsys: pytest.CaptureFixture[str], data: Path
) -> None:
    with fake_stream(fault=fault) as server:
        assert run([server.url]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("truelimit: ")
    assert output.err.count("\n") == 1
    assert measurements(data) == ()


def test_a_server_that_stalls_is_given_up_in_time(capsys: pytest.CaptureFixture[str]) -> None:
    with fake_stream(fault=StreamFault.STALL) as server:
        assert run([server.url, "--max-seconds", "0.3"]) == 2
        assert server.left.wait(5)
    assert "--max-seconds" in capsys.readouterr().err


def test_an_interrupt_is_status_130_with_what_there_is(
    server: FakeStream, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, data: Path
) -> None:
    from truelimit.adapters.bench.llama_server import LlamaServerEndpoint

    real, calls = LlamaServerEndpoint.ask, []

    def ask(self: LlamaServerEndpoint, *args: Any) -> Any:
        calls.append(args)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return real(self, *args)

    monkeypatch.setattr(LlamaServerEndpoint, "ask", ask)
    assert run([server.url, "--json"]) == 130
    output = capsys.readouterr()
    assert json.loads(output.out)["partial"] is True
    assert "interrupted" in output.err
    assert measurements(data)[0].partial


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT to another process")
def test_ctrl_c_takes_the_request_back_and_leaves_nothing_running() -> None:
    code = "import sys; from truelimit.cli.bench import run; sys.exit(run(sys.argv[1:]))"
    with fake_stream(fault=StreamFault.STALL) as server:
        process = subprocess.Popen(
            [sys.executable, "-c", code, server.url, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        end = time.monotonic() + 30
        while not server.bodies and time.monotonic() < end:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=30)
        assert server.left.wait(5), "the server saw its client go"
    assert process.returncode == 130
    assert b"Traceback" not in errors
    assert json.loads(output)["partial"] is True


def test_the_bar_is_on_a_terminal_alone(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from truelimit.cli.bench_progress import told as telling

    with telling(quiet=False) as tell:
        tell("warm-up", 0.5, 3.0)
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with telling(quiet=False) as tell:
        tell("measure: 512 tokens", 0.5, 3.0)
        tell("measure: 512 tokens", 1.5, None)
    assert "measure: 512 tokens" in capsys.readouterr().err
    with telling(quiet=True) as tell:
        tell("x", 0.5, 3.0)
    assert capsys.readouterr().err == ""


def test_keys_come_from_the_environment_alone(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, data: Path
) -> None:
    monkeypatch.setenv("BENCH_KEY", "sk-very-secret-1")
    with fake_stream(key="sk-very-secret-1") as server:
        assert run([server.url]) == 2
        assert "--api-key-env" in capsys.readouterr().err
        assert run([server.url, "--api-key-env", "BENCH_KEY", "--json", "--repeats", "1"]) == 0
        assert "secret" not in "".join(capsys.readouterr())
        assert run([server.url, "--api-key-env", "sk-very-secret-1"]) == 2
        assert "secret" not in capsys.readouterr().err
        assert run([server.url, "--api-key-env", "NOT_SET_AT_ALL"]) == 2
        assert "NOT_SET_AT_ALL is not set" in capsys.readouterr().err
    assert "secret" not in (data / "measurements.jsonl").read_text(encoding="utf-8")


def test_errors_of_use(capsys: pytest.CaptureFixture[str], server: FakeStream) -> None:
    assert run([]) == 2
    assert "--import FILE" in capsys.readouterr().err
    assert run([server.url, "--depths", "40000"]) == 2
    assert "no depth fits a context of 32,768 tokens" in capsys.readouterr().err
    for wrong in (["--depths", "x"], ["--depths", "0"], ["--repeats", "-1"], ["--max-seconds", "nan"], ["--api", "x"]):
        with pytest.raises(SystemExit) as caught:
            run([server.url, *wrong])
        assert caught.value.code == 2
        assert "Traceback" not in capsys.readouterr().err


def test_a_model_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    with fake_ollama() as fake:
        assert run([fake.url, "--model", "smollm"]) == 2
    assert "there are: smollm2" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["json", "jsonl", "csv", "md"])
def test_llama_bench_is_imported_screened_and_kept_once(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], data: Path
) -> None:
    file = tmp_path / f"out.{form}"
    file.write_text(made.printed(form), encoding="utf-8")
    assert run(["--import", str(file), "--json"]) == 0
    found = told(capsys)
    assert found["new"] == 1
    (one,) = found["runs"]
    assert one["prefill"]["a"] == pytest.approx(made.A, rel=0.01)
    assert one["decode"]["c"] == pytest.approx(made.C, rel=0.01)
    assert run(["--import", str(file), "--json"]) == 0
    assert told(capsys)["new"] == 0
    assert [item.id for item in measurements(data)] == [one["id"]]


def test_an_impossible_rate_is_left_out_where_the_machine_is_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An RTX 4090 moves 1,008 GB/s: 4.68 GB of weights cannot be read 1,000 times a second."""
    rows = [*made.rows(), made.rows()[3] | {"samples_ns": [], "avg_ns": 32_000_000}]
    file = tmp_path / "out.json"
    file.write_text(made.printed("json", rows), encoding="utf-8")
    assert run(["--import", str(file), "--json"]) == 0
    (one,) = told(capsys)["runs"]
    assert len(one["points"]) == 18
    assert any("memory bandwidth over bytes read" in note for note in one["notes"])


def test_llama_benchy_is_imported_for_a_named_machine(capsys: pytest.CaptureFixture[str], data: Path) -> None:
    assert run(["--import", str(SAMPLES / "benchy-prefix.json"), "--machine", "dgx-spark"]) == 0
    text = capsys.readouterr().out
    assert "1 run read, 1 of them new" in text
    assert measurements(data)[0].machine.id == "dgx-spark"
    assert run(["--import", str(SAMPLES / "benchy-prefix.json"), "--machine", "no-such-machine"]) == 2


def test_a_file_without_rates_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "x.txt"
    file.write_text("hello", encoding="utf-8")
    assert run(["--import", str(file)]) == 2
    assert run(["--import", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err.count("\n") == 2


@pytest.mark.parametrize("words", [[], ["--dry-run"]])
def test_a_machine_that_is_not_known_is_refused_before_anything_runs(
    words: list[str], server: FakeStream, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([server.url, "--machine", "nosuch", *words]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert "machine 'nosuch' is not in the table" in output.err
