"""pyinfra's settings; pyinfra reads this file from the folder it is run in."""

import logging
from typing import Any

import click
from pyinfra.api import output
from pyinfra.context import config

from deploy import ending, order, wait
from inventory import redaction, secrets

config.REQUIRE_PYINFRA_VERSION = "~=3.10.0"
config.SUDO = True
config.PARALLEL = 500
config.CONNECT_TIMEOUT = 20


_unmasked = click.echo


def _echo(message: Any = None, *rest: Any, **options: Any) -> None:
    _unmasked(redaction.redact(message) if isinstance(message, str) else message, *rest, **options)


# Secrets go through stdin and are in no name or argument. This is the second line of defence: whatever pyinfra prints
# (also with --diff, -vvv and in tracebacks) is masked.
logging.getLogger("pyinfra").addFilter(redaction.Filter())
output.set_echo(_echo)
click.echo = _echo  # pyinfra prints the tracebacks of deploy code with it

secrets.freeze_while(wait.preparing)
ending.install()
order.install()
ending.require_inventory()
