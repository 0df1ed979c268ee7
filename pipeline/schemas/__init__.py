"""The schema of every table at a stage's edge: its columns and their meaning. `pipeline.tables` reads and writes."""

from __future__ import annotations

from pipeline.schemas.answers import EFFECTS, INFLUENCE, OVERVIEW, POOLED, PUBLISHED, STUDIES_USED, TESTS, TRANSLATED
from pipeline.schemas.columns import Table
from pipeline.schemas.evidence import ISSUES, LINKS, READING, REPORTED, STUDIES, STUDY_ARMS

TABLES: dict[str, Table] = {
    t.name: t
    for t in (
        STUDIES,
        STUDY_ARMS,
        REPORTED,
        READING,
        LINKS,
        ISSUES,
        EFFECTS,
        STUDIES_USED,
        POOLED,
        TESTS,
        INFLUENCE,
        TRANSLATED,
        PUBLISHED,
        OVERVIEW,
    )
}
