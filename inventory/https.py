"""HTTPS to an environment's APIs: to one server, to whichever of several answers, to one under a name of another."""

from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus

import requests
import urllib3
from requests.adapters import HTTPAdapter

from configs.errors import AccessError

TIMEOUT_S = 10
"""How long one API call may take, in seconds."""

TRY_S = 2.0
"""How long a port may take to answer before the next host is tried, in seconds."""

_READS = frozenset({"GET", "HEAD"})
_CONNECTIONS = 32
"""Kept open to one server: as many calls of parallel rollouts as one process makes at once, and more."""

Text = Callable[[], str]


class Session(requests.Session):
    """HTTPS to an environment's APIs: its CA alone is trusted, a call ends within ten seconds."""

    def __init__(self, ca_file: str, certificate: tuple[str, str] | None) -> None:
        super().__init__()
        self.trust_env = False
        self.verify = ca_file
        self.cert = certificate

    def request(self, *args: object, **kwargs: object) -> requests.Response:
        """As requests does, with a time limit where the caller gives none."""
        kwargs.setdefault("timeout", TIMEOUT_S)
        return super().request(*args, **kwargs)  # type: ignore[arg-type]


class Failover(Session):
    """One API that several servers answer for: a call goes to the one that answered last, and from there to the others.

    A read goes on to the next server when one is not reached, does not answer in time, or answers that it cannot
    (5xx: a server without a leader says so). A write does only when no connection was made: else it may have been
    done, and whether it was is the caller's to find out; when it asks again, the next server is the first.

    Args:
        servers: gives each server's `https://name:port`; AccessError when there is no way to it.
        header: the header that carries the token, and what reads the token: it is read anew for every call.
    """

    def __init__(
        self,
        servers: Sequence[Text],
        ca_file: str,
        certificate: tuple[str, str] | None = None,
        header: tuple[str, Text] | None = None,
    ) -> None:
        super().__init__(ca_file, certificate)
        self._servers = tuple(servers)
        self._first = 0
        self._header = header
        self.mount("https://", HTTPAdapter(pool_maxsize=_CONNECTIONS))

    def request(self, method: str, url: str, **kwargs: object) -> requests.Response:  # type: ignore[override]
        """As requests does; the server named in the URL gives way to those of this session, and so do CA and token.

        Raises:
            requests.RequestException: of the last server that was tried.
        """
        path = url.split("//", 1)[-1].partition("/")[2]
        kwargs |= {"verify": self.verify, "cert": self.cert, "timeout": _limits(kwargs.get("timeout"))}
        kwargs["headers"] = {**(kwargs.get("headers") or {}), **self._token()}  # type: ignore[dict-item]
        last: requests.Response | Exception = _NoWayError("there is no server to ask")
        for number in self._order():
            last = self._tried(number, method.upper(), path, kwargs)
            if isinstance(last, requests.Response) and not _unable(last, method):
                self._first = number if last.status_code < HTTPStatus.INTERNAL_SERVER_ERROR else self._after(number)
                return last
            if isinstance(last, Exception) and not _goes_on(last, method):
                self._first = self._after(number)
                raise last
        if isinstance(last, Exception):
            raise last
        return last

    def _after(self, number: int) -> int:
        return (number + 1) % len(self._servers)

    def _order(self) -> Iterator[int]:
        first, count = self._first, len(self._servers)
        return ((first + each) % count for each in range(count))

    def _tried(
        self, number: int, method: str, path: str, kwargs: dict[str, object]
    ) -> requests.Response | requests.RequestException:
        try:
            return super().request(method, f"{self._servers[number]()}/{path}", **kwargs)
        except AccessError as error:
            return _NoWayError(str(error))
        except requests.RequestException as error:
            return error

    def _token(self) -> dict[str, str]:
        return {self._header[0]: self._header[1]()} if self._header else {}


class Named(HTTPAdapter):
    """Asks for a name (SNI), and checks the certificate against it, while the URL has an address."""

    def __init__(self, name: str) -> None:
        self._name = name
        super().__init__()

    def init_poolmanager(self, *args: object, **kwargs: object) -> None:
        """As requests makes it, with the name."""
        super().init_poolmanager(*args, server_hostname=self._name, assert_hostname=self._name, **kwargs)  # type: ignore[arg-type]

    def add_headers(self, request: requests.PreparedRequest, **kwargs: object) -> None:
        """The name also in the request, where the caller says no other."""
        super().add_headers(request, **kwargs)
        request.headers.setdefault("Host", self._name)


class _NoWayError(requests.ConnectionError):
    """There is no address to connect to."""


def _limits(timeout: object) -> object:
    """To connect takes two seconds or is given up; the answer may take what the caller grants."""
    return timeout if isinstance(timeout, tuple) else (TRY_S, timeout or TIMEOUT_S)


def _unable(answer: requests.Response, method: str) -> bool:
    return method.upper() in _READS and answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR


def _goes_on(error: Exception, method: str) -> bool:
    """Whether the next server may be asked after this."""
    if method.upper() in _READS or isinstance(error, _NoWayError):
        return True
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return isinstance(reason, urllib3.exceptions.NewConnectionError | urllib3.exceptions.ConnectTimeoutError)
