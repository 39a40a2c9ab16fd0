"""Where Consul has a job's rollouts, and how a state is kept there.

socle/rollouts/<job>/current              the open rollout's state; absent without one
socle/rollouts/<job>/lease                who runs it
socle/rollouts/<job>/request              what a person asked for last
socle/rollouts/<job>/history/<when>-<id>  rollouts that ended
"""

import gzip
import time
import zlib
from typing import Final
from urllib.parse import quote, unquote

import pydantic

from configs.consul import JOURNALS
from configs.errors import RolloutError
from jobs.rollout.kv import Entry
from jobs.rollout.state import State

_PLAIN: Final = 64 * 1024
"""Bytes; a longer state is compressed: Consul takes 512 KiB a transaction, and base64 makes 3 bytes 4."""

_LARGEST: Final = 360 * 1024
_GZIP: Final = b"\x1f\x8b"


class Keys:
    """The keys of one job, whose name may have slashes."""

    def __init__(self, job: str) -> None:
        folder = f"{JOURNALS}{quote(job, safe='')}"
        self.current = f"{folder}/current"
        self.lease = f"{folder}/lease"
        self.request = f"{folder}/request"
        self.history = f"{folder}/history/"

    def ended(self, state: State) -> str:
        """The key of a rollout that ended; such keys sort by the rollouts' start."""
        return f"{self.history}{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(state.started))}-{state.id}"


def job_of(key: str) -> str | None:
    """The job whose open rollout a key has; None for another key."""
    job, _, name = key.removeprefix(JOURNALS).partition("/")
    return unquote(job) if name == "current" else None


def packed(state: State) -> bytes:
    """A state as it is kept: text that people can read, or compressed where that would be too long.

    Raises:
        RolloutError: when it is too long for Consul all the same.
    """
    text = state.to_json().encode()
    kept = text if len(text) <= _PLAIN else gzip.compress(text, mtime=0)
    if len(kept) > _LARGEST:
        raise RolloutError(
            f"{state.job}: its rollout's state has {len(kept)} bytes compressed, Consul keeps {_LARGEST} - move large "
            "templates of the job to Consul KV or an artifact"
        )
    return kept


def unpacked(entry: Entry) -> State:
    """The state that an entry keeps.

    Raises:
        RolloutError: when it is none.
    """
    try:
        text = gzip.decompress(entry.value) if entry.value.startswith(_GZIP) else entry.value
        return State.from_json(text)
    except (pydantic.ValidationError, OSError, EOFError, zlib.error) as error:
        raise RolloutError(
            f"{entry.key}: not the state of a rollout as this release keeps it ({type(error).__name__}) - use the "
            "release that began it, or remove the key by consul kv delete when nothing of it runs"
        ) from None
