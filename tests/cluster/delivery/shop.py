"""A sample service of a story: its versions, its instances, its rollout."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configs import ingress
from jobs.nomad import watch
from jobs.nomad.client import Client
from jobs.rollout.journal import Journal
from jobs.rollout.kv import KV
from jobs.rollout.reach import Reach
from jobs.rollout.state import State
from jobs.rollout.traffic import Ingress
from tests.cluster.cluster import Cluster
from tests.cluster.delivery import command, versions
from tests.cluster.delivery.command import Command, Done
from vagrant.waiting import wait

READY_S = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Shop:
    """A job of its own name, with versions of the sample service.

    Attributes:
        cluster: where it runs.
        name: the job's and its service's.
        folder: for its job files.
        reach: the environment's APIs.
    """

    cluster: Cluster
    name: str
    folder: Path
    reach: Reach

    @classmethod
    def of(cls, cluster: Cluster, name: str, folder: Path) -> "Shop":
        """A shop of an environment."""
        return cls(cluster=cluster, name=name, folder=folder, reach=Reach.of(cluster.access))

    @property
    def nomad(self) -> Client:
        """Nomad, at whichever server answers."""
        return self.reach.nomad

    @property
    def journal(self) -> Journal:
        """The rollouts of the job."""
        return Journal(self.reach.consul, self.name)

    def file(self, version: str, release: str, strategy: str = "canary") -> str:
        """The job file of a version (tests.cluster.delivery.versions)."""
        return str(versions.write(self.folder, self.name, version, release, strategy))

    def opened(self, release: str, strategy: str = "canary") -> Done:
        """Have a good version run whole and be reached through every ingress, whatever was there before.

        Raises:
            AssertionError: when it does not come to that.
        """
        self.abandon()
        if self.nomad.find(self.name):
            self.run("stop", self.file("good", release, strategy))
        done = self.run("run", self.file("good", release, strategy))
        assert done.exit == 0, str(done)
        wait(f"{self.name} is in force at every ingress", self._served, bound_s=READY_S)
        return done

    def close(self) -> None:
        """Stop it."""
        self.abandon()
        self.run("stop", self.file("good", "any"))

    def abandon(self) -> None:
        """Take back whatever rollout is open."""
        if self.journal.read():
            self.run("abort", self.file("good", "any"))

    def run(self, verb: str, file: str, *more: str) -> Done:
        """`python -m jobs VERB FILE MORE`, to its end."""
        return command.run(self.cluster.inventory, verb, file, *more)

    def start(self, verb: str, file: str, *more: str) -> Command:
        """The same, running."""
        return Command(self.cluster.inventory, verb, file, *more)

    def state(self) -> State:
        """The open rollout.

        Raises:
            AssertionError: when none is.
        """
        state = self.journal.read()
        assert state is not None, f"no rollout of {self.name} is open"
        return state

    def instances(self) -> Mapping[str, dict[str, Any]]:
        """The running instances that Nomad wants to run, by allocation."""
        found = self.nomad.allocations(self.name)
        return {a["ID"]: a for a in found if a["ClientStatus"] == "running" and a["DesiredStatus"] == "run"}

    def stables(self, release_version: int) -> set[str]:
        """The allocations of one of Nomad's versions."""
        return {each for each, a in self.instances().items() if a["JobVersion"] == release_version}

    def whole(self) -> bool:
        """Whether all that should run of its newest version does."""
        return watch.look(self.nomad, self.name, self.nomad.job(self.name)["Version"]).done

    def weights(self) -> str:
        """What stands in Consul for its traffic; empty when nothing does."""
        entry = KV(self.reach.consul).get(ingress.weights_key(self.name))
        return entry.value.decode() if entry else ""

    def _served(self) -> bool:
        halves = Ingress(self.reach.consul, self.reach.ingresses, self.reach.session).look(self.name).ingresses
        return all(half is not None and half.stables > 0 for half in halves.values())
