"""Every secret is looked for where none may be: arguments, environments, journals, readable files, output, specs."""

import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import hvac
import pytest

from configs.environment import Host, Role
from deploy.operations import vault_init
from inventory import vault_kv
from tests.cluster import convergence
from tests.cluster.cluster import Cluster
from vagrant import ssh

PLANTED = "socle-test-planted-7e1b6c"
SHORTEST = 12
AUDITOR = "socle-test-auditor"

READABLE = (
    "sudo -u nobody grep -rslaF -D skip -f - --exclude-dir=proc --exclude-dir=sys --exclude-dir=dev --exclude-dir=usr"
    " / /usr/local <$needles"
)
"""All that an unprivileged user may read; what the distribution installs below /usr is not ours."""
ARGUMENTS = "grep -laF -f $needles /proc/[0-9]*/cmdline 2>/dev/null"
ENVIRONMENTS = "sudo -u nobody sh -c 'grep -laF -f - /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null' <$needles"
JOURNAL = "journalctl --output export --no-pager | grep -aoF -f $needles | sort -u"
CONTAINERS = "if command -v docker; then docker ps -aq | xargs -r docker inspect | grep -oF -f $needles; fi | grep -v /"


@pytest.fixture(scope="module")
def needles(cluster: Cluster) -> str:
    """Every secret of the environment, one a line: those kept, the tokens made from them, and the service's own."""
    access = cluster.access
    kept = [access.secrets.get(key) for key in access.secrets.keys() if key != "ca/cert"]  # noqa: SIM118
    tokens = [token["SecretID"] for token in access.consul().acl.token.list()]
    nomad = access.nomad().acl
    minted = [nomad.get_token(token["AccessorID"])["SecretID"] for token in nomad.get_tokens()]
    own = (vault_kv.read(access, "default/web/app") or {}).values()
    found = {part for value in (*kept, *tokens, *minted, *own) for part in _parts(value)}
    assert len(found) > 30
    return "\n".join(sorted({*found, PLANTED})) + "\n"


def test_the_search_finds_what_is_planted(cluster: Cluster, needles: str) -> None:
    """A file, an argument, an environment and a line of the journal: else the tests below would prove nothing."""
    host = cluster.env.clients[0]
    cluster.ssh(host, f"echo {PLANTED} >/var/tmp/planted; echo {PLANTED} | systemd-cat")
    cluster.ssh(host, f"systemd-run -q --collect -u planted -p User=nobody -E A={PLANTED} sh -c 'sleep 100' {PLANTED}")
    try:
        assert "/var/tmp/planted" in _search(host, READABLE, needles)  # noqa: S108
        assert _search(host, ARGUMENTS, needles)
        assert _search(host, ENVIRONMENTS, needles)
        assert PLANTED in _search(host, JOURNAL, needles)
    finally:
        cluster.ssh(host, "rm /var/tmp/planted; systemctl stop planted || true")


@pytest.mark.parametrize("where", [READABLE, ARGUMENTS, ENVIRONMENTS, JOURNAL, CONTAINERS],
                         ids=["readable-files", "arguments", "environments", "journals", "containers"])  # fmt: skip
def test_no_secret_is_on_any_host_where_others_may_read(cluster: Cluster, needles: str, where: str) -> None:
    real = needles.replace(f"{PLANTED}\n", "")
    with ThreadPoolExecutor(max_workers=2) as pool:
        found = dict(
            zip(
                (host.name for host in cluster.env.hosts),
                pool.map(lambda host: _search(host, where, real), cluster.env.hosts),
                strict=True,
            )
        )
    assert not any(found.values()), {name: _masked(text, real) for name, text in found.items() if text}


def test_no_secret_is_in_a_job_as_nomad_tells_it(cluster: Cluster, needles: str) -> None:
    nomad = cluster.access.nomad()
    specs = [json.dumps(nomad.job.get_job(job["ID"])) for job in nomad.jobs.get_jobs()]
    assert len(specs) > 1
    assert not _leaked("\n".join(specs), needles)


def test_no_secret_is_in_what_the_operator_is_shown(cluster: Cluster, needles: str) -> None:
    """With everything that pyinfra can print, while files that hold secrets are written anew on every host."""
    for host in cluster.env.hosts:
        files = "/etc/consul/consul.json /etc/nomad/nomad.json" + (
            " /etc/vault/vault.json" if host.has(Role.SERVER) else ""
        )
        cluster.ssh(host, f"chmod 600 {files}")
    done = convergence.run(cluster.inventory, "deploy/cluster.py", "-vvv", "--diff")
    assert done.status == 0
    assert {"Consul | Run the agent", "Nomad clients | Run the client"} <= done.changes.keys()
    assert not _leaked(done.log + json.dumps(done.report), needles)


def test_vaults_root_token_is_revoked_and_kept_nowhere(cluster: Cluster) -> None:
    assert cluster.access.secrets.find(vault_init.ROOT) is None
    with _auditor(cluster) as auditor:
        accessors = auditor.list("auth/token/accessors")["data"]["keys"]
        held = [_policies(auditor, accessor) for accessor in accessors]
    assert accessors
    assert not [policies for policies in held if "root" in policies]


def _parts(value: str) -> list[str]:
    """A secret's texts: the elements of a JSON list, and of a PEM key the lines of its private half."""
    if value.startswith("-----BEGIN"):
        return value.splitlines()[1:3]
    texts = json.loads(value) if value.startswith("[") else [value.strip()]
    return [text for text in texts if len(text) >= SHORTEST]


def _search(host: Host, script: str, needles: str) -> str:
    """What a search says; the needles lie in a file of root's alone for as long as it takes."""
    kept = "umask 077; needles=$(mktemp -p /run); trap 'rm -f $needles' EXIT; cat >$needles"
    return ssh.run(host, f"{kept}; {{ {script}; }} || true", stdin=needles, bound_s=180).strip()


def _leaked(text: str, needles: str) -> list[str]:
    """Where secrets stand in a text, told without them."""
    return [f"...{text[max(0, at - 60) : at]}" for needle in needles.split() if (at := text.find(needle)) >= 0]


def _masked(text: str, needles: str) -> str:
    """What a search found, fit for a report."""
    for needle in needles.split():
        text = text.replace(needle, "********")
    return text[:1000]


@contextmanager
def _auditor(cluster: Cluster) -> Iterator[hvac.Client]:
    """Somebody who may list all tokens of Vault, for as long as the `with` block takes."""
    operator = cluster.access.vault()
    rights = {"auth/token/accessors*": {"capabilities": ["list", "sudo"]},
              "auth/token/lookup-accessor": {"capabilities": ["update"]}}  # fmt: skip
    operator.sys.create_or_update_acl_policy(AUDITOR, json.dumps({"path": rights}))
    approle = operator.auth.approle
    approle.create_or_update_approle(AUDITOR, token_policies=[AUDITOR], token_ttl="5m")
    secret = str(uuid.uuid4())
    approle.create_custom_secret_id(AUDITOR, secret)
    auditor = cluster.access.vault(token="")
    auditor.auth.approle.login(approle.read_role_id(AUDITOR)["data"]["role_id"], secret)
    try:
        yield auditor
    finally:
        approle.delete_role(AUDITOR)
        operator.sys.delete_acl_policy(AUDITOR)


def _policies(auditor: hvac.Client, accessor: str) -> list[str]:
    """A token's policies; a batch of tokens ends while it is being listed."""
    try:
        found: list[str] = auditor.lookup_token(accessor, accessor=True)["data"]["policies"]
    except hvac.exceptions.InvalidRequest:
        return []
    return found
