"""A small job of a story of faults: opened afresh, rolled out, and looked at when all is over."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import repeat
from pathlib import Path

from configs import ingress
from configs.consul import JOURNALS
from configs.errors import HostError
from jobs.rollout.seen import Traffic
from jobs.rollout.state import Phase, State
from jobs.rollout.traffic import Ingress
from tests.cluster.cluster import Cluster
from tests.cluster.delivery import trials
from tests.cluster.delivery.command import Command, Done
from tests.cluster.delivery.shop import Shop
from vagrant.waiting import wait

BOUND_S = 180.0
"""For a phase or a step to come, in seconds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stall:
    """A job with an old release whole and a trial of a new one.

    Attributes:
        shop: the job.
        trial: one of tests.cluster.delivery.trials.TRIALS.
        stables: the allocations of the old release.
        version: Nomad's version of the old release.
        begun: the commands that were started.
    """

    shop: Shop
    trial: str
    stables: frozenset[str]
    version: int
    begun: list[Command] = field(default_factory=list)

    @classmethod
    def opened(cls, shop: Shop, trial: str) -> "Stall":
        """The old release of a job, whole and reached, with nothing left of any earlier."""
        name = shop.name
        _forget(shop)
        done = shop.run("run", trials.write(shop.folder, name, "good" if trial == "bad" else trial, "old"))
        assert done.exit == 0, str(done)
        wait(f"{name} is in force at every ingress", lambda: _served(shop), bound_s=BOUND_S)
        return cls(shop=shop, trial=trial, stables=frozenset(shop.instances()), version=shop.nomad.job(name)["Version"])

    @property
    def name(self) -> str:
        """The job's and its service's."""
        return self.shop.name

    @property
    def file(self) -> str:
        """The job file of the new release."""
        return trials.write(self.shop.folder, self.shop.name, self.trial, "new")

    @property
    def traffic(self) -> Traffic:
        """The split now."""
        return _traffic(self.shop)

    def canaries(self) -> frozenset[str]:
        """The running allocations of the new release."""
        return frozenset(self.shop.instances()) - self.stables

    def scaled(self, count: int) -> "Stall":
        """The old release with another count, whole again."""
        nomad = self.shop.nomad
        nomad.scale(self.name, self.name, count, "a story begins with it")

        def whole() -> bool:
            newest = nomad.deployments(self.name)[0]
            there = len(self.shop.instances()) == count and newest["Status"] == "successful"
            return bool(there and newest["JobVersion"] > self.version)

        wait(f"{self.name} has {count}", whole, bound_s=BOUND_S)
        version = nomad.job(self.name)["Version"]
        return replace(self, stables=frozenset(self.shop.instances()), version=version)

    def begin(self) -> Command:
        """`run` the new release."""
        self.begun.append(begun := self.shop.start("run", self.file))
        return begun

    def cut(self, place: str) -> Done:
        """`run` the new release until the power is cut at a place (tests.cluster.delivery.cut), or to its end."""
        program = ("tests.cluster.delivery.cut", place)
        return Command(self.shop.cluster.inventory, "run", self.file, program=program).done()

    def end(self) -> None:
        """End the commands that a story has left running."""
        for each in self.begun:
            each.kill()

    def comes_to(
        self, what: str, phase: Phase, *, step: int = 0, setbacks: int = 0, judged: bool = False, running: Command
    ) -> State:
        """Wait for a phase of the open rollout; for a step of it, after so many losses, and until that is judged.

        Raises:
            HostError: when it does not come, or its command ends, with what was decided.
        """

        def seen() -> State | None:
            state = self.shop.journal.read()
            if state is None or state.phase is not phase or state.step < step or state.setbacks < setbacks:
                return None
            return state if state.tallies or not judged else None

        try:
            found = wait(what, lambda: seen() or not running.running, bound_s=BOUND_S)
        except HostError as error:
            raise HostError(f"{error}\n{running.log}") from None
        if not isinstance(found, State):
            raise HostError(f"{what}: the command ended before\n{running.done()}")
        return found

    def is_reverted(self, done: Done, *, asked: bool = False, moved: bool = False) -> None:
        """Insist that the old release is as it was before, has all of the traffic, and the history says why.

        Args:
            done: the command that saw the end.
            asked: whether it was to abort: it has done then what it was asked for.
            moved: whether a host was lost: as many instances are there as before, but not the same.
        """
        assert (done.exit, done.rollout["result"]) == (0 if asked else 1, "reverted"), str(done)
        self._is_over(done)
        running = self.shop.instances()
        changed = f"{sorted(self.stables)} are {sorted(running)}\n{done}"
        assert moved or frozenset(running) == self.stables, changed
        assert len(running) == len(self.stables), changed
        # The new release, and the old one once more: nobody went back twice.
        assert {a["JobVersion"] for a in running.values()} == {self.version + 2}, str(done)

    def is_done(self, done: Done) -> None:
        """Insist that the new release has taken the place of the old one, by one version and one deployment."""
        assert (done.exit, done.rollout["result"]) == (0, "done"), str(done)
        self._is_over(done)
        running = self.shop.instances().values()
        assert {a["JobVersion"] for a in running} == {self.version + 1}, str(done)
        assert len(running) == len(self.stables), str(done)
        made = [d["JobVersion"] for d in self.shop.nomad.deployments(self.shop.name)]
        assert made.count(self.version + 1) == 1, str(made)
        assert max(made) == self.version + 1, str(made)

    def is_held(self, done: Done) -> None:
        """Insist that the rollout waits for a person, without any traffic for the canary."""
        assert (done.exit, done.rollout["phase"]) == (3, "held"), str(done)
        assert self.shop.state().phase is Phase.HELD
        self._has_no_weight(done)
        assert self.stables <= frozenset(self.shop.instances()), str(done)

    def _is_over(self, done: Done) -> None:
        assert self.shop.journal.read() is None, str(done)
        (last,) = self.shop.journal.history(1)
        assert (last.id, last.reason) == (done.rollout["id"], done.reason)
        self._has_no_weight(done)

    def _has_no_weight(self, done: Done) -> None:
        wait(f"no weight\n{done}", lambda: not self.traffic.written and self.traffic.in_force(0), bound_s=5)


