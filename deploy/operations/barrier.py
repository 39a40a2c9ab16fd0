"""Order between hosts: the line that all must reach, and the queue in which they pass."""

from collections.abc import Generator, Iterable, Iterator

from pyinfra.api.operation import operation
from pyinfra.context import host

from configs.environment import Host


@operation()
def barrier() -> Generator[str, None, None]:
    """Do nothing on every host, so that all earlier operations come first.

    pyinfra orders operations by each host's own calls: without a common operation between two phases, hosts of
    disjoint roles run ahead of one another.
    """
    yield from ()


def one_by_one(hosts: Iterable[Host]) -> Iterator[str]:
    """The names of hosts, each to be given an operation of its own: pyinfra ends one before it begins the next."""
    names: Iterator[str] = host.loop([member.name for member in hosts])  # type: ignore[no-untyped-call]
    return names
