"""The plan: what goes in, in which order, and why the rest stays out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from support.fix_world import CONFIG, ENTRY, MODEL, NEW_NAME, OLD_NAME, PRIMARY, URL, prospect, world
from truelimit.adapters.agents.openclaw_gate import OpenClawGate
from truelimit.adapters.store.config_editor import Json5Editor
from truelimit.domain.facts import Facts
from truelimit.domain.findings import (
    ABSENT,
    Applicability,
    ConfigEdit,
    DefinitionEdit,
    Edit,
    Finding,
    FixIdea,
    Severity,
)
from truelimit.fixes.change import FixPlan
from truelimit.fixes.outlook import Prospect
from truelimit.fixes.plan import plan

FILE = "openclaw.json"
WINDOW = (*ENTRY, "contextWindow")
SAFE, UNSAFE, MANUAL = Applicability.SAFE, Applicability.UNSAFE, Applicability.MANUAL


def _facts(tmp_path: Path, generation: str = "2026.2") -> Facts:
    facts = world(tmp_path).facts()
    agent = replace(facts.agents[0], config_files=(FILE,), generation=generation)
    return replace(facts, agents=(agent,))


def _edit(path: tuple[str | int, ...], expected: object, value: object) -> ConfigEdit:
    return ConfigEdit(FILE, path, expected, value, "test")


def _finding(
    code: str, *edits: Edit, safety: Applicability = SAFE, steps: tuple[str, ...] = (), title: str = ""
) -> Finding:
    fix = FixIdea(title or f"mend {code}", safety, edits, steps)
    return Finding(code, "a-name", Severity.FAILS, "message", MODEL, fix=fix)


def _plan(facts: Facts, *findings: Finding, text: str = CONFIG, **options: object) -> FixPlan:
    return plan(findings, facts, {FILE: text}, Json5Editor(), OpenClawGate(), **options)  # type: ignore[arg-type]


RAISE = _edit(WINDOW, 131072, 262144)
CREATE = DefinitionEdit(URL, NEW_NAME, OLD_NAME, {"num_ctx": 262144}, "test")


def test_a_plan_holds_definition_diff_and_what_it_resolves(tmp_path: Path) -> None:
    made = _plan(_facts(tmp_path), _finding("CTX001", CREATE, RAISE), _finding("CTX005", CREATE, RAISE))
    assert made.applicability is SAFE
    assert made.resolves == (("CTX001", MODEL), ("CTX005", MODEL))
    assert len(made.fixes) == 1
    assert [change.name for change in made.definitions] == [NEW_NAME]
    assert made.definitions[0].kept == f"{NEW_NAME} is new: undo deletes it; {OLD_NAME} is not touched"
    diff = made.files[0].diff
    assert '-      { id: "qwen3-coder-30b:v-128k", name: "Qwen3 Coder", contextWindow: 131072' in diff
    assert '+      { id: "qwen3-coder-30b:v-128k", name: "Qwen3 Coder", contextWindow: 262144' in diff
    assert made.failing_before == (("CTX001", MODEL), ("CTX005", MODEL))
    assert [(probe.model, probe.context) for probe in made.probes] == [(NEW_NAME, 262144)]


def test_the_diff_masks_secrets_and_the_plan_keeps_no_text(tmp_path: Path) -> None:
    text = CONFIG.replace("gateway", "contextTokens: 1, gateway")
    text = text.replace("\n  models: {", " models: {")
    made = _plan(
        _facts(tmp_path),
        _finding("CTX001", _edit(PRIMARY, MODEL, "ollama/x")),
        text=text.replace("\n", " ").replace("// my agent: do not touch", "").replace("// from the environment", ""),
    )
    assert "+" in made.files[0].diff
    assert "s3cret" not in repr(made)
    assert "${OLLAMA_API_KEY}" in made.files[0].diff


def test_two_values_for_one_key_are_both_refused_with_the_reason(tmp_path: Path) -> None:
    made = _plan(_facts(tmp_path), _finding("CTX001", RAISE), _finding("MEM001", _edit(WINDOW, 131072, 65536)))
    assert made.is_empty
    assert made.applicability is MANUAL
    assert len(made.refused) == 2
    assert "contextWindow = 262144 here" in made.refused[0].reason
    assert "contextWindow = 65536 there" in made.refused[0].reason


def test_an_entry_and_a_key_inside_it_conflict(tmp_path: Path) -> None:
    whole = _finding("CFG001", _edit(ENTRY, ABSENT, {"id": "x", "contextWindow": 5}))
    made = _plan(_facts(tmp_path), whole, _finding("CTX001", RAISE))
    assert {"hold one another" in item.reason for item in made.refused} == {True}


def test_two_definitions_of_one_name_conflict(tmp_path: Path) -> None:
    other = replace(CREATE, parameters={"num_ctx": 65536})
    made = _plan(_facts(tmp_path), _finding("CTX001", CREATE), _finding("MEM001", other))
    assert not made.definitions
    assert len(made.refused) == 2


@pytest.mark.parametrize(
    ("generation", "path", "written"),
    [
        ("2026.2", (*ENTRY, "contextTokens"), False),
        ("2026.9", (*ENTRY, "contextTokens"), True),
        ("2026.2", ("models", "providers", "ollama", "timeoutSeconds"), False),
        ("2026.9", ("models", "providers", "ollama", "timeoutSeconds"), True),
        ("2026.2", ("agents", "defaults", "timeoutSeconds"), True),
        ("2026.9", (*ENTRY, "params", "num_ctx"), True),
    ],
)
def test_a_key_that_the_version_does_not_know_is_never_written(
    tmp_path: Path, generation: str, path: tuple[str | int, ...], *, written: bool
) -> None:
    made = _plan(_facts(tmp_path, generation), _finding("TIM001", _edit(path, ABSENT, 900)))
    assert bool(made.files) is written
    if not written:
        assert "does not know the key" in made.refused[0].reason


def test_unknown_keys_inside_an_added_entry_are_found(tmp_path: Path) -> None:
    entry = {"id": "x", "name": "x", "contextTokens": 5}
    made = _plan(_facts(tmp_path), _finding("CTX001", _edit((*ENTRY[:-1], 1), ABSENT, entry)))
    assert "models[1].contextTokens" in made.refused[0].reason


def test_one_impossible_edit_refuses_its_whole_fix_and_no_other(tmp_path: Path) -> None:
    half = _finding("CTX001", RAISE, _edit(PRIMARY, "another/model", "x"))
    made = _plan(_facts(tmp_path), half, _finding("CTX006", _edit((*ENTRY, "maxTokens"), 8192, 4096)))
    assert [fix.resolves[0][0] for fix in made.fixes] == ["CTX006"]
    assert "contextWindow: 131072, maxTokens: 4096" in made.files[0].diff
    assert f"holds '{MODEL}', expected 'another/model'" in made.refused[0].reason


def test_definitions_are_refused_for_missing_bases_and_wrong_parameters(tmp_path: Path) -> None:
    cases = {
        "would start a download": replace(CREATE, base="qwen:typo"),
        "no parameter": replace(CREATE, parameters={"num_ctxx": 8192}),
        "must be a whole number": replace(CREATE, parameters={"num_ctx": "8192"}),  # type: ignore[dict-item]
        "too small": replace(CREATE, parameters={"num_ctx": 0}),
    }
    for text, edit in cases.items():
        made = _plan(_facts(tmp_path), _finding("CTX001", edit))
        assert text in made.refused[0].reason
        assert made.is_empty


def test_a_definition_made_from_another_of_the_plan_comes_after_it(tmp_path: Path) -> None:
    second = replace(CREATE, name="qwen:third", base=NEW_NAME)
    made = _plan(_facts(tmp_path), _finding("CTX001", second), _finding("CTX002", CREATE))
    assert [change.name for change in made.definitions] == [NEW_NAME, "qwen:third"]


def test_an_existing_definition_is_replaced_with_a_copy_kept(tmp_path: Path) -> None:
    made = _plan(_facts(tmp_path), _finding("CTX001", replace(CREATE, name=OLD_NAME)))
    assert made.definitions[0].replaces
    assert "copied under a backup name" in made.definitions[0].kept


def test_unsafe_fixes_are_held_until_allowed(tmp_path: Path) -> None:
    finding = _finding("CTX001", RAISE, safety=UNSAFE)
    held = _plan(_facts(tmp_path), finding)
    assert held.is_empty
    assert [fix.title for fix in held.held] == ["mend CTX001"]
    allowed = _plan(_facts(tmp_path), finding, allow_unsafe=True)
    assert allowed.applicability is UNSAFE
    assert allowed.files


def test_one_unsafe_idea_makes_the_common_fix_unsafe(tmp_path: Path) -> None:
    made = _plan(_facts(tmp_path), _finding("CTX001", RAISE), _finding("CTX005", RAISE, safety=UNSAFE))
    assert made.is_empty
    assert made.held[0].resolves == (("CTX001", MODEL), ("CTX005", MODEL))


def test_manual_fixes_become_steps_and_are_never_written(tmp_path: Path) -> None:
    made = _plan(
        _facts(tmp_path),
        _finding("SRV001", RAISE, safety=MANUAL, steps=("restart the server",)),
        _finding("TIM002", steps=("update OpenClaw",)),
        allow_unsafe=True,
    )
    assert made.is_empty
    assert [item.step for item in made.manual] == [
        "set models.providers.ollama.models[0].contextWindow in openclaw.json to 262144 (test)",
        "restart the server",
        "update OpenClaw",
    ]


def test_read_only_unread_and_foreign_files_are_refused(tmp_path: Path) -> None:
    facts = _facts(tmp_path)
    locked = replace(facts, agents=(replace(facts.agents[0], read_only="OPENCLAW_NIX_MODE is set"),))
    assert "OPENCLAW_NIX_MODE is set" in _plan(locked, _finding("CTX001", RAISE)).refused[0].reason
    foreign = replace(facts, agents=())
    assert "belongs to no agent" in _plan(foreign, _finding("CTX001", RAISE)).refused[0].reason
    unread = plan([_finding("CTX001", RAISE)], facts, {}, Json5Editor(), OpenClawGate())
    assert "could not be read" in unread.refused[0].reason
    broken = _plan(facts, _finding("CTX001", RAISE), text="{ models: [")
    assert "cannot be edited" in broken.refused[0].reason


def test_a_server_that_is_down_blocks_the_plan_but_shows_it(tmp_path: Path) -> None:
    facts = _facts(tmp_path)
    down = replace(facts, servers=(replace(facts.servers[0], live=False),))
    made = _plan(down, _finding("CTX001", CREATE, RAISE))
    assert made.definitions
    assert f"the server {URL} did not answer" in made.blocked[0]


def test_warnings_name_restart_launcher_pins_and_shared_files(tmp_path: Path) -> None:
    facts = _facts(tmp_path)
    made = _plan(facts, _finding("CTX001", CREATE, RAISE, _edit(PRIMARY, MODEL, f"ollama/{NEW_NAME}")))
    text = "\n".join(made.warnings)
    assert "restart the gateway" in text
    assert "ollama launch openclaw" in text
    assert f"session s1 pins the model {MODEL}" in text
    assert f"shares its model file with {OLD_NAME}" in text
    september = _plan(_facts(tmp_path, "2026.9"), _finding("CTX001", RAISE))
    assert "without a restart" in september.warnings[0]


def test_only_the_chosen_codes_are_planned(tmp_path: Path) -> None:
    findings = (_finding("CTX001", RAISE), _finding("CTX006", _edit((*ENTRY, "maxTokens"), 8192, 4096)))
    made = _plan(_facts(tmp_path), *findings, only={"CTX006"})
    assert made.resolves == (("CTX006", MODEL),)


def test_values_that_are_there_already_change_nothing(tmp_path: Path) -> None:
    made = _plan(_facts(tmp_path), _finding("CTX001", _edit(WINDOW, 65536, 131072)))
    assert made.is_empty
    assert not made.refused


def test_removals_come_last_and_from_the_back(tmp_path: Path) -> None:
    text = CONFIG.replace(
        "maxTokens: 8192, },", 'maxTokens: 8192, },\n      { id: "b", name: "b" },\n      { id: "c", name: "c" },'
    )
    models = ENTRY[:-1]
    edits = (
        _edit((*models, 1), {"id": "b", "name": "b"}, ABSENT),
        _edit((*models, 2), {"id": "c", "name": "c"}, ABSENT),
        RAISE,
    )
    made = _plan(_facts(tmp_path), _finding("CFG001", *edits), text=text)
    assert not made.refused
    assert made.files[0].diff.count("\n-      {") == 3


def test_prospects_become_outlooks_of_concerned_stacks_only(tmp_path: Path) -> None:
    other: Prospect = prospect(model="ollama/other")
    made = _plan(_facts(tmp_path), _finding("CTX001", RAISE), prospects=(prospect(), other))
    assert [item.model for item in made.outlooks] == [MODEL]
    assert made.outlooks[0].expectation.served_context == 262144


def _entry(name: str, window: int = 8192) -> ConfigEdit:
    return _edit((*ENTRY[:-1], 1), ABSENT, {"id": name, "name": name, "contextWindow": window})


def test_two_models_without_an_entry_are_added_one_behind_the_other(tmp_path: Path) -> None:
    one, two = _finding("CTX001", _entry("a")), _finding("CTX002", _entry("b"))
    made = _plan(_facts(tmp_path), one, two)
    assert made.refused == ()
    (change,) = made.files
    assert [edit.path[-1] for edit in change.edits] == [1, 2]
    added = [line for line in change.diff.splitlines() if line.startswith("+") and "id" in line]
    assert ['"a"' in line or "'a'" in line for line in added] == [True, False]
    assert len(added) == 2


def test_an_added_entry_that_cannot_be_made_takes_its_fix_alone_out(tmp_path: Path) -> None:
    wrong = _finding("CTX002", _entry("b"), _edit(WINDOW, 4096, 262_144))
    made = _plan(_facts(tmp_path), wrong, _finding("CTX001", _entry("a")), _finding("CTX003", _entry("c")))
    assert [item.fix.resolves[0][0] for item in made.refused] == ["CTX002"]
    assert [(edit.path[-1], edit.value["id"]) for edit in made.files[0].edits] == [(1, "a"), (2, "c")]  # type: ignore[index]


def test_one_entry_asked_for_twice_is_added_once_and_two_kinds_of_it_conflict(tmp_path: Path) -> None:
    twice = _finding("CTX002", _entry("a"), _edit((*ENTRY, "api"), ABSENT, "ollama"))
    made = _plan(_facts(tmp_path), _finding("CTX001", _entry("a")), twice)
    assert [edit.path[-1] for edit in made.files[0].edits] == [1, "api"]
    clashing = _plan(_facts(tmp_path), _finding("CTX001", _entry("a")), _finding("CTX002", _entry("a", 4096)))
    assert len(clashing.refused) == 2


def test_an_entry_in_the_way_refuses_all_that_would_be_added_there(tmp_path: Path) -> None:
    taken = _edit(ENTRY, ABSENT, {"id": "a", "name": "a"})
    other = _edit(ENTRY, ABSENT, {"id": "b", "name": "b"})
    made = _plan(_facts(tmp_path), _finding("CTX001", taken), _finding("CTX002", other))
    assert len(made.refused) == 2
    assert made.is_empty


def test_two_waits_at_one_key_agree_on_the_longer(tmp_path: Path) -> None:
    key = ("agents", "defaults", "timeoutSeconds")
    waits = [replace(_edit(key, ABSENT, value), at_least=True) for value in (900, 1800, 600)]
    made = _plan(_facts(tmp_path), *(_finding(f"TIM00{n}", edit) for n, edit in enumerate(waits)))
    assert made.refused == ()
    assert [edit.value for edit in made.files[0].edits] == [1800]
    assert len(made.fixes) == 3
