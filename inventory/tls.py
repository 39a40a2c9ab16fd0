"""Requests and certificates by address, where a name is another's to resolve."""

import socket
import ssl

import requests
from cryptography import x509
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


def get(access: Access, member: Host, name: str, path: str = "/", *, timeout: float = TIMEOUT_S) -> requests.Response:
    """Ask one ingress host over HTTPS for a service by its name, whatever the name resolves to here.

    Raises:
        requests.RequestException: when there is no answer, or the certificate is not for this name.
    """
    address, port = endpoint(access, member, ports.HTTPS)
    session = access.session()
    session.mount("https://", _Named(name))
    return session.get(f"https://{address}:{port}{path}", headers={"Host": name}, timeout=timeout)


def presented(access: Access, member: Host, port: int) -> x509.Certificate:
    """The certificate that a server presents on a port; it must be of the environment's CA.

    Raises:
        OSError: when there is no answer, or another CA's certificate.
    """
    context = ssl.create_default_context(cafile=str(access.ca_file))
    context.check_hostname = False  # it is asked by address; what matters here is its CA and its date
    with (
        socket.create_connection(endpoint(access, member, port), timeout=TIMEOUT_S) as connection,
        context.wrap_socket(connection) as secured,
    ):
        return x509.load_der_x509_certificate(secured.getpeercert(binary_form=True) or b"")


class _Named(HTTPAdapter):
    """Sends a name (SNI) and checks the certificate against it, while the URL has an address."""

    def __init__(self, name: str) -> None:
        self._name = name
        super().__init__()

    def init_poolmanager(self, *args: object, **kwargs: object) -> None:
        """As requests makes it, with the name."""
        super().init_poolmanager(*args, server_hostname=self._name, assert_hostname=self._name, **kwargs)  # type: ignore[arg-type]
