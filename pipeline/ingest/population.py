"""The Metapsy standard's codes for people and places, in words (docs.metapsy.org)."""

from __future__ import annotations

import re

PEOPLE = {
    "adul": "adults",
    "yadul": "young adults",
    "old": "older adults",
    "older adult": "older adults",
    "stud": "students",
    "stu": "students",
    "ppd": "women with perinatal depression",
    "med": "people with another medical condition",
    "oth": "other groups",
    "other": "other groups",
}
DIAGNOSES = {
    "mdd": "major depression",
    "mood": "a mood disorder",
    "cut": "a score above a cut-off",
    "sub": "subclinical depression",
    "chr": "chronic depression",
}
COUNTRIES = {
    "us": "USA",
    "uk": "UK",
    "eu": "Europe",
    "can": "Canada",
    "au": "Australia",
    "eas": "East Asia",
    "oth": "other country",
}


def population_words(people: str, diagnosis: str) -> str:
    """'older adults, a score above a cut-off'; a code without words stays as it came."""
    return ", ".join(w for w in (PEOPLE.get(people, people), DIAGNOSES.get(diagnosis, diagnosis)) if w)


def coded_population(text: str) -> str:
    """The same for a cell like 'target_group=old; diagnosis=cut'; any other text is returned as it is."""
    found = dict(re.findall(r"(\w+)=([^;]*)", text))
    if "target_group" not in found:
        return text
    return population_words(found["target_group"].strip(), found.get("diagnosis", "").strip())
