"""Runs a report's notebook inside this process and collects the blocks it shows.

papermill puts the parameters in and walks the cells; a kernel per report would cost seconds, so the cells run in an
IPython
shell of this process instead.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from papermill.engines import Engine, NotebookExecutionManager, papermill_engines
from papermill.exceptions import PapermillExecutionError
from papermill.execute import execute_notebook
from traitlets.config import Config

from pipeline.errors import BadInput, Problem
from pipeline.report.book import MIME
from pipeline.report.identity import check_id

ENGINE = "in_process"


class ReportFailed(RuntimeError):
    """A cell of a report's notebook raised. Names the report, the cell and the error."""


def run(notebook: Path, report_id: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """Execute a notebook with parameters and return the blocks shown, as JSON values, in order.

    Raises
    ------
    BadInput
        A parameter that the notebook does not declare.
    ReportFailed
        A cell that raised, or a notebook that shows nothing.
    """
    check_id(report_id, "report")
    _check_parameters(notebook, parameters)
    papermill_engines.register(ENGINE, _InProcess)
    try:
        executed = execute_notebook(
            str(notebook),
            None,
            parameters,
            engine_name=ENGINE,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            log_output=False,
        )
    except PapermillExecutionError as e:
        raise ReportFailed(
            f"report '{report_id}' stopped in cell {e.cell_index} of {notebook.name}: {e.ename}: {e.evalue}"
        ) from None
    blocks = [
        out["data"][MIME] for cell in executed.cells for out in cell.get("outputs", []) if MIME in out.get("data", {})
    ]
    if not blocks:
        raise ReportFailed(f"report '{report_id}': {notebook.name} shows no block; end a cell in show(...)")
    return blocks


def _check_parameters(notebook: Path, parameters: dict[str, Any]) -> None:
    """papermill only logs an unknown parameter, so it is refused here."""
    cells = nbformat.read(notebook, as_version=4).cells
    tagged = [c.source for c in cells if "parameters" in c.metadata.get("tags", [])]
    if len(tagged) != 1:
        raise BadInput(Problem(notebook.name, f"has {len(tagged)} cells tagged 'parameters'", "tag exactly one cell"))
    declared = set(re.findall(r"^(\w+)\s*(?::[^=]+)?=", tagged[0], flags=re.M))
    if declared != set(parameters):
        given, wanted = ", ".join(sorted(parameters)), ", ".join(sorted(declared))
        raise BadInput(
            Problem(notebook.name, "declares other parameters", "make them agree", None, None, given, wanted)
        )


class _InProcess(Engine):
    """A papermill engine that keeps no kernel."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: NotebookExecutionManager, kernel_name: str, **kwargs: Any) -> None:
        shell = _shell()
        shell.reset(new_session=True)
        for index, cell in enumerate(nb_man.nb.cells):
            if cell.cell_type != "code":
                continue
            nb_man.cell_start(cell, index)
            failed = _run_cell(shell, cell, index)
            if failed:
                nb_man.cell_exception(cell, index)
                return
            nb_man.cell_complete(cell, index)


def _shell() -> InteractiveShell:
    """The process's shell, without history, start-up files or a profile in the user's home."""
    if not InteractiveShell.initialized():
        config = Config()
        config.HistoryManager.enabled = False
        config.InteractiveShell.colors = "nocolor"
        folder = tempfile.mkdtemp(prefix="ipython-")
        hook = sys.excepthook
        InteractiveShell.instance(config=config, ipython_dir=folder)
        sys.excepthook = hook
    return InteractiveShell.instance()


def _run_cell(shell: InteractiveShell, cell: Any, index: int) -> bool:
    """Run one cell, keep its outputs in the cell, and say whether it raised."""
    with capture_output() as captured:
        result = shell.run_cell(cell.source, store_history=False)
    cell.outputs = [
        nbformat.v4.new_output("display_data", data=o.data, metadata=o.metadata or {}) for o in captured.outputs
    ]
    error = result.error_before_exec or result.error_in_exec
    cell.execution_count = index + 1
    if error is not None:
        cell.outputs.append(
            nbformat.v4.new_output("error", ename=type(error).__name__, evalue=str(error), traceback=[str(error)])
        )
    return error is not None
