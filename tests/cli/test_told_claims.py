"""The verbs audit and cloud are told in a language of circled letters: what is still English is data."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest

from support.pseudo import PSEUDO, untold
from truelimit.cli import main as command
from truelimit.domain.claims import Quantity, Verdict
from truelimit.report import language as languages
from truelimit.report.audit_document import WORDS

Run = Callable[..., str]
SOURCES = {  # titles of sources and of tables, words of the claims themselves
    "and pull request", "as announced", "as catalogued by ggufit", "as quoted with", "as reported in", "as tested",
    "at launch", "bit x", "context and heads of meta", "copy in", "copy in ai", "copy in aiconfigurator", "cores x",
    "data sheet", "documentation and launch pages", "estimated for", "file size of its", "half of", "header of",
    "launch price", "model card and", "of meta", "of transformers", "parameter count as llama", "prints it for its",
    "public file dated", "real engine loads this shape", "rounds to", "runs at the same", "table of machines",
    "which is with", "whose defaults are its sizes", "wrong by",
}  # fmt: skip


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    real = languages.language
    monkeypatch.setattr(languages, "language", lambda tag: PSEUDO if tag == "de" else real(tag))

    def run(*argv: str) -> str:
        with suppress(SystemExit):
            command.main([*argv, "--lang", "de", "--width", "400"])
        seen = capsys.readouterr()
        return seen.out + seen.err

    return run


def test_every_verdict_and_quantity_is_a_word_of_the_catalogues() -> None:
    assert set(WORDS) == {item.value for kind in (Verdict, Quantity) for item in kind}


@pytest.mark.parametrize(
    "claim",
    [
        "DGX Spark: 25-50 tok/s on 70B",
        "Two DGX Spark run 405B",
        "DGX Spark costs $3,000",
        "M3 Ultra 512 GB: $4,000",
        "MI300X: 5.3 TB/s, 192 GB",
        "DGX Spark: 1 PFLOP FP4",
        "30B: 15-20 tok/s, Strix Halo",
        "70B F16: 10 tok/s, RTX 4090",
        "8B Q4: prefill 5000 tok/s, RTX 4090",
        "405B Q4 = 230 GB",
        "405B Q4 = 100 GB",
        "Qwen3-Coder-30B-A3B: 300 tok/s, M2 Ultra",
        "Qwen3-Coder-30B-A3B: KV 12 GiB, context 262,144",
        "70B Q4: -5 tok/s, dgx-spark",
        "RTX 4090: 1.3 PB/s, 24 GB",
        "Gemini 2.5 Pro: $2/M output",
        "Gemini 2.5 Pro: 1M context",
    ],
)
def test_a_verdict_is_told_but_for_sources_and_the_claim(claim: str, told: Run) -> None:
    lines = [
        line for line in told("audit", claim).splitlines() if line != claim and not line.lstrip().startswith("- ⓢⓞⓤⓡⓒⓔ")
    ]
    assert set(untold("\n".join(lines))) <= SOURCES


def test_the_numbers_of_a_verdict_are_written_as_the_language_does(told: Run) -> None:
    text = told("audit", "70B Q4: 25 tok/s, dgx-spark")
    assert "273 ⒼⒷ/ⓢ ⓞⓥⓔⓡ 42,5 ⒼⒷ" in text
    assert "3,9" in text
    assert "6.4" not in text.replace("6.422", "")


@pytest.mark.parametrize(
    "argv",
    [
        ("cloud", "list"),
        ("cloud", "show", "kimi-k3", "--input", "1000", "--output", "10"),
        ("cloud", "show", "gemini-2.5-por"),
        ("cloud", "show", "kimi-k3", "--input", "5", "--cached", "9"),
        ("audit", "--only", "impossible-as-stated", "70B at 5 tok/s, 273 GB/s"),
    ],
)
def test_the_cloud_is_told(argv: tuple[str, ...], told: Run) -> None:
    pytest.importorskip("genai_prices")
    assert set(untold(told(*argv, "--on", "2026-11-25") if argv[0] == "cloud" else told(*argv))) <= SOURCES


def test_a_file_that_is_not_there_is_told(told: Run) -> None:
    assert untold(told("audit", "--file", "none.toml").replace("No such file or directory", "")) == []
