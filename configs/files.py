"""A file on a host, as a value."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """A file with its whole content, owner and octal mode (`"640"`).

    `content` may be a function without arguments where the value only exists while the run goes on (a token).
    The content never appears in a log, a diff or an argument list; give secrets mode 600 or 640.
    `check` is a shell command that must accept the new file, named by `$1`, before it takes the old one's place.
    """

    path: str
    content: str | Callable[[], str]
    user: str = "root"
    group: str = "root"
    mode: str = "644"
    check: str | None = None

    def text(self) -> str:
        """The content now."""
        return self.content() if callable(self.content) else self.content
