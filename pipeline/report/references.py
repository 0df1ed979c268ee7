"""Sources of the methods, cited by key; a report lists those it cites."""

from __future__ import annotations

SOURCES: dict[str, str] = {
    "Hedges 1981": (
        "Hedges LV. Distribution theory for Glass's estimator of effect size and related "
        "estimators. J Educ Stat 1981;6:107\u2013128. doi:10.3102/10769986006002107"
    ),
    "Deeks 2002": (
        "Deeks JJ. Issues in the selection of a summary statistic for meta-analysis of clinical "
        "trials with binary outcomes. Stat Med 2002;21:1575\u20131600. doi:10.1002/sim.1188"
    ),
    "Viechtbauer 2005": (
        "Viechtbauer W. Bias and efficiency of meta-analytic variance estimators in the "
        "random-effects model. J Educ Behav Stat 2005;30:261\u2013293. "
        "doi:10.3102/10769986030003261"
    ),
    "Hartung and Knapp 2001": (
        "Hartung J, Knapp G. A refined method for the meta-analysis of controlled clinical "
        "trials with binary outcome. Stat Med 2001;20:3875\u20133889. doi:10.1002/sim.1009"
    ),
    "Sidik and Jonkman 2002": (
        "Sidik K, Jonkman JN. A simple confidence interval for meta-analysis. Stat Med "
        "2002;21:3153\u20133159. doi:10.1002/sim.1262"
    ),
    "IntHout 2014": (
        "IntHout J, Ioannidis JPA, Borm GF. The Hartung-Knapp-Sidik-Jonkman method for random "
        "effects meta-analysis is straightforward and considerably outperforms the standard "
        "DerSimonian-Laird method. BMC Med Res Methodol 2014;14:25. doi:10.1186/1471-2288-14-25"
    ),
    "R\u00f6ver 2015": (
        "R\u00f6ver C, Knapp G, Friede T. Hartung-Knapp-Sidik-Jonkman approach and its "
        "modification for random-effects meta-analysis with few studies. BMC Med Res Methodol "
        "2015;15:99. doi:10.1186/s12874-015-0091-1"
    ),
    "Higgins 2009": (
        "Higgins JPT, Thompson SG, Spiegelhalter DJ. A re-evaluation of random-effects "
        "meta-analysis. J R Stat Soc A 2009;172:137\u2013159. "
        "doi:10.1111/j.1467-985X.2008.00552.x"
    ),
    "Riley 2011": (
        "Riley RD, Higgins JPT, Deeks JJ. Interpretation of random effects meta-analyses. BMJ "
        "2011;342:d549. doi:10.1136/bmj.d549"
    ),
    "Partlett and Riley 2017": (
        "Partlett C, Riley RD. Random effects meta-analysis: coverage performance of 95% "
        "confidence and prediction intervals following REML estimation. Stat Med "
        "2017;36:301\u2013317. doi:10.1002/sim.7140"
    ),
    "Viechtbauer 2007": (
        "Viechtbauer W. Confidence intervals for the amount of heterogeneity in meta-analysis. "
        "Stat Med 2007;26:37\u201352. doi:10.1002/sim.2514"
    ),
    "Higgins and Thompson 2002": (
        "Higgins JPT, Thompson SG. Quantifying heterogeneity in a meta-analysis. Stat Med "
        "2002;21:1539\u20131558. doi:10.1002/sim.1186"
    ),
    "Egger 1997": (
        "Egger M, Davey Smith G, Schneider M, Minder C. Bias in meta-analysis detected by a "
        "simple, graphical test. BMJ 1997;315:629\u2013634. doi:10.1136/bmj.315.7109.629"
    ),
    "Pustejovsky and Rodgers 2019": (
        "Pustejovsky JE, Rodgers MA. Testing for funnel plot asymmetry of standardized mean "
        "differences. Res Synth Methods 2019;10:57\u201371. doi:10.1002/jrsm.1332"
    ),
    "Peters 2008": (
        "Peters JL, Sutton AJ, Jones DR, Abrams KR, Rushton L. Contour-enhanced meta-analysis "
        "funnel plots help distinguish publication bias from other causes of asymmetry. J Clin "
        "Epidemiol 2008;61:991\u2013996. doi:10.1016/j.jclinepi.2007.11.010"
    ),
    "Guyatt 2008": (
        "Guyatt GH, Oxman AD, Vist GE, et al. GRADE: an emerging consensus on rating quality of "
        "evidence and strength of recommendations. BMJ 2008;336:924\u2013926. "
        "doi:10.1136/bmj.39489.470347.AD"
    ),
    "Piaggio 2012": (
        "Piaggio G, Elbourne DR, Pocock SJ, Evans SJW, Altman DG. Reporting of noninferiority "
        "and equivalence randomized trials: extension of the CONSORT 2010 statement. JAMA "
        "2012;308:2594\u20132604. doi:10.1001/jama.2012.87802"
    ),
    "Pfeiffer 2011": (
        "Pfeiffer PN, Heisler M, Piette JD, Rogers MAM, Valenstein M. Efficacy of peer support "
        "interventions for depression: a meta-analysis. Gen Hosp Psychiatry 2011;33:29\u201336. "
        "doi:10.1016/j.genhosppsych.2010.10.002"
    ),
    "Pustejovsky and Tipton 2022": (
        "Pustejovsky JE, Tipton E. Meta-analysis with robust variance estimation: expanding the range of working "
        "models. Prev Sci 2022;23:425\u2013438. doi:10.1007/s11121-021-01246-3"
    ),
    "Bell and McCaffrey 2002": (
        "Bell RM, McCaffrey DF. Bias reduction in standard errors for linear regression with multi-stage samples. "
        "Surv Methodol 2002;28:169\u2013181"
    ),
    "Tipton 2015": (
        "Tipton E. Small sample adjustments for robust variance estimation with meta-regression. Psychol Methods "
        "2015;20:375\u2013393. doi:10.1037/met0000011"
    ),
    "Higgins and Thompson 2004": (
        "Higgins JPT, Thompson SG. Controlling the risk of spurious findings from meta-regression. Stat Med "
        "2004;23:1663\u20131682. doi:10.1002/sim.1752"
    ),
    "Viechtbauer and Cheung 2010": (
        "Viechtbauer W, Cheung MWL. Outlier and influence diagnostics for meta-analysis. Res Synth Methods "
        "2010;1:112\u2013125. doi:10.1002/jrsm.11"
    ),
    "Baujat 2002": (
        "Baujat B, Mah\u00e9 C, Pignon JP, Hill C. A graphical method for exploring heterogeneity in meta-analyses: "
        "application to a meta-analysis of 65 trials. Stat Med 2002;21:2641\u20132652. doi:10.1002/sim.1221"
    ),
    "Duval and Tweedie 2000": (
        "Duval S, Tweedie R. Trim and fill: a simple funnel-plot-based method of testing and adjusting for publication "
        "bias in meta-analysis. Biometrics 2000;56:455\u2013463. doi:10.1111/j.0006-341x.2000.00455.x"
    ),
    "Stanley and Doucouliagos 2014": (
        "Stanley TD, Doucouliagos H. Meta-regression approximations to reduce publication selection bias. Res Synth "
        "Methods 2014;5:60\u201378. doi:10.1002/jrsm.1095"
    ),
    "Vevea and Hedges 1995": (
        "Vevea JL, Hedges LV. A general linear model for estimating effect size in the presence of publication bias. "
        "Psychometrika 1995;60:419\u2013435. doi:10.1007/bf02294384"
    ),
    "R\u00fccker 2011": (
        "R\u00fccker G, Schwarzer G, Carpenter JR, Binder H, Schumacher M. Treatment-effect estimates adjusted for "
        "small-study effects via a limit meta-analysis. Biostatistics 2011;12:122\u2013142. "
        "doi:10.1093/biostatistics/kxq046"
    ),
}
