"""What may name a report: the name becomes a file's name and a parameter."""

from __future__ import annotations

import re

from pipeline.errors import BadInput, Problem

ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


def check_id(value: str, file: str) -> str:
    """`value` if it can name a report and a question. Raises `BadInput` otherwise."""
    if ID.fullmatch(value):
        return value
    fix = "use small letters, digits, '_' and '-'; start with a letter or digit; at most 64"
    raise BadInput(Problem(file, "is not a name", fix, value=value, allowed=ID.pattern))
