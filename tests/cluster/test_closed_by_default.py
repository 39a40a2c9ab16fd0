"""Closed by default: who has no token, no certificate or no business here is refused, at every port of every host."""

import dataclasses
import shlex
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import requests

from configs import certificates, firewall, ports
from configs.environment import Environment, Host
from inventory import authority
from tests.cluster.cluster import Cluster
from vagrant import ssh

PROBES = Path(__file__).parent / "probes"
REFUSED = {401, 403}
BODY = {
    "Job": {
        "ID": "intruder",
        "Name": "intruder",
        "Type": "batch",
        "Datacenters": ["*"],
        "TaskGroups": [{"Name": "a", "Tasks": [{"Name": "a", "Driver": "exec", "Config": {"command": "true"}}]}],
    },
    "JobID": "web",
    "Namespace": "default",
    "Path": "nomad/jobs/web",
    "Items": {"key": "intruder"},
}
"""What any of the writes asks for, so that none is refused for its form alone."""
EXPOSURE = 2.0
"""systemd's own scale goes from 0 to 10; a unit without any sandbox has 9.6."""
ROOT_BY_NATURE = {"nomad.service", "docker.service", "containerd.service"}
"""On clients: who runs containers and chroots is root over the host."""
DISTRIBUTION = {"dbus", "ssh", "systemd-journald", "systemd-logind", "systemd-resolved", "systemd-timesyncd", "getty"}


@pytest.fixture(scope="module")
def anonymous(cluster: Cluster) -> Iterator[requests.Session]:
    """Somebody who trusts the CA and has neither token, password nor certificate."""
    with requests.Session() as session:
        session.verify, session.trust_env = str(cluster.access.ca_file), False
        yield session


@pytest.fixture(scope="module")
def stranger(cluster: Cluster) -> Iterator[Host]:
    """A machine of the same network that no inventory names."""
    example = cluster.env.hosts[0]
    address = f"{example.address.rpartition('.')[0]}.60"
    host = dataclasses.replace(example, name=f"{cluster.env.name}-stranger", address=address, roles=frozenset())
    cluster.fleet.add(host)
    ssh.run(host, "apt-get update -q && apt-get install -qy --no-install-recommends python3-minimal", bound_s=180)
    yield host
    cluster.fleet.remove(host.name)


@pytest.mark.parametrize(
    ("service", "method", "path"),
    [
        ("consul", "GET", "/v1/kv/socle/weights/web"),
        ("consul", "PUT", "/v1/kv/socle/weights/web"),
        ("consul", "DELETE", "/v1/kv/?recurse"),
        ("consul", "GET", "/v1/catalog/nodes"),
        ("consul", "GET", "/v1/catalog/services"),
        ("consul", "GET", "/v1/health/service/web"),
        ("consul", "GET", "/v1/agent/self"),
        ("consul", "GET", "/v1/agent/members"),
        ("consul", "GET", "/v1/agent/metrics"),
        ("consul", "PUT", "/v1/agent/leave"),
        ("consul", "GET", "/v1/acl/tokens"),
        ("consul", "GET", "/v1/operator/raft/configuration"),
        ("nomad", "GET", "/v1/jobs"),
        ("nomad", "PUT", "/v1/jobs"),
        ("nomad", "PUT", "/v1/var/nomad/jobs/web"),
        ("nomad", "GET", "/v1/job/web"),
        ("nomad", "DELETE", "/v1/job/web"),
        ("nomad", "GET", "/v1/nodes"),
        ("nomad", "GET", "/v1/allocations"),
        ("nomad", "GET", "/v1/vars"),
        ("nomad", "GET", "/v1/agent/self"),
        ("nomad", "PUT", "/v1/job/web/evaluate"),
        ("nomad", "PUT", "/v1/system/gc"),
        ("nomad", "GET", "/v1/acl/tokens"),
        ("vault", "GET", "/v1/secret/data/default/web/app"),
        ("vault", "PUT", "/v1/secret/data/default/web/app"),
        ("vault", "GET", "/v1/sys/mounts"),
        ("vault", "GET", "/v1/sys/policies/acl?list=true"),
        ("vault", "PUT", "/v1/sys/auth/approle"),
        ("vault", "GET", "/v1/sys/metrics"),
        ("prometheus", "GET", "/api/v1/targets"),
        ("prometheus", "GET", "/metrics"),
        ("alertmanager", "GET", "/api/v2/alerts"),
    ],
)
def test_an_anonymous_call_is_refused_or_sees_nothing(
    cluster: Cluster, anonymous: requests.Session, service: str, method: str, path: str
) -> None:
    for host in cluster.access.hosts(service):
        url = cluster.access.url(service, host)
        answer = anonymous.request(method, f"{url}{path}", json=BODY if method == "PUT" else None, timeout=10)
        assert answer.status_code in REFUSED or answer.json() in ([], {}), (
            f"{host.name}: {answer.status_code} {answer.text}"
        )


