"""The controller's job: where it runs, what it is given, and what it may."""

from dataclasses import replace

import pytest

from configs import consul, controller, identity
from configs.environment import Arch, Environment, Host, Role
from configs.errors import JobError
from inventory import environments
from jobs import controller as file
from jobs.nomad import spec


def made(env: Environment) -> spec.Job:
    return file.job(env, lambda *_: "0" * 64)


@pytest.mark.parametrize(("name", "count"), [("dev", 1), ("test", 2), ("prod", 2)])
def test_one_instance_stands_by_where_there_are_two_clients(name: str, count: int) -> None:
    job = made(environments.load(name))
    assert [group.count for group in job.task_groups] == [count]
    assert spec.Constraint(operator="distinct_hosts", value="true") in (job.constraints or ())


def test_it_is_placed_where_the_python_is_that_its_libraries_are_made_for() -> None:
    env = replace(environments.load("test"), client_python="3.13")
    found = {c.attribute: (c.operator, c.value) for c in made(env).constraints or ()}
    assert found["${attr.os.name}"] == ("=", "debian")
    assert found["${attr.os.version}"] == ("regexp", r"^13(\.|$)")


def test_there_is_none_where_the_clients_python_is_too_old() -> None:
    with pytest.raises(JobError, match="client_python is None"):
        made(replace(environments.load("test"), client_python=None))


def test_every_secret_of_its_is_readable_by_its_user_alone() -> None:
    (task,) = made(environments.load("test")).task_groups[0].tasks
    assert {(t.perms, t.uid, t.gid) for t in task.templates or ()} == {("0400", 65534, 65534)}
    assert all((t.destination or "").startswith("secrets/") for t in task.templates or ())


def test_it_may_take_jobs_forth_and_back_and_neither_enter_nor_stop_nor_purge_them() -> None:
    for may in ("register-job", "revert-job", "promote-deployment", "fail-deployment", "scale-job", "read-job"):
        assert f'"{may}"' in controller.NOMAD_POLICY
    for may_not in ("submit-job", "alloc-exec", "purge-job", "deregister-job", "read-logs"):
        assert f'"{may_not}"' not in controller.NOMAD_POLICY


def test_in_consul_it_writes_journals_and_weights_and_no_other_key() -> None:
    keys = consul.POLICIES[controller.NAME]["key_prefix"]
    assert {key for key, rule in keys.items() if rule["policy"] == "write"} == {
        "socle/rollouts/", "socle/weights/", "socle/controller/",
    }  # fmt: skip
    assert ("role", controller.NAME, controller.SELECTOR) in identity.CONSUL_RULES


def test_it_knows_the_servers_by_address_and_consul_by_its_hosts_own_agent() -> None:
    env = environments.load("test")
    found = controller.reach(env)
    assert found["nomad"] == [f"https://{server.address}:4646" for server in env.servers]
    assert found["consul"] == ["https://127.0.0.1:8501"]
    assert found["ingresses"].keys() == {host.name for host in env.having(Role.INGRESS)}


def test_hosts_of_several_architectures_are_told() -> None:
    env = environments.load("test")
    arm = Host(name="arm", address="172.30.20.99", roles=frozenset({Role.CLIENT}), arch=Arch.ARM64)
    with pytest.raises(JobError, match="architectures amd64, arm64"):
        made(replace(env, hosts=(*env.hosts, arm)))
