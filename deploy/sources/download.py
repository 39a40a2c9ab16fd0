"""Downloads: HTTPS only, whole files only, with progress."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from configs.errors import ArtifactError, ArtifactUnavailableError

Say = Callable[[str], None]

TIMEOUT_S: Final = (5, 30)
"""To connect, and between two pieces of data: a machine without a way out goes on to the next source at once."""

PROGRESS_S: Final = 5.0
_SMALL: Final = 1 << 20
_CHUNK: Final = 1 << 20


class _LoopbackOnly(HTTPAdapter):
    """Plain HTTP never leaves this machine, redirects included."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        host = urlsplit(request.url or "").hostname
        if not is_loopback(str(host or "")):
            raise ArtifactError(f"{request.url}: is not https - artifacts are fetched over https only")
        return super().send(request, *args, **kwargs)


class Downloader:
    """Fetches over one session; an address that could not be reached is not tried again."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._session = requests.Session()
        self._session.mount("http://", _LoopbackOnly())
        self._unreachable: dict[str, str] = {}

    def text(self, url: str) -> bytes:
        """A small file's content.

        Raises:
            ArtifactUnavailableError: when it cannot be had.
        """
        with self._open(url) as response:
            content: bytes = response.raw.read(_SMALL + 1, decode_content=True)
        if len(content) > _SMALL:
            raise ArtifactUnavailableError(f"{url}: is larger than 1 MiB - this is no file of checksums")
        return content

    def file(self, url: str, to: Path) -> None:
        """Fetch a file of any size.

        Raises:
            ArtifactUnavailableError: when it cannot be had whole.
        """
        with self._open(url) as response, to.open("wb") as file:
            total = int(response.headers.get("Content-Length", 0))
            said = time.monotonic()
            for chunk in response.iter_content(_CHUNK):
                file.write(chunk)
                if time.monotonic() - said > PROGRESS_S:
                    said = time.monotonic()
                    self._say(f"{url}: {_mib(file.tell())} of {_mib(total) if total else 'unknown size'}")

    @contextmanager
    def _open(self, url: str) -> Iterator[requests.Response]:
        with self._answer(url) as response:
            try:
                response.raise_for_status()
                yield response
            except requests.HTTPError as error:
                raise ArtifactUnavailableError(f"{url}: HTTP {response.status_code} {response.reason}") from error
            except (requests.RequestException, HTTPError) as error:
                raise ArtifactUnavailableError(f"{url}: {_reason(error)}") from error

    def _answer(self, url: str) -> requests.Response:
        address = urlsplit(url).netloc
        if why := self._unreachable.get(address):
            raise ArtifactUnavailableError(f"{url}: {why}")
        try:
            return self._session.get(url, stream=True, timeout=TIMEOUT_S)
        except requests.RequestException as error:
            self._unreachable[address] = _reason(error)
            raise ArtifactUnavailableError(f"{url}: {_reason(error)}") from error


def is_loopback(host: str) -> bool:
    """Whether a host of a URL is this machine itself."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _reason(error: Exception) -> str:
    """The innermost cause in its own words: the outer ones only repeat the address."""
    inner: BaseException = error
    while following := inner.__cause__ or inner.__context__ or getattr(inner, "reason", None):
        if not isinstance(following, BaseException) or following is inner:
            break
        inner = following
    return f"{type(inner).__name__}: {inner}" if str(inner) else type(inner).__name__


def _mib(size: int) -> str:
    return f"{size / (1 << 20):.0f} MiB"
