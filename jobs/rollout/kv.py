"""Consul's keys and sessions as the journal needs them: transactions, fresh reads, calls that outlast an election.

py-consul sends transactions without a token, cannot make a session without node checks, and hides why a transaction
was refused: its client is used for its connection alone.
"""

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import consul
import requests

from configs.errors import AccessError

ELECTION_S: Final = 15.0
"""For how long a call is repeated while Consul has no leader, in seconds: an election takes two or three, and the loss
of a leader's host as long again before it is noticed."""

_CONNECT_S: Final = 1.0
_ANSWER_S: Final = 2.0
_AGAIN_S: Final = 0.2
_MEANT: Final = frozenset({HTTPStatus.OK, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT})
_SMALLEST_TTL_S: Final = 10

Operation = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A key as it is: its modify index, and the session that holds it, if one does."""

    key: str
    value: bytes
    index: int
    session: str | None = None


class KV:
    """One environment's Consul.

    Every call is repeated for up to `within` seconds while Consul is not reached or has no leader, and raises
    AccessError after that, or when it refuses the token.
    """

    def __init__(self, client: consul.Consul) -> None:
        self._client = client

    def get(self, key: str, within: float = ELECTION_S) -> Entry | None:
        """A key's present entry, as the leader has it; None when there is none."""
        found = self._read(key, {"consistent": ""}, within)
        return _entry(found[0]) if found else None

    def under(self, prefix: str) -> tuple[Entry, ...]:
        """All entries whose keys begin so, in the order of their keys."""
        return tuple(map(_entry, self._read(prefix, {"consistent": "", "recurse": ""}, ELECTION_S)))

    def keys(self, prefix: str) -> tuple[str, ...]:
        """All keys that begin so, in order."""
        return tuple(self._read(prefix, {"consistent": "", "keys": ""}, ELECTION_S))

    def commit(self, *operations: Operation, within: float = ELECTION_S) -> Mapping[str, int] | None:
        """All operations in one transaction, or none of them.

        Returns the modify index of each key that was asked for or written; None when an operation was refused.

        A call whose answer was lost is repeated: a refusal may then come from its own first try. Who gives an
        operation that cannot be done twice has to read what is there.
        """
        status, document = self._call("PUT", "txn", within, body=list(operations))
        if status == HTTPStatus.CONFLICT:
            return None
        return {result["KV"]["Key"]: result["KV"]["ModifyIndex"] for result in document["Results"] or ()}

    def session(self, name: str, ttl_s: int) -> str:
        """A new session, that lives for at least this many seconds after it was last renewed.

        It hangs on no node's health: the loss of the server that made it must not end it. The keys it holds go with
        it, and may be held again at once.
        """
        body = {
            "Name": name,
            "NodeChecks": [],
            "ServiceChecks": [],
            "Behavior": "delete",
            "LockDelay": "0s",
            "TTL": f"{max(ttl_s, _SMALLEST_TTL_S)}s",
        }
        return str(self._call("PUT", "session/create", ELECTION_S, body=body)[1]["ID"])

    def renew(self, session: str, within: float = ELECTION_S) -> None:
        """Let a session live on; one that is gone stays so."""
        self._call("PUT", f"session/renew/{session}", within)

    def end(self, session: str, within: float = ELECTION_S) -> None:
        """End a session, and so give up the keys it holds."""
        self._call("PUT", f"session/destroy/{session}", within)

    def _read(self, key: str, params: Mapping[str, str], within: float) -> Any:
        return self._call("GET", f"kv/{key}", within, params=params)[1] or []

    def _call(
        self, method: str, path: str, within: float, *, params: Mapping[str, str] | None = None, body: object = None
    ) -> tuple[int, Any]:
        """The answer's status, and its document when it is a good one.

        Errors name the call and the kind of the answer alone: servers may repeat what we sent.
        """
        end = time.monotonic() + within
        while True:
            try:
                status, document = self._once(method, path, params, body)
                trouble = f"answered {status}"
            except requests.RequestException as error:
                status, document, trouble = HTTPStatus.BAD_GATEWAY, None, f"did not answer ({type(error).__name__})"
            if status < HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.TOO_MANY_REQUESTS:
                break
            if time.monotonic() >= end:
                raise AccessError(
                    f"Consul: {method} {path}: it {trouble} - see that its servers are up and have a leader"
                )
            time.sleep(_AGAIN_S)
        if status not in _MEANT:
            raise AccessError(
                f"Consul: {method} {path}: it refused with {status} - see that the token is valid and has the rules "
                "configs.consul.ROLLOUTS"
            )
        return status, document

    def _once(self, method: str, path: str, params: Mapping[str, str] | None, body: object) -> tuple[int, Any]:
        http = self._client.http
        answer = http.session.request(
            method,
            http.uri(f"/v1/{path}"),
            params=params,
            data=None if body is None else json.dumps(body),
            headers={"X-Consul-Token": self._client.token} if self._client.token else {},
            timeout=(_CONNECT_S, _ANSWER_S),
            verify=http.verify,
            cert=http.cert,
        )
        return answer.status_code, answer.json() if answer.ok else None


def put(key: str, value: bytes) -> Operation:
    """Give a key a value; who holds it stays so."""
    return _operation("set", key, value=value)


def cas(key: str, value: bytes, index: int) -> Operation:
    """Give a key a value, if its modify index is still this one; 0: if there is none."""
    return _operation("cas", key, value=value, Index=index)


def delete(key: str) -> Operation:
    """Remove a key, or leave it absent."""
    return _operation("delete", key)


def present(key: str) -> Operation:
    """Refuse all when there is no such key."""
    return _operation("get", key)


def absent(key: str) -> Operation:
    """Refuse all when there is such a key."""
    return _operation("check-not-exists", key)


def unchanged(key: str, index: int) -> Operation:
    """Refuse all when a key's modify index is another."""
    return _operation("check-index", key, Index=index)


def held(key: str, session: str) -> Operation:
    """Refuse all when a key is not held by this session."""
    return _operation("check-session", key, Session=session)


def lock(key: str, value: bytes, session: str) -> Operation:
    """Hold a key by a session, with a value; refused when another holds it."""
    return _operation("lock", key, value=value, Session=session)


def unlock(key: str, value: bytes, session: str) -> Operation:
    """Take a key from the session that holds it."""
    return _operation("unlock", key, value=value, Session=session)


def _operation(verb: str, key: str, *, value: bytes | None = None, **more: object) -> Operation:
    encoded = {} if value is None else {"Value": base64.b64encode(value).decode()}
    return {"KV": {"Verb": verb, "Key": key, **encoded, **more}}


def _entry(document: Mapping[str, Any]) -> Entry:
    return Entry(
        key=document["Key"],
        value=base64.b64decode(document["Value"] or ""),
        index=document["ModifyIndex"],
        session=document.get("Session"),
    )
