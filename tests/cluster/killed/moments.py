"""Moments of a bring-up, each seen from outside, at which the operator's machine dies."""

import fcntl
import shlex
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import hvac

from configs import nomad, vault
from configs.errors import HostError
from deploy.operations import vault_init
from tests.cluster import convergence
from tests.cluster.cluster import Cluster
from vagrant import ssh
from vagrant.waiting import wait

BOUND_S = 180.0
PAUSE_S = 0.005
"""A moment is over as soon as it is there: it is looked for all the time."""

Seen = Callable[[], bool]
Watch = Callable[[Cluster, Path], AbstractContextManager[Seen]]
"""From an environment and a run's log to the question whether the moment is there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """When a run is killed.

    Attributes:
        what: what has just been seen, in words.
        watch: how it is seen.
        power_cut: whether the host dies too.
        held: whether somebody else holds the secrets file meanwhile: what was just made cannot be kept.
    """

    what: str
    watch: Watch
    power_cut: bool = False
    held: bool = False


def says(text: str, *, power_cut: bool = False) -> Moment:
    """The run's log has this text: it says what it does just before it does it."""

    @contextmanager
    def watch(_: Cluster, log: Path) -> Iterator[Seen]:
        yield lambda: text in log.read_text()

    return Moment(what=f"the log says: {text}", watch=watch, power_cut=power_cut)


def starts(operation: str, *, power_cut: bool = False) -> Moment:
    """An operation starts: what it asks first takes longer than our signal."""
    return says(f"Starting operation: {operation}", power_cut=power_cut)


def on_host(what: str, condition: str, *, power_cut: bool = False, held: bool = False) -> Moment:
    """A shell condition holds on the host, which looks for it by itself."""

    @contextmanager
    def watch(cluster: Cluster, _: Path) -> Iterator[Seen]:
        loop = f"until {condition} >/dev/null 2>&1; do sleep 0.02; done"
        words = ("sudo", "timeout", f"{BOUND_S:.0f}", "sh", "-c", shlex.quote(loop))
        with subprocess.Popen(ssh.command(cluster.env.hosts[0], *words), stdin=subprocess.DEVNULL) as loops:
            yield lambda: loops.poll() == 0
            loops.kill()

    return Moment(what=what, watch=watch, power_cut=power_cut, held=held)


def answers(what: str, probe: Callable[[Cluster], object], *, held: bool = False) -> Moment:
    """An API, or the secrets file, answers so."""
    return Moment(what=what, watch=lambda cluster, _: nullcontext(lambda: bool(probe(cluster))), held=held)


def kill(cluster: Cluster, moment: Moment) -> str:
    """Start the bring-up, kill it with SIGKILL the instant a moment is there, and return its log.

    Raises:
        HostError: when the run ends before the moment, or the moment does not come.
    """
    with tempfile.NamedTemporaryFile("w+") as file, _holder(cluster) if moment.held else nullcontext():
        log = Path(file.name)
        with moment.watch(cluster, log) as seen, convergence.start(cluster.inventory, log=file) as run:
            try:
                wait(moment.what, lambda: run.poll() is not None or seen(), bound_s=BOUND_S, pause_s=PAUSE_S)
            except HostError as error:
                raise HostError(f"{error}\n{log.read_text()}") from error
            finally:
                run.kill()
        if run.returncode >= 0:
            raise HostError(f"{moment.what}: the run ended before that, with {run.returncode}\n{log.read_text()}")
        if moment.power_cut:
            cluster.fleet.kill(cluster.env.hosts[0].name)
            cluster.fleet.start(cluster.env.hosts[0].name)
        return log.read_text()


@contextmanager
def _holder(cluster: Cluster) -> Iterator[None]:
    """Somebody who holds the secrets file, as another run would for a moment."""
    with cluster.access.secrets.path.with_suffix(".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _root_is_revoked(cluster: Cluster) -> bool:
    access = cluster.access
    token = access.secrets.find(vault_init.ROOT) or "forgotten"
    try:
        access.vault(token=token).auth.token.lookup_self()
    except hvac.exceptions.Forbidden:
        return True
    return False


INITIALISED = f"test -e {vault.INIT_ANSWER}"

CHAIN = (
    says("Preparing operation files"),
    starts("Preflight | Acquire the artifacts"),
    on_host("packages are being unpacked", "pgrep -x dpkg-deb"),
    starts("Base | Put users, folders and kernel settings in force", power_cut=True),
    starts("Base | Put packet filter, journal and names in force"),
    on_host("the CA is there, certificates are not", "test -e /etc/socle/pki/ca.pem"),
    on_host("archives are being uploaded", "ls /srv/socle/incoming/*"),
    on_host("a version is being unpacked", "ls -d /opt/socle/*/.*.new"),
    on_host("Consul's configuration is there, Consul is not", "test -e /etc/consul/consul.json"),
    starts("Consul | Have access control: policies and tokens"),
    answers("Consul's bootstrap token is in force", lambda cluster: cluster.access.consul().acl.token.read_self()),
    on_host("Vault starts", "systemctl is-active vault"),
    starts("Vault | Have Vault initialised once"),
    says("initialise Vault"),
    on_host("Vault gave its shares, and the host dies with them", INITIALISED, power_cut=True, held=True),
    on_host("Vault gave its shares", INITIALISED, held=True),
    answers("the shares are in the secrets file", lambda cluster: cluster.access.secrets.find(vault_init.KEYS)),
    says("] unseal"),
    says("enable the audit device file"),
    answers("the root token is revoked", _root_is_revoked, held=True),
    on_host("Nomad starts", "systemctl is-active nomad"),
    starts("Nomad servers | Have access control: policies and tokens"),
    answers("Nomad's bootstrap token is in force", lambda cluster: cluster.access.nomad().acl.get_self_token()),
    answers("a token was made", lambda cluster: len(cluster.access.nomad().acl.get_tokens()) > 1, held=True),
    says("mount JWT in Vault"),
    on_host("Docker is being set up", "test -e /etc/docker/daemon.json", power_cut=True),
    on_host("the client is being introduced", f"test -e {nomad.INTRODUCTION}"),
    on_host("Loki starts", "systemctl is-active loki"),
    starts("Prometheus | Run Prometheus"),
    starts("Logs | Run the Collector"),
    says("run the job ingress"),
    answers("the ingress is registered", lambda cluster: cluster.access.nomad().job.get_job("ingress")),
    answers("the proof is running", lambda cluster: cluster.access.nomad().job.get_job("acceptance")),
)
"""Every phase at least once; Vault's initialisation and the ACL bootstraps just before and just after the call."""
