"""A host that pyinfra itself simulates: it answers as it is told, and what was sent to it is known."""

import hashlib
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyinfra.api.config import Config
from pyinfra.api.connect import connect_all
from pyinfra.api.inventory import Inventory
from pyinfra.api.operation import add_op
from pyinfra.api.operations import run_ops
from pyinfra.api.state import State
from pyinfra.context import ctx_state

NAME = "@fake/x"


@dataclass(frozen=True, slots=True)
class Sent:
    """A command, and what went to its standard input."""

    command: str
    stdin: str = ""

    @property
    def files(self) -> tuple["Written", ...]:
        """The files that it writes; none for another command."""
        words = shlex.split(self.command)
        if "socle-new" not in self.command:
            return ()
        arguments, content, found = words[words.index("sh", 1) + 1 :], self.stdin.encode(), []
        for path, size, owner, mode, _check in batched(arguments, 5):
            found.append(Written(path=path, owner=owner, mode=mode, content=content[: int(size)].decode()))
            content = content[int(size) :]
        return tuple(found)


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """A file that was written."""

    path: str
    owner: str
    mode: str
    content: str

    def told(self) -> str:
        """What the host tells of it afterwards."""
        digest = hashlib.sha256(self.content.encode()).hexdigest()
        return f"F {self.mode.lstrip('0')} {self.owner.replace(':', ' ')} {digest} {self.path}"


def batched(words: Sequence[str], count: int) -> Iterator[Sequence[str]]:
    """The words in groups."""
    return (words[start : start + count] for start in range(0, len(words), count))


def sent(operation: Callable[..., Any], answers: Mapping[str, str], **arguments: Any) -> list[str]:
    """The commands that an operation sends to a host, without those that only ask.

    Args:
        operation: an operation of ours.
        answers: what the host answers to a command that holds the key: its facts.
        arguments: of the operation.
    """
    return [one.command for one in all_sent(operation, answers, **arguments)]


def all_sent(operation: Callable[..., Any], answers: Mapping[str, str], **arguments: Any) -> Sequence[Sent]:
    """As `sent`, with the standard inputs."""
    data = {"fake_responses": dict(answers), "fake_delay": 0, "fake_delay_jitter": 0}
    # Untyped in pyinfra.
    state = State(Inventory(([(NAME, data)], {})), Config())  # type: ignore[no-untyped-call]
    state.is_executing = False
    seen: list[Sent] = []
    with ctx_state.use(state):
        connect_all(state)
        _record(state.inventory.get_host(NAME).connector, seen)
        add_op(state, operation, **arguments)
        state.is_executing = True
        run_ops(state)
    return [one for one in seen if not any(asked in one.command for asked in answers)]


def _record(connector: Any, seen: list[Sent]) -> None:
    theirs = connector.run_shell_command

    def run(command: Any, *rest: Any, **options: Any) -> Any:
        text = command if isinstance(command, str) else command.get_masked_value()
        seen.append(Sent(text, options.get("_stdin") or ""))
        return theirs(command, *rest, **options)

    connector.run_shell_command = run
