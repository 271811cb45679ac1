"""Which files a tool call touches, whoever's agent made it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truelimit.adapters.work.tools import touched

PATCH = "*** Begin Patch\n*** Update File: a.py\n@@\n-x\n+y\n*** Add File: b/c.py\n+z\n*** Move to: d.py\n*** End Patch"


@pytest.mark.parametrize(
    ("name", "arguments", "read", "edited"),
    [
        ("Read", {"file_path": "a"}, ["a"], []),
        ("view", {"path": "a"}, ["a"], []),
        ("read_many_files", {"paths": ["a", "b"]}, ["a", "b"], []),
        ("read_files", {"files": [{"path": "a"}, {"path": "b"}]}, ["a", "b"], []),
        ("Edit", {"file_path": "a", "old_string": "x"}, [], ["a"]),
        ("MultiEdit", {"file_path": "a", "edits": []}, [], ["a"]),
        ("NotebookEdit", {"notebook_path": "a.ipynb"}, [], ["a.ipynb"]),
        ("write_to_file", {"path": "a"}, [], ["a"]),
        ("replace", '{"file_path": "a"}', [], ["a"]),
        ("mcp__files__edit_file", {"path": "a"}, [], ["a"]),
        ("str_replace_based_edit_tool", {"command": "view", "path": "a"}, ["a"], []),
        ("str_replace_based_edit_tool", {"command": "create", "path": "a"}, [], ["a"]),
        ("apply_patch", PATCH, [], ["a.py", "b/c.py", "d.py"]),
        ("apply_patch", {"input": PATCH}, [], ["a.py", "b/c.py", "d.py"]),
        ("patch", {"patchText": "--- a/x\n+++ b/x\n@@ -1 +1 @@\n"}, [], ["x"]),
        ("Grep", {"path": "src", "pattern": "x"}, [], []),
        ("glob", {"path": "src"}, [], []),
        ("Task", {"prompt": "x"}, [], []),
        ("Bash", {"command": "cat a.py b.py | head -50"}, ["a.py", "b.py"], []),
        ("bash", {"command": "cd src && tail -n 20 'my file.py'"}, ["my file.py"], []),
        ("shell", {"command": ["bash", "-lc", "sed -n '1,20p' a.py"]}, ["a.py"], []),
        ("shell", '{"command": ["cat", "a b.py"]}', ["a b.py"], []),
        ("exec_command", {"cmd": "sed -i 's/a/b/' a.py"}, [], ["a.py"]),
        ("run_shell_command", {"command": "echo x > out.txt; make 2>&1 | tee log.txt"}, [], ["out.txt", "log.txt"]),
        ("Bash", {"command": "cat <<'EOF' > new.py\ncat old.py\nEOF"}, [], ["new.py"]),
        ("Bash", {"command": "ls > /dev/null; cat *.py"}, [], []),
        ("shell", {"command": ["bash", "-lc", f"apply_patch <<'EOF'\n{PATCH}\nEOF"]}, [], ["a.py", "b/c.py", "d.py"]),
        ("Bash", {"command": "python script.py"}, [], []),
        ("Bash", {"command": "cat 'unclosed"}, ["'unclosed"], []),
        ("Edit", {}, [], []),
        ("", None, [], []),
    ],
)
def test_files_of_calls(name: str, arguments: object, read: list[str], edited: list[str]) -> None:
    found = touched(name, arguments)
    assert (list(found.read), list(found.edited)) == (read, edited)


@settings(deadline=None, max_examples=200)
@given(
    st.sampled_from(["Bash", "Edit", "Read", "apply_patch", "shell", "str_replace_editor"]),
    st.one_of(st.text(), st.dictionaries(st.sampled_from(["command", "path", "paths", "input"]), st.one_of(
        st.none(), st.text(), st.integers(), st.lists(st.one_of(st.text(), st.none())),
    ))),
)  # fmt: skip
def test_no_arguments_break_it(name: str, arguments: object) -> None:
    found = touched(name, arguments)
    assert all(isinstance(path, str) and path for path in (*found.read, *found.edited))
