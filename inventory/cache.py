"""An environment's files on the operator's machine that can be made again at any time."""

import os
import threading
from pathlib import Path

from configs.environment import Environment
from inventory import local


def folder(env: Environment) -> Path:
    """Where they lie: the CA's certificate, the operator's own, the tunnels."""
    return local.CACHE / env.name


def present(path: Path, content: str, mode: int) -> None:
    """Write a file whole, with its mode from birth, unless it is so already."""
    if path.is_file() and path.read_text() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as file:
        file.write(content)
    new.rename(path)
