"""The gold cases are also run from the command line, as `tests.golden.adapter`: let pytest find them by that name."""

import sys
from pathlib import Path

ROOT = str(Path(__file__).parents[2])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)
