"""Releases on a real Nomad with its Consul, and from one of them to another: rolled out, taken back, carried on."""

import argparse
import dataclasses
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import nomad as nomad_api
import pytest
import requests

from configs.environment import Environment
from configs.errors import ConfigError, HeldError, JobError, PromotionError, RolloutError
from jobs import files
from jobs.commands import advance, follow, importing, plan, release, request, rollback
from jobs.commands.exits import Exit, PlanExit
from jobs.commands.options import Site
from jobs.differences import Differences, Differs, by_environment
from jobs.nomad import spec, versions
from jobs.nomad.client import Client
from jobs.promotion import sameness, tags
from jobs.rollout import runner
from jobs.rollout.checks import Restarts
from jobs.rollout.plan import Plan, Step, rolling
from jobs.rollout.reach import Reach
from jobs.rollout.state import Decision, Phase, Result
from tests.integration import rollouts, servers
from tests.integration.conftest import Binary
from tests.integration.servers import Server
from tests.unit import example

_HOLD = timedelta(seconds=1)
_CANARY = Plan(strategy="canary", steps=(Step(weight=100, hold=_HOLD),), checks=(Restarts(),), interval=_HOLD / 2)


@dataclasses.dataclass(frozen=True)
class _Loopback(Site):
    """An environment whose servers are these."""

    running: Reach

    @property
    def reach(self) -> Reach:
        return self.running


class _File:
    """A job file; each instance of it is one version."""

    DIFFERENCES: Differences = by_environment(Differs(count=1), prod=Differs(count=2))

    def __init__(self, name: str, says: str, command: str = "exec sleep 300") -> None:
        self._name, self._says, self._command = name, says, command

    def job(self, env: Environment) -> spec.Job:
        return self.DIFFERENCES.applied(env.name, _job(self._name, self._says, self._command))

    def rollout(self, _env: Environment) -> Plan:
        return _CANARY


def _job(name: str, says: str, command: str) -> spec.Job:
    update = spec.Update(
        canary=1,
        health_check="task_states",
        min_healthy_time=timedelta(seconds=1),
        healthy_deadline=timedelta(seconds=10),
        progress_deadline=timedelta(seconds=15),
        auto_revert=True,
    )
    task = spec.Task(
        name="sleep",
        driver="raw_exec",
        config={"command": "/bin/sh", "args": ["-c", command]},
        env={"SAYS": says},
        resources=spec.Resources(cpu=10, memory_mb=16),
        kill_timeout=timedelta(seconds=1),
    )
    group = spec.TaskGroup(
        name="sleep",
        update=update,
        restart=spec.Restart(attempts=0, interval=timedelta(seconds=10), delay=timedelta(0), mode="fail"),
        reschedule=spec.Reschedule(attempts=0, unlimited=False),
        tasks=(task,),
    )
    return spec.Job(id=name, type="service", datacenters=("*",), task_groups=(group,))


@pytest.fixture(scope="module")
def test_site(nomad: Server, consul: Server) -> Site:
    return _site("test", nomad, consul)


