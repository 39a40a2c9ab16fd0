"""What Nomad accepts and its owner regrets is told; what is well is not."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from inventory import environments
from jobs import controller, ingress, web, web_docker
from jobs.nomad import advice, service, spec

_NETWORK = spec.Network(mode="bridge", dynamic_ports=(spec.Port(label="http", to=8080),))
_TASK = spec.Task(name="app", driver="exec", config={"command": "true"})
_GROUP = replace(service.service("web", network=_NETWORK, tasks=(_TASK,)), count=3)
_UPDATE = _GROUP.update or spec.Update()
[_ENTRY] = _GROUP.services or ()
[_CHECK] = _ENTRY.checks or ()
_STATIC = spec.Network(mode="host", reserved_ports=(spec.Port(label="http", static=80),))


def _warnings(**group: Any) -> tuple[str, ...]:
    return advice.warnings(spec.Job(id="shop", type="service", task_groups=(replace(_GROUP, **group),)))


def _update(**update: Any) -> dict[str, Any]:
    return {"update": replace(_UPDATE, **update)}


def _entry(**entry: Any) -> dict[str, Any]:
    return {"services": (replace(_ENTRY, **entry),)}


def _task(**task: Any) -> dict[str, Any]:
    return {"tasks": (replace(_TASK, **task),)}


def _check(**check: Any) -> dict[str, Any]:
    return _entry(checks=(replace(_CHECK, **check),))


def test_a_service_as_we_compose_it_is_warned_of_nothing() -> None:
    assert _warnings() == ()


@pytest.mark.parametrize("made", [web.job, web_docker.job, ingress.job, controller.job])
def test_our_own_jobs_are_warned_of_nothing(made: Callable[..., spec.Job]) -> None:
    assert advice.warnings(made(environments.load("prod"), lambda *_: "0" * 64)) == ()


@pytest.mark.parametrize(
    ("group", "warning"),
    [
        (_entry(checks=None), "group[web].update.canary: 1, and no service has a check"),
        (_entry(checks=None), "group[web].service[web].checks: none"),
        (_update(auto_revert=False), "group[web].update.auto_revert: off, with canaries"),
        (_update(auto_revert=None), "group[web].update.auto_revert: off, with canaries"),
        (_update(auto_promote=True), "group[web].update.auto_promote: on"),
        (_update(progress_deadline=timedelta(minutes=1)), "group[web].update.progress_deadline: 0:01:00, and healthy"),
        (_update(min_healthy_time=timedelta(minutes=1)), "group[web].update.min_healthy_time: 0:01:00, and healthy"),
        (_update(healthy_deadline=None), "group[web].update.progress_deadline: 0:01:30, and healthy_deadline is 0:05"),
        (_update(canary=0, max_parallel=3), "group[web].update.max_parallel: 3 of 3"),
        (_entry(port="web"), "group[web].service[web].port: the group has no port 'web' - it has http"),
        (_check(port="admin"), "group[web].service[web].check[0].port: the group has no port 'admin'"),
        (_task(config={"ports": ["web"]}), "group[web].task[app].config.ports: the group has no port 'web'"),
        ({"scaling": spec.ScalingPolicy(min=0, max=5)}, "group[web].scaling.min: 0, and canary=1"),
        ({"networks": (_STATIC,), **_update(canary=3)}, "group[web].network.port[http]: static, with as many canaries"),
        (_entry(tags=("ingress",)), "group[web].service[web].tags: ingress, and neither half"),
        (_entry(canary_tags=None), "group[web].service[web].canary_tags: without 'ingress' and 'canary'"),
        (_entry(canary_tags=("canary",)), "group[web].service[web].canary_tags: without 'ingress' and 'canary'"),
        (_entry(canary_tags=("ingress", "canary", "live")), "group[web].service[web].canary_tags: 'live' too"),
        (_entry(provider="nomad"), "group[web].service[web].provider: nomad"),
        ({"shutdown_delay": None}, "group[web].shutdown_delay: none"),
        (_check(timeout=timedelta(seconds=3)), "group[web].service[web].check[0].timeout: 0:00:03 is longer"),
        (_task(kill_timeout=timedelta(seconds=31)), "group[web].task[app].kill_timeout: 0:00:31"),
        (_task(driver="docker", config={"image": "shop"}), "group[web].task[app].config.image: shop may be another"),
        (_task(driver="docker", config={"image": "r:5000/shop:latest"}), "group[web].task[app].config.image: r:5000"),
        ({"services": (_ENTRY, _ENTRY)}, "service[web]: 2 services have this name in consul"),
        (_task(services=(_ENTRY,)), "service[web]: 2 services have this name in consul"),
    ],
)
def test_what_will_be_regretted_is_told_with_its_path(group: dict[str, Any], warning: str) -> None:
    assert [told for told in _warnings(**group) if told.startswith(f"shop.{warning}")]


@pytest.mark.parametrize(
    "group",
    [
        {**_entry(tags=None, canary_tags=None, checks=None), **_update(health_check="task_states")},
        _update(canary=0, auto_revert=False),
        _update(progress_deadline=timedelta(0)),
        _update(canary=0, max_parallel=2),
        {"count": 1, **_update(canary=0, max_parallel=1)},
        _entry(port="8080"),
        _entry(port="${NOMAD_PORT}"),
        {"scaling": spec.ScalingPolicy(min=1, max=5)},
        {"networks": (_STATIC,), **_update(canary=2)},
        {**_entry(canary_tags=None), **_update(canary=0)},
        {"shutdown_delay": None, **_task(shutdown_delay=timedelta(seconds=3))},
        _task(kill_timeout=timedelta(seconds=30)),
        _task(driver="docker", config={"image": "r:5000/shop:1.2"}),
        _task(driver="docker", config={"image": "shop@sha256:0"}),
        _task(driver="docker", config={"image": "${IMAGE}"}),
        {"services": (_ENTRY, replace(_ENTRY, name="admin"))},
        _task(services=(replace(_ENTRY, provider="nomad", tags=None),)),
    ],
)
def test_what_is_well_is_not_warned_of(group: dict[str, Any]) -> None:
    assert _warnings(**group) == ()


def test_what_the_job_says_for_all_its_groups_counts() -> None:
    job = spec.Job(id="shop", update=_UPDATE, task_groups=(replace(_GROUP, update=None),))
    assert advice.warnings(job) == ()
    reverted = replace(job, update=replace(_UPDATE, auto_revert=False))
    assert [told.partition(":")[0] for told in advice.warnings(reverted)] == ["shop.group[web].update.auto_revert"]
