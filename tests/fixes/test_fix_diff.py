"""Diffs for people: secrets are masked, everything else is shown as it is."""

from __future__ import annotations

import pytest

from truelimit.fixes.diff import masked, unified_diff


@pytest.mark.parametrize(
    "line",
    [
        'apiKey: "sk-abcdefgh12345"',
        '"api_key": "plain"',
        "token: 's3cret \\' more'",
        '"X-Auth-Token":"abc"',
        'Authorization: "Bearer abcdef"',
        'headers: { "x": "Bearer s3cret" }',
        'baseUrl: "http://user:s3cret@host/v1"',
        'clientSecret = "abc"',
        'note: "sk-proj-abcdefgh12345"',
    ],
)
def test_secrets_are_hidden(line: str) -> None:
    shown = masked(line)
    assert "(hidden)" in shown
    for secret in ("sk-abc", "plain", "s3cret", '"abc"', "abcdef"):
        assert secret not in shown


@pytest.mark.parametrize(
    "line",
    [
        'apiKey: "${OPENAI_API_KEY}"',
        "contextTokens: 262144, maxTokens: 8192",
        'id: "qwen3-coder-30b:v-128k", name: "Qwen3 Coder"',
        'baseUrl: "http://127.0.0.1:11434/v1"',
        '// the key "point" is here',
    ],
)
def test_what_is_no_secret_stays(line: str) -> None:
    assert masked(line) == line


def test_a_diff_has_three_lines_of_context_and_masks_them() -> None:
    old = "\n".join([*"abc", 'token: "s3cret",', "x: 1,", *"def", "g"])
    diff = unified_diff("openclaw.json", old, old.replace("x: 1", "x: 2"))
    assert diff.splitlines() == [
        "--- openclaw.json (now)",
        "+++ openclaw.json (after)",
        "@@ -2,7 +2,7 @@",
        " b",
        " c",
        ' token: "(hidden)",',
        "-x: 1,",
        "+x: 2,",
        " d",
        " e",
        " f",
    ]
    assert unified_diff("f", old, old) == ""
