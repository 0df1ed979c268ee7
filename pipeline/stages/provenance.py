"""Stage `provenance`: what the reports stand on: data deliveries, code, lock file, package versions."""

from __future__ import annotations

import json

from pipeline import params, tables
from pipeline.provenance import provenance
from pipeline.stages.command import Paths, run

PUBLISHED = "published_reviews"


def main(at: Paths) -> None:
    """Hash the inputs, the code and the lock file."""
    deliveries = [at.raw / name for name in (*params.load(at.params)["sources"], PUBLISHED)]
    found = provenance(deliveries, at.code, at.lock)
    tables.write_text(at.out, json.dumps(found, indent=1, ensure_ascii=False, sort_keys=True) + "\n")


if __name__ == "__main__":
    run(main, paths=("raw", "lock", "params", "out"), many=("code",))
