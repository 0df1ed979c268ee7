"""Design matrices: R's columns in R's order, and honest errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.meta.arrays import InvalidInput
from pipeline.meta.moderators import design as module
from pipeline.meta.moderators.design import design, new_rows
from pipeline.meta.moderators.formula import parse, value

R = json.loads((Path(__file__).parents[2] / "golden" / "metafor_3_8" / "model_matrix.json").read_text())


@pytest.mark.parametrize("gold", R["designs"], ids=lambda g: g["formula"])
def test_columns_are_those_of_r(gold: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_independent", lambda made, *_: made)  # R keeps redundant columns at this stage
    made = design(gold["formula"], R["moderators"])
    assert list(made.names) == gold["names"]
    np.testing.assert_allclose(made.x, np.array(gold["x"]).reshape(made.x.shape), rtol=1e-14)
    first = 0 if made.terms[0] == "intrcpt" else 1
    assert [t + first for t in made.term_of] == gold["assign"]


class TestGrammar:
    @pytest.mark.parametrize(
        ("formula", "terms"),
        [
            ("~ a*b*c", ["a", "b", "c", "a:b", "a:c", "b:c", "a:b:c"]),
            ("(a + b)^2", ["a", "b", "a:b"]),
            ("~ a*b - a", ["b", "a:b"]),
            ("~ b:a + a", ["a", "b:a"]),
            ("~ a:a + a", ["a"]),
            ("~ I( x^2 )+sqrt(x+1)", ["I(x^2)", "sqrt(x + 1)"]),
            ("~", []),
        ],
    )
    def test_terms(self, formula: str, terms: list[str]) -> None:
        assert [":".join(t) for t in parse(formula).terms] == terms

    @pytest.mark.parametrize(
        ("formula", "has"),
        [("~ x", True), ("~ x - 1", False), ("~ 0 + x", False), ("~ x + 0", False), ("~ -1 + x", False),
         ("~ x - 1 + 1", True), ("~ 1 + x", True), ("~ x - 0", True)],
    )  # fmt: skip
    def test_intercept(self, formula: str, has: bool) -> None:
        assert parse(formula).intercept is has

    @pytest.mark.parametrize(
        "formula", ["~ a +", "~ a * * b", "~ (a", "~ a)", "~ a %in% b", "~ 2 * a", "~ a b", "~ a^b"]
    )
    def test_what_is_not_understood(self, formula: str) -> None:
        with pytest.raises(InvalidInput, match="not understood"):
            parse(formula)

    def test_unknown_function(self) -> None:
        with pytest.raises(InvalidInput, match="'poly' is not known; choose from I, sqrt"):
            parse("~ poly(x, 2)")

    def test_arithmetic(self) -> None:
        x = {"x": np.array([2.0, 3.0])}
        assert value("I(-x^2 + 2 * (x - 1) / 4)", x).tolist() == [-3.5, -8.0]
        assert value("I(2^-x)", x).tolist() == [0.25, 0.125]


class TestErrors:
    @pytest.mark.parametrize("missing", [None, float("nan"), ""])
    def test_missing_value_names_the_row(self, missing: object) -> None:
        with pytest.raises(InvalidInput, match=r"kind\[2\] is missing.*mask"):
            design("~ kind", {"kind": ["a", "b", missing, "a"]})
        with pytest.raises(InvalidInput, match=r"x\[1\] is missing"):
            design("~ x", {"x": [1.0, missing if missing != "" else None, 3.0]})

    def test_mask_leaves_a_study_out(self) -> None:
        made = design("~ kind + x", {"kind": ["a", None, "b", "a"], "x": [1, 2, 3, 5]}, mask=[True, False, True, True])
        assert made.x.tolist() == [[1, 0, 1], [0, 0, 0], [1, 1, 3], [1, 0, 5]]

    def test_mask_decides_on_levels(self) -> None:
        with pytest.raises(InvalidInput, match="'kind' has one level only"):
            design("~ kind", {"kind": ["a", "a", "b"]}, mask=[True, True, False])

    def test_mask_of_another_length(self) -> None:
        with pytest.raises(InvalidInput, match="one value per study"):
            design("~ x", {"x": [1, 2, 3]}, mask=[True])

    def test_one_level(self) -> None:
        with pytest.raises(InvalidInput, match="one level only"):
            design("~ kind", {"kind": ["a", "a"]})
        assert design("~ 0 + kind", {"kind": ["a", "a"]}).names == ("kinda",)

    def test_collinear_columns_are_named(self) -> None:
        with pytest.raises(InvalidInput, match="'weeks' is a combination of intrcpt, days"):
            design("~ days + weeks", {"days": [7, 14, 28, 35], "weeks": [1.5, 2.5, 4.5, 5.5]})
        with pytest.raises(InvalidInput, match="'x' is a combination of intrcpt"):
            design("~ x", {"x": [3, 3, 3]})

    def test_empty_cell(self) -> None:
        moderators = {"a": ["u", "u", "v", "v", "u"], "b": ["p", "q", "p", "p", "q"]}
        with pytest.raises(InvalidInput, match="'av:bq' is zero in every study"):
            design("~ a*b", moderators)
        assert design("~ a*b", moderators, drop_redundant=True).dropped == ("av:bq",)

    def test_lengths_differ(self) -> None:
        with pytest.raises(InvalidInput, match="differ in length: a 2, b 3"):
            design("~ a + b", {"a": [1, 2], "b": [1, 2, 3]})

    def test_text_in_arithmetic(self) -> None:
        with pytest.raises(InvalidInput, match="'kind' is text"):
            design("~ sqrt(kind)", {"kind": ["a", "b"]})

    def test_outside_the_range_of_a_function(self) -> None:
        with pytest.raises(InvalidInput, match=r"log\(x\) is not a finite number in row 1 \(x 0\)"):
            design("~ log(x)", {"x": [1, 0, 3]})

    def test_nothing(self) -> None:
        with pytest.raises(InvalidInput, match="no term and no intercept"):
            design("~ 0", {"x": [1, 2]})


class TestTerms:
    def test_columns_of(self) -> None:
        made = design("~ kind*x", {"kind": ["a", "b", "c", "a", "b", "c"], "x": [1, 2, 3, 5, 7, 4]})
        assert made.terms == ("intrcpt", "kind", "x", "kind:x")
        assert [made.columns_of(t) for t in made.terms] == [(0,), (1, 2), (3,), (4, 5)]
        with pytest.raises(InvalidInput, match="choose from intrcpt, kind"):
            made.columns_of("king")

    def test_levels(self) -> None:
        moderators = {"kind": ["b", "A", "a", "b"], "n": [10, 9, 9, 2], "yes": [True, False, True, True]}
        made = design("~ kind + factor(n) + yes", moderators, drop_redundant=True)
        assert made.levels == {"kind": ("a", "A", "b"), "factor(n)": ("2", "9", "10"), "yes": ("FALSE", "TRUE")}

    def test_spaces_in_a_name(self) -> None:
        made = design("~ `time since` + `role of peer`", {"time since": [1, 2, 4], "role of peer": ["a", "b", "a"]})
        assert made.names == ("intrcpt", "`time since`", "`role of peer`b")
        assert made.x[:, 1:].tolist() == [[1, 0], [2, 1], [4, 0]]


def test_new_rows_are_coded_as_the_design_was() -> None:
    moderators = {"kind": ["a", "b", "c", "a", "b", "c"], "x": [1.0, 2, 3, 5, 7, 4]}
    made = design("~ kind*I(x^2)", moderators)
    rows = [3, 1, 5]
    again = new_rows(made, {name: [values[i] for i in rows] for name, values in moderators.items()})
    assert np.array_equal(again, made.x[rows])
    assert new_rows(made, {"kind": ["c"], "x": [2.0]}).tolist() == [[1, 0, 1, 4, 0, 4]]
    with pytest.raises(InvalidInput, match="'d' is not a level; choose from a, b, c"):
        new_rows(made, {"kind": ["d"], "x": [2.0]})


def test_wrong_objects() -> None:
    made = design("~ x", {"x": [1, 2]})
    for formula, moderators, message in (
        (None, {"x": [1, 2]}, "formula must be a str"),
        ("~ x", {"x": 1}, "moderator 'x' must hold one value per study"),
        ("~ x", {"x": "ab"}, "moderator 'x' must hold one value per study"),
        ("~ x", None, "moderators must be a Mapping"),
        ("~ x", [1, 2], "moderators must be a Mapping"),
    ):
        with pytest.raises(InvalidInput, match=message):
            design(formula, moderators)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="made must be a Design"):
        new_rows(None, {"x": [1]})  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="moderators must be a Mapping"):
        new_rows(made, [1])  # type: ignore[arg-type]


def test_moderators_of_two_axes_and_variables_that_are_none() -> None:
    with pytest.raises(InvalidInput, match="'x' must hold one value per study"):
        design("~ x", {"x": np.ones((2, 2))})  # type: ignore[dict-item]
    with pytest.raises(InvalidInput, match="variable must be a str"):
        value(5, {})  # type: ignore[arg-type]
