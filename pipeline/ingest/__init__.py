"""Readers: one delivery format each, all ending in the same tidy tables.

A reader takes the raw file, the codebook and the name of the delivery, and returns a `Tidy`. To add a format: one
module with a reader, one row here, one `reader:` in params.yaml.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pipeline.codebook import Codebook
from pipeline.ingest.metapsy import read_metapsy
from pipeline.ingest.tidy import Tidy
from pipeline.ingest.trial_table import read_trial_table

READERS: dict[str, Callable[[Path, Codebook, str], Tidy]] = {
    "trial_table": read_trial_table,
    "metapsy": read_metapsy,
}
