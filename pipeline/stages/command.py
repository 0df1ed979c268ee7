"""What every stage's command line shares: its arguments, and bad input told in words instead of a traceback."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from pipeline.errors import BadInput

Paths = argparse.Namespace


def run(
    main: Callable[[Paths], None], paths: Sequence[str], words: Sequence[str] = (), many: Sequence[str] = ()
) -> None:
    """Run a stage.

    Parameters
    ----------
    main : the stage; receives the arguments as attributes
    paths, words, many : names of required `--name` options holding one path, one word, one or more paths
    """
    parser = argparse.ArgumentParser(description=main.__doc__)
    for name in paths:
        parser.add_argument(f"--{name}", type=Path, required=True)
    for name in words:
        parser.add_argument(f"--{name}", required=True)
    for name in many:
        parser.add_argument(f"--{name}", type=Path, nargs="+", required=True)
    try:
        main(parser.parse_args())
    except BadInput as e:
        sys.exit(f"\nThe input cannot be used; nothing was written.\n\n{e}\n")
    except FileNotFoundError as e:
        sys.exit(f"\nThe file {e.filename} is not there; nothing was written. Put it back, or correct dvc.yaml.\n")
