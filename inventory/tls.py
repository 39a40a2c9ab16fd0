"""Requests and certificates by address, where a name is another's to resolve."""

import ssl

import requests
from requests.adapters import HTTPAdapter

from configs import ports
from configs.environment import Host
from inventory import tunnels
from inventory.access import TIMEOUT_S, Access


def endpoint(access: Access, member: Host, port: int) -> tuple[str, int]:
    """Where this machine reaches a host's port, through its jump host when it has one."""
    if member.ssh.jump:
        return "127.0.0.1", tunnels.forwarded(access.env, member, port)
    return member.ssh.hostname or member.address, port


def get(access: Access, member: Host, name: str, path: str = "/") -> requests.Response:
    """Ask one ingress host over HTTPS for a service by its name, whatever the name resolves to here.

    Raises:
        requests.RequestException: when there is no answer, or the certificate is not for this name.
    """
    address, port = endpoint(access, member, ports.HTTPS)
    session = access.session()
    session.mount("https://", _Named(name))
    return session.get(f"https://{address}:{port}{path}", headers={"Host": name})


def presented(access: Access, member: Host, port: int) -> str:
    """The PEM certificate that a server presents on a port."""
    return ssl.get_server_certificate(endpoint(access, member, port), timeout=TIMEOUT_S)


class _Named(HTTPAdapter):
    """Sends a name (SNI) and checks the certificate against it, while the URL has an address."""

    def __init__(self, name: str) -> None:
        self._name = name
        super().__init__()

    def init_poolmanager(self, *args: object, **kwargs: object) -> None:
        """As requests makes it, with the name."""
        super().init_poolmanager(*args, server_hostname=self._name, assert_hostname=self._name, **kwargs)  # type: ignore[arg-type]
