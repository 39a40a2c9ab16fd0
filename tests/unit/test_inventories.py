"""Each inventory is an environment, and pyinfra sees its hosts in groups by role and nothing else."""

import json
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from configs.environment import Host, Role, Ssh
from configs.errors import ConfigError
from inventory import environments, local

ROOT = Path(__file__).parents[2]
NAMES = ["dev", "test", "prod"]


@pytest.mark.parametrize("name", NAMES)
def test_an_inventory_is_the_environment_of_its_name(name: str) -> None:
    env = environments.load(name)
    assert env.name == name
    assert environments.current() is env


@pytest.mark.parametrize("name", NAMES)
def test_pyinfra_sees_a_group_for_each_role_and_the_files_own(name: str) -> None:
    env = environments.load(name)
    told = {host["name"]: set(host["groups"]) for host in _debugged(name)}
    assert told == {host.name: {name, *(role.value for role in host.roles)} for host in env.hosts}


@pytest.mark.parametrize("name", NAMES)
def test_an_inventory_binds_plain_groups_alone(name: str) -> None:
    """Every other public list of an inventory file would be a group of hosts to pyinfra."""
    bound = runpy.run_path(str(ROOT / f"inventory/{name}.py"))
    lists = {key for key, value in bound.items() if isinstance(value, list | tuple) and not key.startswith("_")}
    assert lists == {role.value for role in Role}


def test_an_inventory_that_is_not_there_is_said_with_what_to_use() -> None:
    with pytest.raises(ConfigError, match=r"staging: there is no inventory .*staging\.py - use dev, test, prod or"):
        environments.load("staging")


def test_dev_and_test_differ_in_data_alone() -> None:
    dev, test = environments.load("dev"), environments.load("test")
    assert [host.roles for host in dev.hosts] == [set(Role)]
    assert (len(test.servers), len(test.clients)) == (3, 2)


def test_local_hosts_are_reached_with_the_key_made_for_them_and_their_own_verified() -> None:
    for host in environments.load("test").hosts:
        assert host.ssh.key == str(local.key("test"))
        data = environments.data(host)  # without the key as long as its file is not there
        assert data["ssh_known_hosts_file"] == str(local.known_hosts("test"))
        assert data["ssh_strict_host_key_checking"] == "yes"


def test_a_host_says_only_what_differs_from_the_ssh_config() -> None:
    host = Host(name="x", address="10.0.0.1", roles=frozenset({Role.CLIENT}))
    assert environments.data(host) == {"ssh_hostname": "10.0.0.1"}
    told = Host(
        name="x",
        address="10.0.0.1",
        roles=frozenset({Role.CLIENT}),
        ssh=Ssh(hostname="203.0.113.5", port=2222, user="ops"),
    )
    assert environments.data(told) == {"ssh_hostname": "203.0.113.5", "ssh_port": 2222, "ssh_user": "ops"}


def _debugged(name: str) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "pyinfra", f"inventory/{name}.py", "debug-inventory", "--json"]
    found: list[dict[str, Any]] = json.loads(
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    )
    return found
