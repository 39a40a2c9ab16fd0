"""Files on a host, written whole and atomically."""

import hashlib
from collections.abc import Generator, Sequence
from posixpath import dirname

from pyinfra.api.command import QuoteString, StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host, state

from configs.errors import SocleError
from configs.files import File
from deploy.facts.state import FileState, HostState, State


@operation()
def present(files: Sequence[File], absent: Sequence[str] = ()) -> Generator[StringCommand, None, None]:
    """Have files with exactly this content, owner and mode, and have others gone.

    Args:
        files: what must be there; only what differs is written, each in one atomic step.
        absent: paths that must not exist.
    """
    now = host.get_fact(HostState, paths=[*(f.path for f in files), *absent], units=[])
    if now is None:
        return
    yield from writes(files, now)
    yield from (StringCommand("rm -f", QuoteString(path)) for path in absent if path in now.files)


def writes(files: Sequence[File], now: State) -> Generator[StringCommand, None, None]:
    """The commands that bring files from the state now to the state wanted."""
    for file in files:
        text = content(file)
        if text is None or now.files.get(file.path) != wanted(file, text):
            yield write(file, text or "")


def content(file: File) -> str | None:
    """A file's content, or None while the run is only prepared and the content does not exist yet."""
    try:
        return file.text()
    except SocleError:
        if state.is_executing:
            raise
        return None


def wanted(file: File, text: str) -> FileState:
    """The state of a file that has this content."""
    return FileState(
        mode=file.mode.lstrip("0"), user=file.user, group=file.group, sha256=hashlib.sha256(text.encode()).hexdigest()
    )


def write(file: File, text: str) -> StringCommand:
    """The command that writes a file.

    The content goes through stdin: it is in no argument list and in no temporary file of pyinfra's.

    pyinfra ends what it sends with a line feed of its own: `head -c` cuts it off again. What is cut off because the
    sender died is shorter than it must be, and never takes the old file's place.
    """
    new = QuoteString(file.path + ".socle-new")
    size = str(len(text.encode()))
    return StringCommand(
        "umask 077 && mkdir -p -m 755", QuoteString(dirname(file.path)), "&& head -c", size, ">", new,
        "&& test $(stat -c %s", new, ") =", size,
        "&& chown", QuoteString(f"{file.user}:{file.group}"), new, "&& chmod", file.mode, new,
        *_accepted(file, new), "&& mv -f", new, QuoteString(file.path),
        _stdin=text,
    )  # fmt: skip


def _accepted(file: File, new: QuoteString) -> tuple[str | QuoteString, ...]:
    """A file that its own program refuses never takes the old one's place."""
    return (
        ("&& { sh -c", QuoteString(file.check), "sh", new, ">&2 || { rm -f", new, "; exit 1; } }") if file.check else ()
    )