@pytest.mark.parametrize(
    ("service", "path"),
    [("consul", "/v1/snapshot"), ("nomad", "/v1/operator/snapshot"), ("vault", "/v1/sys/storage/raft/snapshot")],
)
def test_nobody_takes_a_snapshot_anonymously(
    cluster: Cluster, anonymous: requests.Session, service: str, path: str
) -> None:
    """A Consul server that asks the leader may hear its connection close before the refusal, and answers 500."""
    for host in cluster.access.hosts(service):
        answer = anonymous.get(f"{cluster.access.url(service, host)}{path}", timeout=10)
        assert answer.status_code in {*REFUSED, 500}
        assert len(answer.content) < 500


def test_a_nomad_client_refuses_anonymous_calls_too(cluster: Cluster, anonymous: requests.Session) -> None:
    for client in cluster.env.clients:
        for path in ("/v1/client/stats", "/v1/agent/self", "/v1/jobs"):
            url = f"{cluster.access.url('nomad', client)}{path}"
            assert anonymous.get(url, timeout=10).status_code in REFUSED


def test_loki_hangs_up_on_who_has_no_certificate(cluster: Cluster, anonymous: requests.Session) -> None:
    url = f"{cluster.access.url('loki')}/loki/api/v1/labels"
    with pytest.raises(requests.ConnectionError, match="certificate required"):
        anonymous.get(url, timeout=10)


def test_plain_http_is_answered_nowhere_but_by_the_redirection_to_https(cluster: Cluster) -> None:
    """Asked from the monitor, to whom most ports are open. Traefik knows no service without TLS, and says 404."""
    answers = {ports.HTTP: {"301", "308"}, ports.HTTPS: {"404"}, ports.TRAEFIK_METRICS: {"404"}}
    service = f"-H 'Host: web.{cluster.env.ingress_domain}'"
    for host in cluster.env.hosts:
        for port in sorted(_tcp(cluster.env, host, cluster.env.monitor.address) - {ports.SSH}):
            code = _curl(cluster, f"http://{host.address}:{port}/metrics", service)
            assert code in answers.get(port, {"000", "400"}), f"{host.name}:{port}: {code}"


