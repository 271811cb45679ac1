"""Rules of privacy: patterns of folders, from a file and from options."""

from __future__ import annotations

from pathlib import Path

import pytest

from truelimit.adapters.work.privacy import PrivacyRuleError, rules


def test_a_pattern_holds_for_the_folder_and_all_below(tmp_path: Path) -> None:
    file = tmp_path / "work.toml"
    file.write_text('private = ["~/clients"]\npublic = ["~/*"]\n', encoding="utf-8")
    held = rules(file, Path("/home/me"), private=["/secret/?"])
    judged = {path: held.judge(path) for path in ("/home/me/clients", "/home/me/clients/a/b", "/home/me/x", "/opt")}
    assert list(judged.values()) == [True, True, False, None]
    assert held.judge("/secret/1/deep") is True
    assert held.judge("C:\\work\\x") is None
    assert held.judge(None) is None
    assert held.mark != rules(tmp_path / "none.toml", Path("/home/me")).mark


def test_patterns_that_matched_no_folder_are_told_apart(tmp_path: Path) -> None:
    held = rules(tmp_path / "none.toml", Path("/home/me"), private=["~/clients"], public=["~/*", "~/typo"])
    held.judge("/home/me/clients/a")
    assert held.idle == ("/home/me/typo",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("private = 3", "private must be a list of patterns"),
        ("secret = []", "unknown key 'secret'"),
        ("private = [", "cannot be read as TOML"),
    ],
)
def test_a_file_of_another_form_is_said(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "work.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(PrivacyRuleError, match=words):
        rules(file, tmp_path)