@pytest.fixture(scope="module")
def prod_site(binary: Binary, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("prod")
    with (
        servers.consul(binary("consul"), folder / "consul") as consul,
        servers.nomad(binary("nomad"), folder / "nomad", consul.url) as nomad,
    ):
        yield _site("prod", nomad, consul)


def _site(name: str, nomad: Server, consul: Server) -> Site:
    reach = Reach(
        env=name,
        nomad=Client(nomad_api.Nomad(address=nomad.url)),
        consul=rollouts.client(consul.url, ""),
        ingresses={},
        session=requests.Session(),
        prometheus=("http://127.0.0.1:9", requests.Session()),
        loki=("http://127.0.0.1:9", requests.Session()),
    )
    return _Loopback(example.environment(name=name, ingress_domain=f"{name}.test"), reach)


@pytest.fixture
def name(request: pytest.FixtureRequest, test_site: Site) -> Iterator[str]:
    """A job's name of the test's own; nothing of it runs afterwards."""
    made = request.node.name.removeprefix("test_").replace("_", "-")[:40].strip("-")
    yield made
    test_site.nomad.purge(made)


def _release(site: Site, file: _File, plan: Plan = _CANARY, **more: bool) -> release.Released:
    order = release.Order(
        job=file.job(site.env), plan=plan, who="ada@desk", fingerprint=sameness.fingerprint(file, site.env), **more
    )
    return release.release(site, order, _unheard)


def _unheard(_decision: Decision) -> None:
    """Nobody listens."""


def _says(site: Site, name: str) -> tuple[str, int]:
    """What the version that runs says, and its count."""
    [group] = site.nomad.job(name)["TaskGroups"]
    return group["Tasks"][0]["Env"]["SAYS"], group["Count"]


def test_a_version_is_released_once_and_remembered(test_site: Site, name: str) -> None:
    first = _release(test_site, _File(name, "one"))
    assert (first.exit, first.version, first.changed) == (Exit.DONE, 0, True)
    second = _release(test_site, _File(name, "two"))
    assert (second.exit, second.version) == (Exit.DONE, 1)
    again = _release(test_site, _File(name, "two"))
    assert (again.exit, again.version, again.changed) == (Exit.DONE, 1, False)
    kept = test_site.journal(name).history()
    assert [(each.version, each.result, each.who) for each in kept] == [
        (1, Result.DONE, "ada@desk"),
        (0, Result.DONE, "ada@desk"),
    ]


def test_a_version_that_fails_is_taken_back_and_said_to_be(test_site: Site, name: str) -> None:
    _release(test_site, _File(name, "one"))
    bad = _release(test_site, _File(name, "bad", command="exit 1"))
    assert bad.exit is Exit.FAILED
    assert _says(test_site, name)[0] == "one"


def test_an_open_rollout_of_another_version_is_in_the_way_until_it_is_superseded(test_site: Site, name: str) -> None:
    _release(test_site, _File(name, "one"))
    for_ever = dataclasses.replace(_CANARY, steps=(Step(weight=100, hold=timedelta(hours=1)),))
    order = release.Order(job=_File(name, "two").job(test_site.env), plan=for_ever, who="bob@desk")
    state = runner.fresh(test_site.reach, order.job, order.plan, who=order.who, fingerprint="", now=0)
    with test_site.journal(name).lease("bob@desk") as lease:
        lease.write(state)
    with pytest.raises(HeldError, match=r"begun .* by bob@desk"):
        _release(test_site, _File(name, "three"))
    with pytest.raises(PromotionError, match=r"a rollout is open \(registering\) - take it back with abort"):
        rollback.run_on(test_site, argparse.Namespace(job=name, to=None, with_rollout=False, json=False))
    superseding = _release(test_site, _File(name, "three"), supersede=True)
    assert superseding.exit is Exit.DONE
    assert _says(test_site, name)[0] == "three"


def test_who_runs_a_rollout_does_what_another_asks(test_site: Site, name: str) -> None:
    given = argparse.Namespace(job=name, json=False)
    with pytest.raises(RolloutError, match="no rollout is open"):
        request.run_on(test_site, "abort", given)
    _release(test_site, _File(name, "one"))
    for_ever = dataclasses.replace(_CANARY, steps=(Step(weight=100, hold=timedelta(hours=1)),))
    with ThreadPoolExecutor() as threads:
        running = threads.submit(_release, test_site, _File(name, "two"), for_ever)
        journal = test_site.journal(name)
        servers.until("it is judged", lambda: (state := journal.read()) and state.phase is Phase.ANALYSING, 60)
        assert request.run_on(test_site, "pause", given) is Exit.DONE
        assert (state := journal.read())
        assert state.paused
        assert request.run_on(test_site, "abort", given) is Exit.DONE
        assert running.result(60).exit is Exit.FAILED
    assert _says(test_site, name)[0] == "one"


def test_a_rollback_brings_the_last_good_version_and_leaves_the_count(test_site: Site, name: str) -> None:
    for says in ("one", "two"):
        _release(test_site, _File(name, says))
    test_site.nomad.scale(name, "sleep", 3, "more is asked of it")
    servers.until("it is scaled", lambda: _stable(test_site, name, 2), 30)
    given = argparse.Namespace(job=name, to=None, with_rollout=False, json=False)
    assert rollback.run_on(test_site, given) is Exit.DONE
    assert _says(test_site, name) == ("one", 3)
    assert rollback.run_on(test_site, given) is Exit.DONE
    assert _says(test_site, name) == ("two", 3)
    given.to = 0
    assert rollback.run_on(test_site, given) is Exit.DONE
    assert _says(test_site, name) == ("one", 3)
    assert test_site.journal(name).history()[0].plan == rolling()


def test_a_release_waits_for_the_end_of_what_scales_the_job(test_site: Site, name: str) -> None:
    _release(test_site, _File(name, "one"))
    test_site.nomad.scale(name, "sleep", 3, "more is asked of it")
    servers.until("its deployment is there", lambda: len(test_site.nomad.deployments(name)) == 2, 10)
    assert _release(test_site, _File(name, "two")).exit is Exit.DONE
    assert [each["Status"] for each in test_site.nomad.deployments(name)] == ["successful"] * 3


def _stable(site: Site, name: str, version: int) -> bool:
    newest = versions.of(site.nomad, name)[0]
    return newest.number == version and newest.stable


def test_a_rollback_to_a_version_that_was_not_good_is_refused_with_those_that_were(test_site: Site, name: str) -> None:
    _release(test_site, _File(name, "one"))
    _release(test_site, _File(name, "bad", command="exit 1"))
    _release(test_site, _File(name, "three"))
    given = argparse.Namespace(job=name, to=1, with_rollout=False, json=False)
    with pytest.raises(PromotionError, match=r"no version 1 that is good .* - good ones: 2, 0"):
        rollback.run_on(test_site, given)
    with pytest.raises(JobError, match="no job of this name"):
        rollback.run_on(test_site, argparse.Namespace(job="nothing", to=None, with_rollout=False, json=False))


def test_what_passed_is_carried_on_and_named_in_both(test_site: Site, prod_site: Site, name: str) -> None:
    file = _File(name, "one")
    with pytest.raises(PromotionError, match=r"test: .* does not run - run it there first"):
        advance.carried(file, test_site, prod_site, _unheard)
    _release(test_site, file)
    carried = advance.carried(file, test_site, prod_site, _unheard)
    assert carried.released.exit is Exit.DONE
    assert _says(test_site, name) == ("one", 1)
    assert _says(prod_site, name) == ("one", 2)
    [kept] = prod_site.journal(name).history()
    assert kept.who.endswith(", from test")
    assert kept.fingerprint == carried.fingerprint
    for site in (test_site, prod_site):
        [version] = versions.of(site.nomad, name)
        assert version.tag == f"{tags.PREFIX}{carried.fingerprint[:12]}-v0"
        assert version.note.startswith("test to prod by ")
    again = advance.carried(file, test_site, prod_site, _unheard)
    assert not again.released.changed
    prod_site.nomad.purge(name)


def test_what_did_not_pass_is_refused_with_every_reason(test_site: Site, prod_site: Site, name: str) -> None:
    _release(test_site, _File(name, "one"))
    with pytest.raises(PromotionError) as caught:
        advance.carried(_File(name, "two"), test_site, prod_site, _unheard)
    other, unknown = caught.value.findings
    assert "another version of" in other
    assert "Env[SAYS]: 'one' => 'two'" in other
    assert "no rollout of this version" in unknown
    assert prod_site.nomad.find(name) is None
    assert caught.value.exit_code == Exit.REFUSED


def test_a_version_whose_last_rollout_was_taken_back_is_refused(test_site: Site, prod_site: Site, name: str) -> None:
    file = _File(name, "one")
    _release(test_site, file)
    [passed] = test_site.journal(name).history()
    later = dataclasses.replace(passed, id="later", started=passed.started + 1, result=Result.REVERTED, reason="5 %")
    with test_site.journal(name).lease("ada@desk") as lease:
        lease.finish(later)
    with pytest.raises(PromotionError, match="test: its last rollout there was reverted: 5 %"):
        advance.carried(file, test_site, prod_site, _unheard)


def test_a_plan_ends_like_nomads(
    test_site: Site, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "sleepy.py"
    path.write_text(_SLEEPY.format(name=name))
    given = argparse.Namespace(job=[str(path)], json=False)
    assert plan.run_on(test_site, given) is PlanExit.CHANGES
    told = capsys.readouterr().out
    assert f"+ job {name}" in told
    assert "rollout: rolling" in told
    job = files.load(str(path)).job(test_site.env)
    release.release(test_site, release.Order(job=job, plan=rolling(), who="ada@desk"), _unheard)
    assert plan.run_on(test_site, given) is PlanExit.SAME
    given.json = True
    plan.run_on(test_site, given)
    assert json.loads(capsys.readouterr().out.partition("\n")[2])["changes"] is False


_SLEEPY = """
from jobs.nomad import spec
def job(env):
    task = spec.Task(name="sleep", driver="raw_exec", config={{"command": "/bin/sleep", "args": ["300"]}})
    return spec.Job(id="{name}", datacenters=("*",), task_groups=(spec.TaskGroup(name="sleep", tasks=(task,)),))
"""

_HCL = """
job "NAME" {
  datacenters = ["*"]
  group "sleep" {
    count = 1
    task "sleep" {
      driver = "raw_exec"
      config {
        command = "/bin/sleep"
        args    = ["300"]
      }
      kill_timeout = "1s"
    }
  }
}
"""


def test_a_job_in_hcl_becomes_a_file_that_renders_to_the_same_job(test_site: Site, name: str, tmp_path: Path) -> None:
    hcl, file = tmp_path / "sleep.nomad.hcl", tmp_path / "sleep.py"
    hcl.write_text(_HCL.replace("NAME", name))
    given = argparse.Namespace(file=hcl, output=file, force=False, json=False)
    assert importing.run_on(test_site, given) is Exit.DONE
    original = spec.Job.from_api(test_site.nomad.parse(hcl.read_text()))
    test_site.nomad.register(original, 0)
    assert not test_site.nomad.plan(files.load(str(file)).job(test_site.env)).changes
    with pytest.raises(ConfigError, match="it is there already"):
        importing.run_on(test_site, given)
    given.force = True
    assert importing.run_on(test_site, given) is Exit.DONE


def test_a_job_that_is_no_service_is_followed_and_remembered_too(test_site: Site, name: str) -> None:
    once = dataclasses.replace(_job(name, "once", "true"), type="batch")
    [group] = once.task_groups
    job = dataclasses.replace(once, task_groups=(dataclasses.replace(group, update=None, reschedule=None),))
    order = release.Order(job=job, plan=rolling(), who="ada@desk")
    assert release.release(test_site, order, _unheard).exit is Exit.DONE
    [kept] = test_site.journal(name).history()
    assert (kept.result, kept.phase, kept.version) == (Result.DONE, Phase.ENDED, 0)
    assert [*follow.told(kept)] == [f"{name}, version 0: done: version 0 runs whole"]


def test_a_version_that_fails_after_a_stop_is_said_to_have_failed(test_site: Site, name: str) -> None:
    _release(test_site, _File(name, "one"))
    test_site.nomad.stop(name)
    bad = _release(test_site, _File(name, "bad", command="exit 1"))
    assert (bad.exit, test_site.nomad.job(name)["Stop"]) == (Exit.FAILED, True)
    assert bad.state
    assert "exit code: 1" in bad.state.reason.lower()
    assert "no earlier version" in bad.state.reason
