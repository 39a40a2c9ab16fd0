"""Requests and certificates by address, where a name is another's to resolve."""

import socket
import ssl

import requests
from cryptography import x509

from configs import ports
from configs.environment import Host
from inventory import https, tunnels
from inventory.access import Access
from inventory.https import TIMEOUT_S


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
    session.mount("https://", https.Named(name))
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
