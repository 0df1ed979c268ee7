"""Names of the gold cases to the project's public functions and back, one file for each room of `pipeline.meta`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

from tests.golden import rooms

Case = dict[str, Any]
ROOMS = [importlib.import_module(f"{rooms.__name__}.{m.name}") for m in pkgutil.iter_modules(rooms.__path__)]
ADAPTERS: dict[str, Callable[[Case], Case]] = {name: f for room in ROOMS for name, f in room.ADAPTERS.items()}
