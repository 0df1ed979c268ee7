"""The table of measures, under the names of the field's software, and one door to all of them.

To add a measure: a function in the module of its subject and a row of MEASURES. The columns it needs are the names of
the function's arguments and its options the keyword-only ones, so nothing else has to be written down.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from pipeline.meta.arrays import InvalidInput, choose
from pipeline.meta.effect_sizes import (
    association,
    biserial,
    change,
    correlations,
    events,
    group_rates,
    latent,
    matched_pairs,
    means,
    proportions,
    rates,
    reliability,
    single_group,
    standardized,
    superiority,
    variability,
)
from pipeline.meta.effect_sizes.effect import EffectSize
from pipeline.meta.effect_sizes.readings import Columns, Turn, instead
from pipeline.meta.effect_sizes.two_by_two import TwoByTwo, from_cells, from_events

MEASURES: dict[str, Callable[..., EffectSize]] = {
    "MD": means.mean_difference,
    "ROM": means.ratio_of_means,
    "SMD": standardized.standardized_mean_difference,
    "SMDH": standardized.standardized_mean_difference_unequal_variances,
    "SMD1": standardized.glass_delta,
    "SMD1H": standardized.glass_delta_unequal_variances,
    "CLESN": superiority.common_language_effect,
    "VR": variability.variability_ratio,
    "CVR": variability.coefficient_of_variation_ratio,
    "RR": events.risk_ratio,
    "OR": events.odds_ratio,
    "RD": events.risk_difference,
    "AS": events.arcsine_difference,
    "PETO": events.peto_odds_ratio,
    "PBIT": latent.probit_difference,
    "OR2DN": latent.d_from_table_normal,
    "OR2DL": latent.d_from_table_logistic,
    "D2ORN": latent.log_odds_ratio_from_means_normal,
    "D2ORL": latent.log_odds_ratio_from_means_logistic,
    "IRR": rates.incidence_rate_ratio,
    "IRD": rates.incidence_rate_difference,
    "IRSD": rates.root_rate_difference,
    "PHI": association.phi_coefficient,
    "YUQ": association.yule_q,
    "YUY": association.yule_y,
    "RTET": association.tetrachoric_correlation,
    "ZPHI": association.fisher_z_phi,
    "ZTET": association.fisher_z_tetrachoric,
    "RPB": biserial.point_biserial_correlation,
    "RBIS": biserial.biserial_correlation,
    "ZPB": biserial.fisher_z_point_biserial,
    "ZBIS": biserial.fisher_z_biserial,
    "COR": correlations.correlation,
    "UCOR": correlations.unbiased_correlation,
    "ZCOR": correlations.fisher_z_correlation,
    "PCOR": correlations.partial_correlation,
    "ZPCOR": correlations.fisher_z_partial_correlation,
    "SPCOR": correlations.semipartial_correlation,
    "ZSPCOR": correlations.fisher_z_semipartial_correlation,
    "R2": correlations.r_squared,
    "ZR2": correlations.fisher_z_r_squared,
    "PR": proportions.proportion,
    "PLN": proportions.log_proportion,
    "PLO": proportions.logit_proportion,
    "PRZ": proportions.probit_proportion,
    "PAS": proportions.arcsine_proportion,
    "PFT": proportions.double_arcsine_proportion,
    "IR": group_rates.incidence_rate,
    "IRLN": group_rates.log_incidence_rate,
    "IRS": group_rates.root_incidence_rate,
    "IRFT": group_rates.freeman_tukey_rate,
    "MN": single_group.group_mean,
    "SMN": single_group.standardized_group_mean,
    "MNLN": single_group.log_group_mean,
    "SDLN": single_group.log_group_sd,
    "CVLN": single_group.log_group_cv,
    "MC": change.mean_change,
    "SMCC": change.change_score_standardized,
    "SMCR": change.raw_score_standardized,
    "SMCRH": change.raw_score_standardized_unequal_variances,
    "SMCRP": change.average_score_standardized,
    "SMCRPH": change.average_score_standardized_unequal_variances,
    "ROMC": change.change_ratio_of_means,
    "VRC": change.change_variability_ratio,
    "CVRC": change.change_coefficient_of_variation_ratio,
    "MPRD": matched_pairs.paired_risk_difference,
    "MPRR": matched_pairs.paired_risk_ratio,
    "MPOR": matched_pairs.paired_odds_ratio,
    "MPORM": matched_pairs.paired_odds_ratio_from_margins,
    "MPORC": matched_pairs.conditional_odds_ratio,
    "MPPETO": matched_pairs.conditional_peto_odds_ratio,
    "ARAW": reliability.alpha_raw,
    "AHW": reliability.alpha_hakstian_whalen,
    "ABT": reliability.alpha_bonett,
}

Reading = Callable[[Mapping[str, Any], Mapping[str, Any]], EffectSize]


def effect_size(measure: str, **data: Any) -> EffectSize:
    """Any measure from named columns.

    Parameters
    ----------
    measure : key of MEASURES
    **data : the columns (`columns(measure)` names them), arrays of one shape (..., k) or scalars, and the options of
        the measure's function (`vtype`, `correction`, `add`, `to`, ...). Columns of other measures may be among
        them and are not looked at.

    Raises
    ------
    InvalidInput
        A column is missing (the message names those that are needed), or a name belongs to no measure.

    >>> effect_size("SMD", m1i=12, sd1i=3, n1i=30, m2i=10, sd2i=4, n2i=40).yi.round(4).item()
    0.5482
    >>> effect_size("RR", ai=10, n1i=50, ci=20, n2i=50).yi.round(4).item()
    -0.6931
    """
    choose("measure", measure, MEASURES)
    options = {name: data[name] for name in _options(measure) & set(data)}
    unknown = sorted(set(data) - set(options) - _KNOWN)
    if unknown:
        raise InvalidInput(f"{', '.join(unknown)}: neither a column nor an option of {measure}; {_usage(measure)}")
    for names, read in _readings(measure).items():
        if set(names) <= set(data):
            return read({name: data[name] for name in names}, options)
    nearest = min(_readings(measure), key=lambda names: len(set(names) - set(data)))
    missing = ", ".join(name for name in nearest if name not in data)
    raise InvalidInput(f"{measure} lacks {missing}; {_usage(measure)}")


def columns(measure: str) -> list[Columns]:
    """The sets of columns from which a measure can be computed, the first one preferred.

    >>> columns("COR")
    [('ri', 'ni'), ('ti', 'ni'), ('pi', 'ni')]
    """
    choose("measure", measure, MEASURES)
    return list(_readings(measure))


def _arguments(function: Callable[..., EffectSize], kind: Any) -> Columns:
    return tuple(name for name, p in inspect.signature(function).parameters.items() if p.kind is kind)


def _options(measure: str) -> set[str]:
    return set(_arguments(MEASURES[measure], inspect.Parameter.KEYWORD_ONLY))


def _usage(measure: str) -> str:
    needs = " or ".join("(" + ", ".join(names) + ")" for names in _readings(measure))
    options = sorted(_options(measure))
    return f"it needs {needs}" + (f"; options: {', '.join(options)}" if options else "")


def _readings(measure: str) -> dict[Columns, Reading]:
    """How the measure is computed from each set of columns that will do."""
    function = MEASURES[measure]
    names = _arguments(function, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if names[0] in _TABLES:
        return {cells + names[1:]: _of_table(function, cells, build) for cells, build in _TABLES[names[0]].items()}
    out: dict[Columns, Reading] = {names: lambda data, options: function(**data, **options)}
    for given, (of, target, turn) in instead(measure).items():
        out[given] = _turned(of or function, target, turn)
    return out


_CELLS = ("ai", "bi", "ci", "di")
# the first argument of a measure of counts, and what makes it from columns
_TABLES: dict[str, dict[Columns, Callable[..., TwoByTwo]]] = {
    "table": {_CELLS: from_cells, ("ai", "n1i", "ci", "n2i"): from_events},
    "pairs": {_CELLS: matched_pairs.from_pairs},
}


def _of_table(function: Callable[..., EffectSize], cells: Columns, build: Callable[..., TwoByTwo]) -> Reading:
    def read(data: Mapping[str, Any], options: Mapping[str, Any]) -> EffectSize:
        table = build(*(data[name] for name in cells))
        return function(table, **{name: x for name, x in data.items() if name not in cells}, **options)

    return read


def _turned(function: Callable[..., EffectSize], target: Columns, turn: Turn) -> Reading:
    def read(data: Mapping[str, Any], options: Mapping[str, Any]) -> EffectSize:
        made = {name: x for name, x in data.items() if name in target} | turn(data)
        return function(**made, **options)

    return read


_KNOWN = {column for name in MEASURES for names in _readings(name) for column in names}
