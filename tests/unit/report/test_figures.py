"""Figures: the printed size of their text, their axes, their parts, and the same bytes twice."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from matplotlib.text import Text

from pipeline.report import load
from pipeline.report.figures import canvas
from pipeline.report.figures.forest import ROWS_PER_PART, forest, study_rows
from pipeline.report.figures.funnel import funnel
from pipeline.report.figures.leave_one_out import leave_one_out_figure
from pipeline.report.figures.overview import directions, draw_overview, panels
from pipeline.report.figures.scale import scale

PAGE_HEIGHT = (297 - 25 - 22) / 25.4


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[canvas.Canvas]:
    """Every canvas that a test draws on."""
    seen: list[canvas.Canvas] = []
    svg = canvas.Canvas.svg
    monkeypatch.setattr(canvas.Canvas, "svg", lambda self: (seen.append(self), svg(self))[1])
    return seen


def draw_all(results: Path) -> list[bytes]:
    every = [load(results, key) for key in ("k1", "k2", "k4", "k12", "k40")]
    shown = panels(every)
    made = [part for e in every for part in forest(e)]
    return [*made, funnel(every[3]), leave_one_out_figure(every[2]), draw_overview(shown)]


def test_text_prints_at_nine_points_inside_a_figure_as_wide_as_the_text(
    results: Path, drawn: list[canvas.Canvas]
) -> None:
    svgs = draw_all(results)
    assert len(svgs) == len(drawn) > 6
    for c, svg in zip(drawn, svgs, strict=True):
        assert min(t.get_fontsize() for t in c.axes.texts) >= 9
        width, height = re.search(rb'width="([\d.]+)pt" height="([\d.]+)pt"', svg).groups()
        assert float(width) / 72 == pytest.approx(canvas.WIDTH, abs=0.01)
        assert float(height) / 72 < PAGE_HEIGHT


def test_no_text_is_clipped_by_the_edge(results: Path, drawn: list[canvas.Canvas]) -> None:
    draw_all(results)
    for c in drawn:
        renderer = c.figure.canvas.get_renderer() if hasattr(c.figure.canvas, "get_renderer") else None
        for text in c.axes.texts:
            box = Text.get_window_extent(text, renderer)
            assert box.x0 >= -1.5, text.get_text()
            assert box.x1 <= canvas.WIDTH * c.figure.dpi + 1.5, text.get_text()


def test_the_same_evidence_gives_the_same_bytes(results: Path) -> None:
    assert draw_all(results) == draw_all(results)


def test_the_overview_names_a_comparator_only_where_all_rows_share_it(results: Path) -> None:
    one = load(results, "k4")
    other = dataclasses.replace(
        one, question=dataclasses.replace(one.question, comparator="waitlist", comparator_label="Waiting list")
    )
    assert directions(panels([one, one])[0]) == ("favours peer support", "favours usual care")
    assert directions(panels([one, other])[0]) == ("favours peer support", "favours comparator")


def test_a_long_name_is_shortened_by_its_bracket_and_then_by_whole_words() -> None:
    name = "Cochrane CD010880 review trial (single trial, not named in excerpt)"
    assert canvas.fit(name, 2.0) == "Cochrane CD010880 review trial\u2026"
    assert canvas.fit(name, 1.3) == "Cochrane CD010880\u2026"
    assert canvas.fit("short", 2.0) == "short"


def test_many_trials_are_split_into_even_parts(results: Path) -> None:
    e = load(results, "k40")
    assert len(forest(e)) == -(-40 // ROWS_PER_PART) == 2


def test_no_trial_no_plot(results: Path) -> None:
    assert forest(load(results, "k0")) == []


def test_a_funnel_needs_ten_trials(results: Path) -> None:
    assert funnel(load(results, "k4")) is None
    assert funnel(load(results, "k12")) is not None


def test_roles_are_told_apart_only_where_there_are_several(results: Path) -> None:
    e = load(results, "k12")
    assert {r.role for r in study_rows(e)} == {"peer", "peer_professional"}
    one = dataclasses.replace(e, studies=e.studies.assign(role_1="peer"))
    assert {r.role for r in study_rows(one)} == {""}


def test_every_effect_of_a_plot_has_the_same_decimals(results: Path) -> None:
    texts = " ".join(r.effect for r in study_rows(load(results, "k12")))
    assert {len(x) for x in re.findall(r"\.(\d+)", texts)} == {2}


def test_an_axis_holds_every_point_and_clips_only_far_limits() -> None:
    s = scale([-0.3, 0.2], [-0.5, 0.4, 40.0], False, 0.0, 1.0)
    assert s.lo <= -0.5 < 0.4 <= s.hi < 40
    assert s.above(40.0)
    assert s.x(40.0) == s.x1


def test_a_ratio_axis_is_logarithmic_and_centred_on_its_ticks() -> None:
    s = scale([0.5, 2.0], [0.25, 4.0], True, 0.0, 1.0)
    assert s.x(0.5) + s.x(2.0) == pytest.approx(2 * s.x(1.0))
    assert {0.5, 1.0, 2.0} <= set(s.ticks)
