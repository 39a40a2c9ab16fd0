"""An API's objects, brought from what they are to what they should be."""

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass

from pyinfra.api.command import FunctionCommand, StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host, state
from requests import RequestException

from configs.errors import SocleError
from deploy import guard


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs: what will be done, in words without secrets, and the call that does it."""

    what: str
    apply: Callable[[], object]


@operation()
def converged(changes: Callable[[], Iterable[Change]]) -> Generator[FunctionCommand | StringCommand, None, None]:
    """Apply what differs, and nothing when nothing does.

    Args:
        changes: asks the system and tells what differs; called afresh when the run comes to it. While a run is only
            prepared the system may not exist yet: then everything counts as due.
    """
    try:
        due = list(changes())
    except (SocleError, RequestException) as error:
        if state.is_executing:
            guard.refuse(f"{host.name}: {error}")
        else:
            yield StringCommand("true")
        return
    for change in due:
        host.log(change.what)
        yield FunctionCommand(_applied, (host.name, change), {})


def _applied(name: str, change: Change) -> None:
    """Errors written for the operator end the run with their text; others keep their traceback."""
    try:
        change.apply()
    except (SocleError, RequestException) as error:
        guard.refuse(f"{name}: {change.what}: {error}")
