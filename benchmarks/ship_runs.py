"""Writes the rows of a collection of runs that may be shipped: ``python -m benchmarks.ship_runs FILE``.

A row may be shipped where its source is a file, at a commit, of a repository under MIT or Apache-2.0. Issues,
discussions and web pages belong to whoever wrote them: their rows are left out.
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks.runs import SHIPPED

LICENCES = {
    "1337hero/rx7900xtx-llama-bench-vulcan": "MIT",
    "AlexsJones/llmfit": "MIT",
    "antirez/ds4": "MIT",
    "geerlingguy/ai-benchmarks": "MIT",
    "ggml-org/llama.cpp": "MIT",
    "ikawrakow/ik_llama.cpp": "MIT",
    "itsmostafa/inference-speed-tests": "MIT",
    "lhl/strix-halo-testing": "Apache-2.0",
    "ml-explore/mlx-lm": "MIT",
    "sudoingX/qwen38-mtp": "Apache-2.0",
}
_AT_COMMIT = re.compile(r"@[0-9a-f]{7,40}\b")
_LEFT_OUT = {"read_gb_per_token", "roofline_tok_s", "efficiency"}


def licence_of(source: str) -> str | None:
    """Return the licence of a row's source, or None where it may not be shipped."""
    repository = source.split(" ", 1)[0]
    return LICENCES.get(repository) if _AT_COMMIT.search(source) else None


def run(arguments: Sequence[str] | None = None) -> int:
    """Write the rows; return 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--output", type=Path, default=SHIPPED)
    chosen = parser.parse_args(arguments)
    counts: Counter[str] = Counter()
    with chosen.data.open(encoding="utf-8", newline="") as read:
        rows = csv.DictReader(read)
        names = [name for name in rows.fieldnames or () if name not in _LEFT_OUT]
        with chosen.output.open("w", encoding="utf-8", newline="") as written:
            table = csv.DictWriter(written, [*names, "licence"], extrasaction="ignore", lineterminator="\n")
            table.writeheader()
            for row in rows:
                licence = licence_of(row["source"])
                if licence:
                    counts[f"{row['source'].split(' ', 1)[0]} ({licence})"] += 1
                    table.writerow({**row, "licence": licence})
    print("\n".join(f"{count:5d} {name}" for name, count in counts.most_common()))
    return 0


if __name__ == "__main__":
    sys.exit(run())