@contextmanager
def stalls(cluster: Cluster, folder: Path, *chosen: str) -> Iterator[list[Stall]]:
    """Jobs of these trials, opened and taken away side by side, whatever becomes of the story or its beginning."""
    shops = [Shop.of(cluster, f"fault-{trial}", folder) for trial in chosen]
    with ThreadPoolExecutor() as pool:
        opening = [*map(pool.submit, repeat(Stall.opened), shops, chosen)]
        try:
            yield [each.result() for each in opening]
        finally:
            for each in opening:
                if not each.exception():
                    each.result().end()
            list(pool.map(_forget, shops))


def _forget(shop: Shop) -> None:
    """Take all of a job away."""
    if shop.journal.read():
        shop.run("abort", trials.write(shop.folder, shop.name, "good", "any"))
    shop.nomad.purge(shop.name)
    kv = shop.cluster.access.consul().kv
    kv.delete(f"{JOURNALS}{shop.name}/", recurse=True)
    kv.delete(ingress.weights_key(shop.name))
    wait(f"nothing of {shop.name} is left", lambda: _gone(shop), bound_s=BOUND_S)


def _traffic(shop: Shop) -> Traffic:
    return Ingress(shop.reach.consul, shop.reach.ingresses, shop.reach.session).look(shop.name)


def _served(shop: Shop) -> bool:
    return all(half is not None and half.stables > 0 for half in _traffic(shop).ingresses.values())


def _gone(shop: Shop) -> bool:
    return not any(a["ClientStatus"] in ("pending", "running") for a in shop.nomad.allocations(shop.name))
