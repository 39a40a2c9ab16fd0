"""How a run that cannot go on ends: with a text for the operator, and no traceback."""

import logging
import textwrap
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import click
from pyinfra import logger
from pyinfra.api.state import StateStage
from pyinfra.context import ctx_state, state
from pyinfra_cli import exceptions

from configs.errors import ConfigError, FindingsError, SocleError

Show = Callable[..., None]


def install() -> None:
    """Have pyinfra's command line print our errors as text, and say more where no host is left to work with.

    pyinfra prints the text of its own exceptions and a traceback for every other; its exit code is 1 for both.
    """
    for wrapper in (exceptions.UnexpectedExternalError, exceptions.UnexpectedInternalError):
        wrapper.show = _ours_as_text(wrapper.show)
    exceptions.WrappedError.show = _unreached_explained(exceptions.WrappedError.show)
    # Of a connection that fails paramiko prints a traceback; pyinfra says why in a line.
    logging.getLogger("paramiko").addHandler(logging.NullHandler())


def require_inventory() -> None:
    """Refuse an inventory that is not there: pyinfra would take it for a host, find none, and end with success.

    Raises:
        ConfigError: naming it.
    """
    command = click.get_current_context(silent=True)
    name = str(command.params["inventory"]) if command else "@local"
    if not Path(name).exists() and not {"@", ","} & set(name):
        raise ConfigError([f"{name}: there is no such inventory - name one such as inventory/test.py"])


def _ours_as_text(theirs: Show) -> Show:
    def show(self: Any, file: IO[Any] | None = None) -> None:
        if isinstance(self.exception, FindingsError):
            _list(self.exception.findings)
        elif isinstance(self.exception, SocleError):
            _error(str(self.exception))
        elif isinstance(self.exception, EOFError):
            _error("there is no terminal to ask on - add -y to apply, or --dry to look")
        else:
            theirs(self, file)

    return show


def _unreached_explained(theirs: Show) -> Show:
    """Say whom to mend where pyinfra reaches no host, or lacks a key file: it ends before deploy code is loaded."""

    def show(self: Any, file: IO[Any] | None = None) -> None:
        theirs(self, file)
        if ctx_state.isset() and state.current_stage is StateStage.Connect:  # type: ignore[no-untyped-call]
            # Imported late: pyinfra reads config.py, and so this, before there is anything to work with.
            from deploy import preflight  # noqa: PLC0415

            with suppress(ConfigError):  # hosts named on the command line are of no environment
                _list(preflight.findings(preflight.this_run()))

    return show


def _list(findings: Sequence[str]) -> None:
    what = "1 finding" if len(findings) == 1 else f"{len(findings)} findings"
    lines = [f"--> {click.style(f'{what}, nothing was changed:', 'red', bold=True)}"]
    logger.warning("\n".join([*lines, *(_indented(f"    - {finding}") for finding in findings)]))


def _error(text: str) -> None:
    logger.warning(_indented(f"--> {click.style('error:', 'red', bold=True)} {text}"))


def _indented(text: str) -> str:
    first, *rest = text.split("\n", 1)
    return "\n".join([first, *(textwrap.indent(more, " " * 6) for more in rest)])
