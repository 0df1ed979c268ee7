"""Words for codes, as `question.json` carries them from the codebook; a code without words is shown in plain
letters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_KINDS = {
    "role": "roles",
    "condition": "conditions",
    "instrument": "instruments",
    "modality": "modalities",
    "basis": "bases",
    "family": "families",
}


@dataclass(frozen=True, slots=True)
class Labels:
    """`words[kind][code]`, and the plotting marker of each role."""

    words: Mapping[str, Mapping[str, str]]
    markers: Mapping[str, str]

    @classmethod
    def of_question(cls, raw: Mapping[str, Any]) -> Labels:
        codes = raw.get("codes", {})
        return cls({kind: codes.get(name, {}) for kind, name in _KINDS.items()}, codes.get("markers", {}))

    def of(self, kind: str, code: str) -> str:
        """The label of a code; '' for ''."""
        return self.words.get(kind, {}).get(code) or code.replace("_", " ")

    def short(self, instrument: str) -> str:
        """An instrument's family, for a narrow column; else its code in capitals."""
        return self.words.get("family", {}).get(instrument) or instrument.upper().replace("_", "-")
