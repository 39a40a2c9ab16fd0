"""The end of a run in which a critical host failed."""

from collections.abc import Iterable
from typing import Any

from pyinfra.api.exceptions import PyinfraError
from pyinfra.api.state import BaseStateCallback, State
from pyinfra.context import state

CRITICAL = frozenset({"server", "monitor", "mirror"})
"""Groups without whose hosts a run must not go on."""

_refusals: list[str] = []


def refuse(finding: str) -> None:
    """End the run as soon as this operation is over, with a text for the operator and without a traceback.

    Raises:
        PyinfraError: at once in a run of one phase by itself, over which nobody watches.
    """
    _refusals.append(finding)
    if not _watched():
        raise PyinfraError(finding)


class AbortOnCritical(BaseStateCallback):
    """Ends the run before the next operation once a host of a critical group has failed.

    By default pyinfra drops a failed host and goes on with the others: right for a lost client, wrong for a server.
    """

    def __init__(self, groups: Iterable[str]) -> None:
        self.groups = frozenset(groups)

    def operation_start(self, st: State, _op_hash: str) -> None:  # type: ignore[override]
        """Before each operation."""
        self.check(st)

    def operation_end(self, st: State, _op_hash: str) -> None:  # type: ignore[override]
        """After each operation, when its failed hosts are known."""
        self.check(st)

    def check(self, st: State) -> None:
        """Raise when an operation refused to go on, or a critical host has failed.

        Raises:
            PyinfraError: with everything found, or with the names of those hosts.
        """
        if _refusals:
            raise PyinfraError("stopped, since:\n" + "\n".join(f"  - {finding}" for finding in _refusals))
        dead = sorted(failed.name for failed in st.failed_hosts if self.groups & set(failed.groups))
        if dead:
            raise PyinfraError(
                f"critical hosts failed: {', '.join(dead)} - nothing more is done; mend them and run the same command"
            )


def install(groups: Iterable[str] = CRITICAL) -> None:
    """Watch over this run."""
    if not _watched():
        _state().add_callback_handler(AbortOnCritical(groups))


def _watched() -> bool:
    return any(isinstance(handler, AbortOnCritical) for handler in _state().callback_handlers)


def _state() -> Any:
    """The state behind pyinfra's context, to which it has no public way."""
    return state._get_module()  # type: ignore[attr-defined]  # noqa: SLF001
