"""The line that every host must reach before any goes on."""

from collections.abc import Generator

from pyinfra.api.operation import operation


@operation()
def barrier() -> Generator[str, None, None]:
    """Do nothing on every host, so that all earlier operations come first.

    pyinfra orders operations by each host's own calls: without a common operation between two phases, hosts of
    disjoint roles run ahead of one another.
    """
    yield from ()
