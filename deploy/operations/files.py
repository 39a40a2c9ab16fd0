"""Files on a host, written whole and atomically."""

import hashlib
from collections.abc import Generator, Sequence

from pyinfra.api.command import QuoteString, StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host, state

from configs.errors import SocleError
from configs.files import File
from deploy.facts.state import FileState, HostState, State

_WRITE = """
set -e; umask 077
while [ $# -gt 0 ]; do
  path=$1 size=$2 owner=$3 mode=$4 check=$5 new=$1.socle-new; shift 5
  mkdir -p -m 755 "${path%/*}"
  head -c "$size" > "$new"
  test "$(stat -c %s "$new")" = "$size"
  chown "$owner" "$new"; chmod "$mode" "$new"
  [ -z "$check" ] || sh -c "$check" sh "$new" < /dev/null >&2 || { rm -f "$new"; exit 1; }
  mv -f "$new" "$path"
done
"""
"""Each file is closed from its birth and takes the old one's place last, in one step, if its program accepts it.

`head -c` takes no more than its own of what is sent, and pyinfra's line feed at the end is left over. What is cut off
because the sender died is shorter than it must be, and never takes the old file's place.
"""


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
    """The command, if any, that brings files from the state now to the state wanted."""
    texts = [(file, content(file)) for file in files]
    if due := [(file, text or "") for file, text in texts if _differs(file, text, now)]:
        yield write(*due)


def _differs(file: File, text: str | None, now: State) -> bool:
    return text is None or now.files.get(file.path) != wanted(file, text)


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


def write(*texts: tuple[File, str]) -> StringCommand:
    """The command that writes files, in the order given.

    Their contents go through stdin, one after the other: they are in no argument list and in no temporary file of
    pyinfra's.
    """
    words = [word for file, text in texts for word in _words(file, text)]
    contents = "".join(text for _, text in texts)
    return StringCommand("sh -c", QuoteString(_WRITE), "sh", *map(QuoteString, words), _stdin=contents)


def _words(file: File, text: str) -> tuple[str, ...]:
    return file.path, str(len(text.encode())), f"{file.user}:{file.group}", file.mode, file.check or ""
