"""What goes wrong around a rollout: servers, tasks and hosts end, and come back."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from configs.environment import Host
from tests.cluster.cluster import Cluster
from tests.cluster.leaders import leader
from vagrant.waiting import wait

BACK_S = 60.0


@contextmanager
def stopped(cluster: Cluster, host: Host, unit: str) -> Iterator[None]:
    """A service of a host is down for as long as the `with` block lasts."""
    cluster.ssh(host, f"systemctl stop {unit}")
    try:
        yield
    finally:
        cluster.ssh(host, f"systemctl start {unit}")


def kill_leader(cluster: Cluster, service: str) -> str:
    """End the leader of Consul or Nomad with -9; the host it was on, once another leads and it runs again."""
    lost = leader(cluster, service)
    cluster.ssh(lost, f"systemctl kill --signal KILL {service}")
    wait(f"{service} runs again", lambda: _is_active(cluster, lost, service), bound_s=BACK_S)
    leader(cluster, service)
    return lost


def kill_task(cluster: Cluster, allocation: str, task: str) -> None:
    """End a task's process with -9; Nomad starts it again."""
    api = cluster.access.nomad().client.allocation
    api.request(allocation, "signal", method="post", json={"Signal": "SIGKILL", "Task": task})


def traefik_of(cluster: Cluster, host: str) -> str:
    """The allocation of an ingress host's Traefik."""
    found = cluster.access.nomad().job.get_allocations("ingress")
    return next(str(a["ID"]) for a in found if a["NodeName"] == host and a["ClientStatus"] == "running")


@contextmanager
def drained(cluster: Cluster, host: str) -> Iterator[None]:
    """A client is drained, its system jobs excepted, and takes work again when the `with` block ends."""
    node, api = _node(cluster, host), cluster.access.nomad().node
    spec = {"Deadline": 60 * 10**9, "IgnoreSystemJobs": True}
    api.request(node, "drain", method="post", json={"DrainSpec": spec})
    try:
        yield
    finally:
        api.request(node, "drain", method="post", json={"DrainSpec": None, "MarkEligible": True})


@contextmanager
def lost(cluster: Cluster, host: str) -> Iterator[float]:
    """A host is without power for as long as the `with` block lasts; since when, epoch seconds."""
    killed = time.time()
    cluster.fleet.kill(host)
    try:
        yield killed
    finally:
        cluster.fleet.start(host)


def ready(cluster: Cluster, host: str) -> bool:
    """Whether Nomad may place something on a client."""
    node = cluster.access.nomad().node.get_node(_node(cluster, host))
    return bool(node["Status"] == "ready" and node["SchedulingEligibility"] == "eligible")


def _node(cluster: Cluster, host: str) -> str:
    return next(str(node["ID"]) for node in cluster.access.nomad().nodes.get_nodes() if node["Name"] == host)


def _is_active(cluster: Cluster, host: str, unit: str) -> bool:
    return cluster.ssh(host, f"systemctl is-active {unit} || true").strip() == "active"
