"""What a rollout reaches of an environment, by an operator's access or as a task on its cluster.

A rollout lives through the loss of servers: every call goes to whichever of them answers.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import consul
import nomad
import requests

from configs import ingress, ports
from configs.environment import Host, Role
from configs.errors import AccessError
from inventory.https import TIMEOUT_S, Failover, Named, Session
from jobs.nomad.client import Client

if TYPE_CHECKING:
    from inventory.access import Access

Text = Callable[[], str]

_USER = "operator"
"""For whom Prometheus knows the password: configs.prometheus.USER, whose module asks for YAML."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """The APIs of one environment.

    Attributes:
        env: the environment's name.
        nomad: Nomad, at whichever server answers.
        consul: Consul, at whichever server answers.
        ingresses: by host name, the address of an ingress' API and metrics.
        session: asks the ingresses; it has a client certificate of the environment's CA.
        prometheus: its address, and what asks it.
        loki: its address, and what asks it.
    """

    env: str
    nomad: Client
    consul: consul.Consul
    ingresses: Mapping[str, str]
    session: requests.Session
    prometheus: tuple[str, requests.Session]
    loki: tuple[str, requests.Session]

    @classmethod
    def of(cls, access: "Access") -> "Reach":
        """As an operator."""
        env, ca = access.env, str(access.ca_file)
        to = partial(_servers, access)
        return cls(
            env=env.name,
            nomad=nomad_client(env.region, to("nomad"), ca, partial(access.secrets.get, "nomad/bootstrap")),
            consul=consul_client(to("consul"), ca, partial(access.secrets.get, "consul/bootstrap")),
            ingresses={host.name: _address(access, "ingress", host) for host in env.having(Role.INGRESS)},
            session=ingress_session(ca, access.certificate),
            prometheus=(_address(access, "prometheus", env.monitor), access.session("prometheus")),
            loki=(_address(access, "loki", env.monitor), access.session("loki")),
        )

    @classmethod
    def of_task(cls, folder: Path, consul_token: str) -> "Reach":
        """As the controller's task.

        Args:
            folder: of its secrets, where `reach.json` says where the APIs are (configs.controller.reach), and the
                others are what they ask for.
            consul_token: Consul's token; it lives as long as the task.

        Raises:
            AccessError: when a file is missing or cannot be read.
        """
        found = json.loads(_content(folder / "reach.json"))
        ca, certificate = str(folder / "ca.pem"), (str(folder / "cert.pem"), str(folder / "key.pem"))
        asks = {name: Session(ca, certificate) for name in ("prometheus", "loki")}
        asks["prometheus"].auth = (_USER, _content(folder / "password"))
        token = partial(_content, folder / "nomad-token")
        return cls(
            env=found["env"],
            nomad=nomad_client(found["region"], [partial(str, url) for url in found["nomad"]], ca, token),
            consul=consul_client([partial(str, url) for url in found["consul"]], ca, lambda: consul_token),
            ingresses=found["ingresses"],
            session=ingress_session(ca, certificate),
            prometheus=(found["prometheus"], asks["prometheus"]),
            loki=(found["loki"], asks["loki"]),
        )


def nomad_client(region: str, servers: Sequence[Text], ca_file: str, token: Text) -> Client:
    """Nomad's API in namespace default, at whichever server answers."""
    session = Failover(servers, ca_file, header=("X-Nomad-Token", token))
    api = nomad.Nomad(
        address="https://nomad", secure=True, verify=ca_file, namespace="default", region=region, timeout=TIMEOUT_S,
        session=session,
    )  # fmt: skip
    return Client(api)


def consul_client(servers: Sequence[Text], ca_file: str, token: Text) -> consul.Consul:
    """Consul's API, at whichever server answers."""
    client = consul.Consul(host="consul", port=443, scheme="https", verify=ca_file, connections_timeout=TIMEOUT_S)
    client.http.session = Failover(servers, ca_file, header=("X-Consul-Token", token))
    client.token = None  # CONSUL_HTTP_TOKEN would be in it
    return client


def ingress_session(ca_file: str, certificate: tuple[str, str]) -> Session:
    """What asks the ingresses' APIs by address: they want their own name, and a client certificate."""
    session = Session(ca_file, certificate)
    session.mount("https://", Named(ingress.NAME))
    return session


def _servers(access: "Access", service: str) -> tuple[Text, ...]:
    return tuple(partial(access.url, service, host) for host in access.hosts(service))


def _address(access: "Access", service: str, host: Host) -> str:
    """A host behind a jump host that is lost is kept, under an address that does not answer: it is to be missed."""
    try:
        return access.url(service, host)
    except AccessError:
        return f"https://{host.address}:{ports.TRAEFIK_METRICS}"


def _content(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError as error:
        raise AccessError(f"{path}: {error.strerror} - Nomad writes it for the job controller") from None