def test_our_own_client_refuses_a_server_with_a_certificate_of_another_ca(cluster: Cluster, tmp_path: Path) -> None:
    cert, key = _foreign(tmp_path, certificates.Leaf(service="consul", names=("localhost",), addresses=("127.0.0.1",)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, daemon=True).start()
    with pytest.raises(requests.exceptions.SSLError, match="certificate verify failed"):
        cluster.access.session().get(f"https://127.0.0.1:{server.server_port}/v1/status/leader")
    server.shutdown()
    server.server_close()


def test_servers_refuse_a_client_certificate_of_another_ca(cluster: Cluster, tmp_path: Path) -> None:
    """Each is asked with a certificate of our CA first, so that the refusal is the certificate's alone."""
    monitor = cluster.env.monitor
    cert, key = _foreign(tmp_path, certificates.Leaf(service="prometheus", names=("prometheus",), client=True))
    folder = "/run/foreign"
    cluster.ssh(monitor, f"mkdir -p -m 700 {folder}")
    for file in (cert, key):
        ssh.run(monitor, f"cat > {folder}/{file.name}", stdin=file.read_text())
    own = f"--cert {certificates.cert('prometheus')} --key {certificates.key('prometheus')}"
    foreign = f"--cert {folder}/{cert.name} --key {folder}/{key.name}"
    for port, path in (
        (ports.LOKI, "/ready"), (ports.NODE_EXPORTER, "/metrics"), (ports.COLLECTOR_METRICS, "/metrics"),
    ):  # fmt: skip
        url = f"https://{monitor.address}:{port}{path}"
        assert _curl(cluster, url, own) != "000", f"{port} refuses its own"
        assert _curl(cluster, url, foreign) == "000", f"{port} lets a stranger's certificate in"
    cluster.ssh(monitor, f"rm -r {folder}")


def test_a_port_scan_finds_the_port_table_and_nothing_else(cluster: Cluster, stranger: Host) -> None:
    """From a stranger and from a client, every port of one host, and of all the others those that anybody uses.

    Not every port of every host from everywhere: each knock is remembered for two minutes by the connection
    tracking of the machine under us, which has room for 262,144.
    """
    server, client = cluster.env.monitor, cluster.env.clients[0]
    whole = {stranger.name: server, cluster.env.clients[1].name: client}
    with ThreadPoolExecutor() as pool:
        scans = [
            (source, target, pool.submit(_scan, source, target, whole=whole[source.name] == target))
            for source in (stranger, cluster.env.clients[1])
            for target in cluster.env.hosts
            if source != target
        ]
        for source, target, scan in scans:
            wanted = _tcp(cluster.env, target, source.address)
            assert scan.result() == wanted, f"from {source.name} to {target.name}"


def test_every_service_of_ours_is_sandboxed_by_systemd(cluster: Cluster) -> None:
    for host in cluster.env.hosts:
        found = _exposures(cluster, host)
        by_nature = ROOT_BY_NATURE if host in cluster.env.clients else set()
        loose = {unit: value for unit, value in found.items() if value > EXPOSURE and unit not in by_nature}
        assert loose == {}, host.name


def _exposures(cluster: Cluster, host: Host) -> dict[str, float]:
    """The figure of systemd for each service that we run; what the distribution runs by itself is its own."""
    lines = cluster.ssh(host, "systemd-analyze security --no-pager | awk 'NR > 1 && NF > 1 {print $1, $2}'")
    wanted = cluster.ssh(host, "systemctl list-units --type=service --state=running --plain --no-legend").splitlines()
    running = {line.split()[0] for line in wanted}
    figures = dict(line.split() for line in lines.splitlines())
    ours = {unit for unit in running if unit.partition(".")[0].partition("@")[0] not in DISTRIBUTION}
    return {unit: float(figures[unit]) for unit in sorted(ours & figures.keys())}


def _tcp(env: Environment, host: Host, source: str) -> set[int]:
    """The TCP ports that the port table opens to an address, without the range in which jobs choose theirs."""
    return {
        opening.ports[0]
        for opening in firewall.openings(env, host)
        if opening.ports[0] == opening.ports[1] and (not opening.sources or firewall.admits(opening.sources, source))
    }


def _scan(source: Host, target: Host, *, whole: bool) -> set[int]:
    first, last = ports.NOMAD_DYNAMIC
    spans = "1-65535" if whole else f"1-10000,{first}-{first + 99}"
    line = f"ulimit -n $(ulimit -Hn); python3 - {target.address} {spans}"
    output = ssh.run(source, line, bound_s=120, stdin=(PROBES / "scan.py").read_text())
    found = {int(row.split()[1]) for row in output.splitlines()}
    # The table opens the dynamic range between the hosts themselves: what jobs have there is theirs to protect.
    return {port for port in found if source.roles == frozenset() or not first <= port <= last}


def _curl(cluster: Cluster, url: str, arguments: str = "") -> str:
    line = f"curl -sk -m 5 -o /dev/null -w '%{{http_code}}' {arguments} {shlex.quote(url)} || true"
    return cluster.ssh(cluster.env.monitor, line).strip()


def _foreign(folder: Path, leaf: certificates.Leaf) -> tuple[Path, Path]:
    """A certificate of a CA that nobody here trusts."""
    key = authority.new_key()
    issued = authority.load(key, authority.root(key, "elsewhere")).issue(leaf)
    cert, private = folder / "cert.pem", folder / "key.pem"
    cert.write_text(issued.cert)
    private.write_text(issued.key)
    return cert, private
