"""Preflight's question, without what it makes of the answers."""

from collections.abc import Generator

from pyinfra.api.operation import operation
from pyinfra.context import host

from deploy.facts.preflight import HostReport


@operation()
def told() -> Generator[str, None, None]:
    """Ask a host what it is; nothing is changed."""
    host.get_fact(HostReport, _sudo=False)
    yield from ()
