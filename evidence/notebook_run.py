"""Runs a notebook with papermill, in a kernel of this very interpreter, whatever the machine has.

No kernel needs to be registered, no home directory be writable, and the kernel finds this package
from any folder. Inputs get plain names in a folder of their own, so that no path of this machine
ends in the notebook.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import papermill
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.exceptions import PapermillExecutionError

from evidence.errors import EvidenceError, ReportFailed

ROOT = Path(__file__).resolve().parents[1]
START_TIMEOUT_S = 120
CELL_TIMEOUT_S = 600
# It would say on every terminal that it listens on this machine without encryption.
_LAUNCH = ("-m", "ipykernel_launcher", "-f", "{connection_file}", "--IPKernelApp.log_level=50")
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True, slots=True)
class NotebookRun:
    """An executed notebook; `failure` is one line on the cell that failed, or empty."""

    notebook: Any
    failure: str = ""


def run_notebook(
    source: Path, parameters: Mapping[str, Any], folders: Mapping[str, Path]
) -> NotebookRun:
    """Run a notebook; `folders` are the inputs by the name under which the kernel sees them.

    Raises EvidenceError for a parameter that the notebook does not have, ReportFailed when the
    kernel did not even start.
    """
    check_parameters(source, parameters)
    with tempfile.TemporaryDirectory(prefix="deadheat-") as made:
        workspace = Path(made).resolve()
        inputs, output = workspace / "inputs", workspace / "executed.ipynb"
        inputs.mkdir()
        for name, folder in folders.items():
            (inputs / name).symlink_to(folder.resolve(), target_is_directory=True)
        failure = _executed(source, output, parameters, workspace)
        if not output.exists():
            raise ReportFailed(f"the notebook {source.name} did not start: {failure}")
        notebook = nbformat.read(output, as_version=4)
    hidden = {
        str(workspace): "",
        str(Path(made)): "",
        **{str(f.resolve()): n for n, f in folders.items()},
    }
    return NotebookRun(without_paths(notebook, hidden), without_paths(failure, hidden))


def check_parameters(source: Path, parameters: Mapping[str, Any]) -> None:
    """Raise EvidenceError for an unknown parameter: papermill would only warn, and go on."""
    known = set(papermill.inspect_notebook(str(source)))
    unknown = sorted(set(parameters) - known)
    if unknown:
        raise EvidenceError(
            f"{source.name} has no parameter {', '.join(unknown)}, only {', '.join(sorted(known))}"
        )


def without_paths(value: Any, names: Mapping[str, str]) -> Any:  # noqa: ANN401  any JSON
    """Return a notebook, or a part of one, in which no path of this machine stands."""
    places = {
        **names,
        str(ROOT): "deadheat",
        sys.prefix: "python",
        sys.base_prefix: "python",
        str(Path(os.__file__).parent): "python",
        str(Path.home()): "~",
    }
    # The longest first: what lies within another has its own name.
    ordered = sorted((path for path in places if len(path) > 1), key=len, reverse=True)
    return _replaced(value, {path: places[path] for path in ordered})


def _replaced(value: Any, names: Mapping[str, str]) -> Any:  # noqa: ANN401  any JSON
    if isinstance(value, str):
        for path, name in names.items():
            value = value.replace(path, name)
        return value
    if isinstance(value, list):
        return [_replaced(item, names) for item in value]
    if isinstance(value, dict):
        for key in value:
            value[key] = _replaced(value[key], names)
    return value


def _executed(source: Path, output: Path, parameters: Mapping[str, Any], workspace: Path) -> str:
    """Execute into a file; return what went wrong in one line, if anything did."""
    logging.getLogger("papermill").setLevel(logging.ERROR)
    try:
        papermill.execute_notebook(
            # A node, and not a path: papermill formats paths, and braces in one would fail.
            nbformat.read(source, as_version=4),
            str(output),
            dict(parameters),
            cwd=str(workspace / "inputs"),
            kernel_name="python3",
            kernel_manager_class=_kernel_in(workspace),
            progress_bar=False,
            start_timeout=START_TIMEOUT_S,
            execution_timeout=CELL_TIMEOUT_S,
        )
    except PapermillExecutionError as error:
        return f"{error.ename}: {_ANSI.sub('', str(error.evalue))}".strip()
    except (CellTimeoutError, DeadKernelError, RuntimeError) as error:
        return f"{type(error).__name__}: {error}".splitlines()[0]
    finally:
        _forget_where(output)
    return ""


def _forget_where(output: Path) -> None:
    """Take the paths that papermill notes out of a notebook."""
    if output.exists():
        notebook = nbformat.read(output, as_version=4)
        for name in ("input_path", "output_path"):
            notebook.metadata.get("papermill", {}).pop(name, None)
        nbformat.write(notebook, output)


def _kernel_in(workspace: Path) -> type[AsyncKernelManager]:
    """Return a manager of kernels of this interpreter that keep their files in a folder."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    spec = KernelSpec(
        argv=[sys.executable, *_LAUNCH],
        display_name="Python 3",
        language="python",
        env={
            "PYTHONPATH": os.pathsep.join(paths),
            # A start-up file of the user's would run in every report.
            "IPYTHONDIR": str(workspace / "ipython"),
            "JUPYTER_RUNTIME_DIR": str(workspace),
        },
    )

    class OwnKernel(AsyncKernelManager):
        def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401  as its parent
            super().__init__(**kwargs)
            self.connection_file = str(workspace / "kernel.json")

        @property
        def kernel_spec(self) -> KernelSpec:
            return spec

    return OwnKernel
