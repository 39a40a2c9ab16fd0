"""The certificates of a host: which services have one, and the names each must carry."""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from configs.environment import Environment, Host, Role, Ssh

FOLDER: Final = "/etc/socle/pki"
CA_FILE: Final = f"{FOLDER}/ca.pem"
TRUST_FOLDER: Final = "/usr/local/share/ca-certificates"
LIFETIME: Final = timedelta(days=90)
LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Leaf:
    """A certificate as it must be.

    Attributes:
        service: what it is for; the folder it lies in.
        names: DNS names, the first is also the common name.
        addresses: IP addresses.
        group: who, beside root, may read the key.
        server: may be presented by a server.
        client: may be presented by a client.
    """

    service: str
    names: tuple[str, ...]
    addresses: tuple[str, ...] = ()
    group: str = "root"
    server: bool = True
    client: bool = False
    lifetime: timedelta = LIFETIME


def cert(service: str) -> str:
    """The path of a service's certificate on a host."""
    return f"{FOLDER}/{service}/cert.pem"


def key(service: str) -> str:
    """The path of a service's private key on a host."""
    return f"{FOLDER}/{service}/key.pem"


def files(service: str) -> tuple[str, str, str]:
    """The paths of all that a service reads of the PKI: when one changes, it must read them again."""
    return (CA_FILE, cert(service), key(service))


def trust_file(env: Environment) -> str:
    """Where Debian's update-ca-certificates finds the environment's CA."""
    return f"{TRUST_FOLDER}/socle-{env.name}.crt"


def leaves(env: Environment, host: Host) -> tuple[Leaf, ...]:
    """Every certificate that a host must have."""
    return tuple(_leaves(env, host))


def operator(env: Environment) -> Leaf:
    """The short-lived client certificate of a person at the operator's machine."""
    return Leaf(
        service="operator",
        names=("operator", f"cli.{env.region}.nomad"),
        server=False,
        client=True,
        lifetime=timedelta(hours=24),
    )


def _leaves(env: Environment, host: Host) -> Iterator[Leaf]:
    yield _leaf(host, "consul", _consul(env, host), group="consul", client=True)
    if host.has(Role.SERVER):
        yield _leaf(host, "vault", _VAULT, group="vault")
    if host.has(Role.SERVER) or host.has(Role.CLIENT):
        yield _leaf(host, "nomad", _nomad(env, host), group="nomad", client=True)
    yield _leaf(host, "collector", group="collector", client=True)
    yield _leaf(host, "node-exporter", group="prometheus")
    if host.has(Role.MONITOR):
        yield _leaf(host, "prometheus", _service("prometheus"), group="prometheus", client=True)
        yield _leaf(host, "alertmanager", _service("alertmanager"), group="prometheus", client=True)
        yield _leaf(host, "loki", _service("loki"), group="loki", client=True)
    if host.has(Role.MIRROR):
        yield _leaf(host, "mirror", _service("mirror"), group="www-data")


def _leaf(host: Host, service: str, names: tuple[str, ...] = (), *, group: str = "root", client: bool = False) -> Leaf:
    reached = host.ssh.hostname
    return Leaf(
        service=service,
        names=tuple(dict.fromkeys((*names, host.name, *_name(host.ssh), "localhost"))),
        addresses=tuple(dict.fromkeys((host.address, *([reached] if reached and _is_ip(reached) else []), LOOPBACK))),
        group=group,
        client=client,
    )


def _consul(env: Environment, host: Host) -> tuple[str, ...]:
    """verify_server_hostname looks at role and datacenter alone: a client must never carry the server's name."""
    if host.has(Role.SERVER):
        return (f"server.{env.name}.consul", *_service("consul"))
    return (f"client.{env.name}.consul",)


def _nomad(env: Environment, host: Host) -> tuple[str, ...]:
    """One agent is server and client at once where a host is both, so it carries both names."""
    server = (f"server.{env.region}.nomad", *_service("nomad")) if host.has(Role.SERVER) else ()
    client = (f"client.{env.region}.nomad", *_service("nomad-client")) if host.has(Role.CLIENT) else ()
    return (*server, *client)


_VAULT: Final = ("vault.service.consul", "active.vault.service.consul", "standby.vault.service.consul")


def _service(name: str) -> tuple[str, ...]:
    return (f"{name}.service.consul",)


def _name(ssh: Ssh) -> tuple[str, ...]:
    return (ssh.hostname,) if ssh.hostname and not _is_ip(ssh.hostname) else ()


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
