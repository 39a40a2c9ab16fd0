"""Versions of a program on hosts: replaced in one step, the one before kept, nothing unchecked ever in place."""

from dataclasses import replace
from pathlib import Path

import pytest
import requests

from configs import certificates, mirror
from configs.artifacts import mirror_url
from configs.environment import Arch, Environment, Host
from configs.errors import HostError
from inventory import environments
from inventory.artifact_cache import Cache, Origin
from tests.cluster import convergence
from tests.cluster.conftest import FleetOf
from tests.cluster.convergence import Convergence
from tests.integration import vendor
from vagrant import ssh
from vagrant.waiting import wait

INVENTORY = "tests/cluster/versions/inventory.py"
DEPLOY = "tests/cluster/versions/deploy.py"
HOME = "/opt/socle/tool"


class Story:
    """The fleet, and runs that put a version on it."""

    def __init__(self, env: Environment, folder: Path) -> None:
        self.env = env
        self.mirror, self.client = env.mirror, env.clients[0]
        self.cache = Cache(folder)

    def publish(self, version: str, text: str) -> None:
        """Have a version in the operator's cache."""
        tool = replace(vendor.artifact(""), version=version)
        staged = self.cache.folder / "staged"
        staged.mkdir(parents=True, exist_ok=True)
        vendor.archive(staged, f"#!/bin/sh\necho {text}; exit\n")
        self.cache.put(tool, Arch.AMD64, staged / vendor.FILE, Origin(source="build", detail="test"))

    def deploy(self, version: str, *flags: str) -> Convergence:
        """Run pyinfra with that version."""
        environment = {"VERSION": version, "CACHE": str(self.cache.folder)}
        return convergence.run(INVENTORY, DEPLOY, *flags, environment=environment)

    def says(self, host: Host, script: str) -> list[str]:
        """The lines that a script prints on a host."""
        return ssh.run(host, script).splitlines()


@pytest.fixture(scope="module")
def story(fleet_of: FleetOf, tmp_path_factory: pytest.TempPathFactory) -> Story:
    env = environments.load(INVENTORY)
    fleet_of(env).ensure()
    convergence.converge(INVENTORY, "deploy.base.run")
    convergence.converge(INVENTORY, "deploy.pki.run")
    story = Story(env, tmp_path_factory.mktemp("cache"))
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        story.publish(version, version)
    return story


def test_a_dry_run_on_a_host_without_any_version_says_that_it_would_change_it(story: Story) -> None:
    done = story.deploy("1.0.0", "--dry")
    assert done.status == 0
    assert story.says(story.client, f"ls -d {HOME} 2>/dev/null || echo none") == ["none"]


def test_a_version_is_installed_and_the_second_run_changes_nothing(story: Story) -> None:
    assert story.deploy("1.0.0").changes.keys() == {"Hold the archive", "Serve it", "Install it"}
    assert story.says(story.client, f"{HOME}/current/tool") == ["1.0.0"]
    assert story.deploy("1.0.0").changes == {}


def test_the_version_before_is_kept_and_the_one_before_that_is_not(story: Story) -> None:
    story.deploy("1.1.0")
    assert story.says(story.client, f"ls {HOME}") == ["1.0.0", "1.1.0", "current", "previous"]
    story.deploy("1.2.0")
    assert story.says(story.client, f"ls {HOME}") == ["1.1.0", "1.2.0", "current", "previous"]
    assert story.says(story.client, f"readlink {HOME}/current {HOME}/previous") == ["1.2.0", "1.1.0"]


def test_going_back_to_the_version_before_is_the_same_run_with_its_version(story: Story) -> None:
    story.deploy("1.1.0")
    assert story.says(story.client, f"{HOME}/current/tool; readlink {HOME}/previous") == ["1.1.0", "1.2.0"]


def test_another_archive_of_the_same_version_takes_its_place(story: Story) -> None:
    story.publish("1.1.0", "rebuilt")
    story.deploy("1.1.0")
    assert story.says(story.client, f"{HOME}/current/tool; ls {HOME}")[0] == "rebuilt"
    assert story.deploy("1.1.0").changes == {}


def test_an_archive_damaged_on_the_mirror_is_refused_and_what_runs_is_left_alone(story: Story) -> None:
    archive = "/srv/socle/artifacts/tool_1.2.0_linux_amd64.zip"
    ssh.run(story.mirror, f"printf x | dd of={archive} bs=1 seek=100 conv=notrunc status=none")
    done = story.deploy("1.2.0")
    assert done.status != 0
    assert "is not what was uploaded - on the mirror remove" in done.log
    assert story.says(story.client, f"{HOME}/current/tool") == ["rebuilt"]
    ssh.run(story.mirror, f"rm {archive}")
    assert story.deploy("1.2.0").status == 0
    assert story.says(story.client, f"{HOME}/current/tool") == ["1.2.0"]


def test_a_program_that_was_removed_is_put_back(story: Story) -> None:
    ssh.run(story.client, f"rm {HOME}/current/tool")
    assert story.deploy("1.2.0").changes.keys() == {"Install it"}
    assert story.says(story.client, f"{HOME}/current/tool") == ["1.2.0"]


def test_a_run_killed_while_it_installs_is_mended_by_the_next(story: Story) -> None:
    ssh.run(story.client, f"rm -rf {HOME}")
    environment = {"VERSION": "1.2.0", "CACHE": str(story.cache.folder)}
    with convergence.start(INVENTORY, DEPLOY, environment=environment) as killed:
        wait("the installation begins", lambda: _exists(story, HOME), bound_s=60)
        killed.kill()
    assert story.deploy("1.2.0").status == 0
    assert story.says(story.client, f"{HOME}/current/tool; ls -A {HOME}") == ["1.2.0", ".lock", "1.2.0", "current"]
    assert story.deploy("1.2.0").changes == {}


def _exists(story: Story, path: str) -> bool:
    try:
        ssh.run(story.client, f"test -e {path}")
    except HostError:
        return False
    return True


def test_the_mirror_gives_files_alone_and_proves_itself_by_the_environments_ca(story: Story, tmp_path: Path) -> None:
    tool = replace(vendor.artifact(""), version="1.2.0")
    url = mirror_url(story.env, tool, Arch.AMD64)
    ca = tmp_path / "ca.pem"
    ca.write_text(ssh.run(story.client, f"cat {certificates.CA_FILE}"))
    with requests.Session() as session:
        session.verify, session.trust_env = str(ca), False
        assert session.get(url, timeout=10).content == story.cache.path(tool, Arch.AMD64).read_bytes()
        assert session.put(url, b"", timeout=10).status_code == requests.codes.forbidden
        assert session.get(url.rsplit("/", 1)[0] + "/", timeout=10).status_code == requests.codes.forbidden
        assert session.get(url.replace("/artifacts/", "/incoming/"), timeout=10).status_code == requests.codes.not_found
    with pytest.raises(requests.exceptions.SSLError, match="certificate verify failed"):
        requests.get(url, timeout=10)


def test_the_mirror_is_not_root_and_the_distributions_site_is_not_there(story: Story) -> None:
    assert set(story.says(story.mirror, "ps -o user= -C nginx")) == {mirror.USER}
    listening = story.says(story.mirror, "ss -ltnpH | grep nginx")
    assert [line.split()[3] for line in listening] == ["0.0.0.0:8443"]
