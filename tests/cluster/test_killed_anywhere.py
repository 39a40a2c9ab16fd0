"""Killed anywhere, mended by running again: the operator's machine dies thirty times in one bring-up."""

import json

import pytest

from configs import vault
from configs.environment import Host
from deploy.operations import vault_init
from inventory import environments
from tests.cluster.cluster import Cluster
from tests.cluster.conftest import FleetOf
from tests.cluster.killed import story
from tests.cluster.killed.moments import CHAIN
from tests.cluster.killed.story import Story

INVENTORY = "tests/cluster/killed/inventory.py"


@pytest.fixture(scope="module")
def mended(fleet_of: FleetOf) -> Story:
    env = environments.load(INVENTORY)
    cluster = Cluster(inventory=INVENTORY, env=env, fleet=fleet_of(env))
    return story.tell(cluster, CHAIN)


def host(story: Story) -> Host:
    return story.cluster.env.hosts[0]


def test_the_next_run_ends_healthy(mended: Story) -> None:
    assert mended.last.status == 0
    assert "checks are well" in mended.cluster.python("deploy.status", INVENTORY)


def test_one_more_run_changes_nothing(mended: Story) -> None:
    assert mended.cluster.run().changes == {}


def test_vault_was_initialised_once(mended: Story) -> None:
    assert len(mended.ids) == 1
    shares = [kept[vault_init.KEYS] for kept in mended.kept if vault_init.KEYS in kept]
    assert len(set(shares)) == 1


def test_shares_that_died_with_the_host_are_begun_anew_since_nobody_had_them(mended: Story) -> None:
    assert mended.said("begin anew: the shares of the last initialisation were lost")


def test_what_was_made_but_not_yet_kept_is_taken_over_or_made_anew(mended: Story) -> None:
    assert mended.said("keep the shares of an initialisation that was cut off")
    assert mended.said("forget the revoked root token")
    assert mended.said("make the token logs") > 1


@pytest.mark.parametrize(
    ("after", "call"),
    [
        ("Consul's bootstrap token is in force", "bootstrap Consul's ACLs"),
        ("the log says: initialise Vault", "initialise Vault"),
        ("Nomad's bootstrap token is in force", "bootstrap Nomad's ACLs"),
    ],
)
def test_a_call_that_was_cut_off_just_before_is_made_by_the_next_run(mended: Story, after: str, call: str) -> None:
    assert call in mended.logs[after]


def test_no_secret_was_lost(mended: Story) -> None:
    assert mended.lost == set()
    assert vault_init.ROOT not in mended.kept[-1]


def test_the_kept_bootstrap_tokens_are_in_force(mended: Story) -> None:
    access = mended.cluster.access
    assert access.consul().acl.token.read_self()["Policies"][0]["Name"] == "global-management"
    assert access.nomad().acl.get_self_token()["Type"] == "management"


def test_nothing_of_the_killed_runs_is_left_on_the_host(mended: Story) -> None:
    left = "find /etc /opt/socle /srv/socle/incoming -name '*.socle-new' -o -name '.*.new' -o -path '*/incoming/*'"
    assert mended.cluster.ssh(host(mended), left).splitlines() == []
    assert mended.cluster.ssh(host(mended), f"test ! -e {vault.INIT_ANSWER} && echo gone") == "gone\n"
    jobs = mended.cluster.access.nomad().jobs.get_jobs()
    assert sorted(job["ID"] for job in jobs) == ["controller", "ingress"]


def test_the_kept_shares_open_vault_after_it_was_restarted(mended: Story) -> None:
    mended.cluster.ssh(host(mended), "systemctl restart vault")
    assert mended.cluster.run().changes.keys() == {"Vault | Have the first server unsealed"}
    keys = json.loads(mended.cluster.access.secrets.get(vault_init.KEYS))
    assert len(keys) == mended.cluster.env.seal.shares


def test_a_host_that_was_rebooted_is_whole_after_one_run(mended: Story) -> None:
    cluster = mended.cluster
    cluster.fleet.restart(host(mended).name)
    assert cluster.run().status == 0
    cluster.python("deploy.status", INVENTORY)
    assert cluster.run().changes == {}
