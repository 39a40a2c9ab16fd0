"""Which TCP ports answer: scan.py ADDRESS,... FIRST-LAST,... prints a line `address port` for each."""

import errno
import select
import socket
import sys
import time
from collections.abc import Iterator

BATCH = 4_000
WAIT_S = 0.7
"""A filtered port never answers; an open one on the same network does within milliseconds."""


def main(addresses: str, ranges: str) -> None:
    """Knock at every port of every address."""
    ports = [port for span in ranges.split(",") for port in _span(span)]
    doors = [(address, port) for address in addresses.split(",") for port in ports]
    for start in range(0, len(doors), BATCH):
        for address, port in _open(doors[start : start + BATCH]):
            sys.stdout.write(f"{address} {port}\n")


def _span(text: str) -> range:
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def _open(doors: list[tuple[str, int]]) -> Iterator[tuple[str, int]]:
    poll, knocking = select.epoll(), {}
    for door in doors:
        knock = socket.socket()
        knock.setblocking(False)
        if knock.connect_ex(door) in (0, errno.EINPROGRESS):
            knocking[knock.fileno()] = (knock, door)
            poll.register(knock, select.EPOLLOUT)
    end = time.monotonic() + WAIT_S
    while knocking and (left := end - time.monotonic()) > 0:
        for number, _ in poll.poll(left):
            knock, door = knocking.pop(number)
            if knock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                yield door
            knock.close()
    for knock, _ in knocking.values():
        knock.close()
    poll.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
