"""params.yaml: a wrong key, type or value is refused by name, never passed over."""

from pathlib import Path

import pytest
import yaml
from made import ROOT

from pipeline import params
from pipeline.analysis.computed import EffectParams
from pipeline.analysis.questions import Question, check_question
from pipeline.analysis.synthesis import SynthesisParams
from pipeline.checks import CheckParams


class Inner(params.Section):
    low: int


class Made(params.Section):
    name: str
    size: float = 1
    inner: Inner | None = None


@pytest.fixture
def load(tmp_path):
    def of(text: str | bytes):
        path = tmp_path / "params.yaml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return params.section(path, "made", Made)

    return of


def test_a_good_section(load):
    section = load("made: {name: x, size: 2, inner: {low: 1}}")
    assert (section.name, section.size, section.inner.low) == ("x", 2.0, 1)
    with pytest.raises(ValueError, match="frozen"):
        section.name = "y"


@pytest.mark.parametrize(
    ("text", "says", "fix"),
    [
        ("made: {nam: x, name: y}", "'made.nam' is not a known key", "'name'"),
        ("made: {size: 1}", "'made.name' is missing", "params.yaml"),
        ("made: {name: x, size: big}", "'made.size'", "params.yaml"),
        ("made: {name: [x]}", "'made.name'", "params.yaml"),
        ("made: {name: x, inner: {lo: 1, low: 2}}", "'made.inner.lo' is not a known key", ""),
        ("made: 5", "'made'", "params.yaml"),
        ("mode: {name: x}", "section 'made' is missing", "'mode'"),
        ("made: {name: x}\nmade: {name: y}", "the key 'made' stands twice", "line"),
        ("made:\n  name: x\n  name: y", "the key 'name' stands twice", "line"),
        ("made: {name: x", "is not valid YAML", ""),
        ("made: {name: 'x\x07'}", "is not valid YAML", ""),
        ("{0}: {name: x}", "cannot be a key", ""),
        ("[a]: {name: x}", "cannot be a key", ""),
        ("made: !!python/object/apply:os.system [ls]", "is not valid YAML", ""),
        ("- a", "holds no sections", "version control"),
        ("", "holds no sections", "version control"),
        (b"made: {name: \xe9}", "is not UTF-8", "UTF-8"),
    ],
)
def test_what_is_refused_and_how_to_mend_it(load, refused, text, says, fix):
    problem = refused(load, text)
    assert problem.file == "params.yaml"
    assert says in problem.problem
    assert fix in problem.fix


def test_the_line_of_a_key_that_stands_twice(load, refused):
    assert refused(load, "a: 1\nmade:\n  name: x\n  size: 1\n  name: y\n").row in (3, 5)


def test_every_wrong_key_is_named_at_once(load):
    with pytest.raises(ValueError, match=r"(?s)made\.name.*made\.size.*made\.zzz"):
        load("made: {name: [1], size: big, zzz: 1}")


@pytest.mark.parametrize("text", ["made: {}", "made: []", "made:", "other: {a: 1}"])
def test_rows_of_a_section_are_wanted(tmp_path, refused, text):
    (tmp_path / "params.yaml").write_text(text)
    assert "missing or empty" in refused(params.sections, tmp_path / "params.yaml", "made", Made).problem


WHOLE = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
SYNTHESIS, EFFECTS = WHOLE["synthesis"], WHOLE["effects"]


@pytest.mark.parametrize(
    ("model", "content", "place"),
    [
        (SynthesisParams, SYNTHESIS | {"tau2": "REMML"}, "synthesis.tau2"),
        (SynthesisParams, SYNTHESIS | {"interval": "hksj"}, "synthesis.interval"),
        (SynthesisParams, SYNTHESIS | {"prediction": "t"}, "synthesis.prediction"),
        (SynthesisParams, SYNTHESIS | {"level": 90}, "synthesis.level"),
        (SynthesisParams, SYNTHESIS | {"technical_prediction_from_k": 1}, "synthesis.technical_prediction_from_k"),
        (SynthesisParams, SYNTHESIS | {"small_study": {"min_k": 2}}, "synthesis.small_study.min_k"),
        (SynthesisParams, SYNTHESIS | {"subgroups": {"min_k": 10, "min_per_level": 0}}, "subgroups.min_per_level"),
        (EffectParams, EFFECTS | {"zero_cell_add": -1}, "zero_cell_add"),
        (EffectParams, EFFECTS | {"zero_cell_add": float("nan")}, "zero_cell_add"),
        (EffectParams, EFFECTS | {"smd_vtype": "XX"}, "smd_vtype"),
    ],
)
def test_a_choice_that_no_method_stands_behind_is_refused(refused, model, content, place):
    assert place in refused(params.parse, "params.yaml", "synthesis", content, model).problem


WINDOWS = [[10, 5], [5, 5], [-1, 5], [0], [0, float("nan")]]


@pytest.mark.parametrize("window", WINDOWS)
def test_a_window_has_two_ends_in_order(refused, window):
    content = WHOLE["questions"]["depression_usual_care"] | {"window_weeks": window}
    assert "window_weeks" in refused(params.parse, "params.yaml", "q", content, Question).problem


def test_the_projects_own_params_are_good(book):
    path = Path(ROOT / "params.yaml")
    params.section(path, "synthesis", SynthesisParams)
    params.section(path, "effects", EffectParams)
    params.section(path, "checks", CheckParams)
    for key, question in params.sections(path, "questions", Question).items():
        check_question(path.name, key, question, book)
        assert question.window_weeks[0] <= question.target_weeks <= question.window_weeks[1]
