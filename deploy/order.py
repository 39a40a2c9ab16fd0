"""How pyinfra tells operations apart, without asking again what it could know.

pyinfra 3.10.0 finds an operation's place by the line numbers of its callers, and asks inspect.stack() for them, which
looks up module and source of every frame for every operation of every host. The line numbers are in the frames.
It also derives the names of its global arguments from type hints, anew for every operation and every fact.
"""

import functools
import inspect
import sys
from collections.abc import Iterator
from types import FrameType

import pyinfra
from pyinfra import version
from pyinfra.api import arguments, util
from pyinfra.api.state import State

KNOWN = "3.10.0"
"""The version whose order this repeats; under another one pyinfra's own stays in place."""


def install() -> None:
    """Have pyinfra ask here, and remember its global arguments."""
    if version.__version__ == KNOWN:
        module = sys.modules["pyinfra.api.operation"]  # the package's attribute of this name is the decorator
        module.get_operation_order_from_stack = of_stack  # type: ignore[attr-defined]
        arguments.all_global_arguments = functools.cache(arguments.all_global_arguments)


def of_stack(state: State) -> list[int]:
    """What `pyinfra.api.util.get_operation_order_from_stack` answers its caller."""
    lines = [state.current_op_file_number] if pyinfra.is_cli else []
    frames = list(_frames(inspect.currentframe()))[:0:-1]
    files = [frame.f_code.co_filename for frame in frames]
    deploy_file = state.current_deploy_filename
    if deploy_file and deploy_file not in files:
        return lines
    first = files.index(deploy_file) if deploy_file else 0
    own = util.PYINFRA_INSTALL_DIR
    return lines + [frame.f_lineno for frame in frames[first:] if not frame.f_code.co_filename.startswith(own)]


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    """A frame and its callers, the nearest first."""
    while frame:
        yield frame
        frame = frame.f_back
