"""Write docs/reference.md from the code: python docs/make_reference.py."""

import dataclasses
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml

from configs import (
    alertmanager,
    artifacts,
    base,
    certificates,
    collector,
    consul,
    environment,
    firewall,
    loki,
    mirror,
    nomad,
    packages,
    prometheus,
    vault,
)
from configs.environment import Environment, Host, Role
from configs.files import File
from configs.firewall import Opening

FILE: Final = Path(__file__).parent / "reference.md"

HEAD: Final = """# Reference

Made from the code by `python docs/make_reference.py`; a test compares the two. Jobs on the command line have
[a page of their own](reference/jobs.md).
"""

EXITS: Final = """

Every `python -m` command, `bin/up` and `bin/down` end with 0 when done, 1 when something failed, 2 for wrong
usage (an environment that cannot be, too) and 5 when the environment is not reached or does not let us, the secrets
file included. `python -m jobs` has [more of them](reference/jobs.md). pyinfra ends with 1 whatever failed."""

COMMANDS: Final = {
    "bin/up [ENV]": "an environment of local hosts, from nothing to a service answering",
    "bin/down [ENV]": "removes an environment of local hosts without trace",
    "bin/test [TIER]": "runs the tests: unit, integration, cluster",
    "pyinfra inventory/ENV.py deploy/cluster.py": "brings an environment up, repairs it, grows it",
    "pyinfra inventory/ENV.py deploy.consul.run": "one phase alone; any of `deploy/cluster.py`'s",
    "python -m deploy.status ENV [--json]": "whether an environment is healthy, on one screen",
    "python -m deploy.artifact_sources ENV [NAME...]": "acquires artifacts into the cache of this machine",
    "python -m jobs COMMAND JOB --env ENV [--json]": "plans, releases, watches, takes back and carries on a job",
    "python -m inventory.access ENV": "prints the standard variables of the stock tools, with new tokens",
    "python -m inventory.secrets ENV COMMAND": "list, recipients, rewrap, show KEY, remove KEY, add-operator KEY",
    "python -m vagrant.hosts ACT ENV [NAME]": "makes, kills, freezes, cuts off, empties and removes local hosts",
}

SECRETS: Final = {
    ("ca/key", "ca/cert"): "the environment's certificate authority",
    ("consul/gossip", "nomad/gossip"): "gossip keys",
    ("consul/bootstrap", "nomad/bootstrap"): "management tokens",
    ("consul/tokens/agent-HOST",): "Consul's token of a host's agent",
    ("consul/tokens/nomad-HOST",): "Consul's token of a host's Nomad",
    ("consul/tokens/vault-HOST",): "Consul's token of a server's Vault",
    ("consul/tokens/dns", "consul/tokens/prometheus"): "Consul's tokens for DNS answers and for Prometheus",
    ("nomad/tokens/logs",): "Nomad's token of the program that copies the tasks' output",
    ("vault/unseal-keys",): "Vault's shares, a JSON list",
    ("vault/root-token",): "Vault's first root token, until the set-up has revoked it",
    ("vault/operator-role-id", "vault/operator-secret-id"): "the operators' login to Vault",
    ("prometheus/password", "prometheus/password-hash"): "the user `operator` of Prometheus and Alertmanager",
}
"""What the secrets file holds; `python -m inventory.secrets ENV list` prints the names of one environment."""

_PARTS: Final = (
    environment.Environment,
    environment.Host,
    environment.Ssh,
    environment.Retention,
    environment.Seal,
    environment.Minimums,
    environment.Artifacts,
)
_CONTROL: Final = "192.0.2.0/24"
_EVERY: Final = "every host"
_SAID: Final = re.compile(r"^    (\w+): (.*(?:\n        .*)*)", re.MULTILINE)
_RULES: Final = Path(__file__).parent.parent / "configs/rules"

Row = tuple[str, ...]
T = TypeVar("T")


def page() -> str:
    """The whole page."""
    env = _example()
    sections = {
        "Commands": _table(("command", "does"), [(_code([line]), what) for line, what in COMMANDS.items()]) + EXITS,
        "The environment": "\n\n".join(_part(kind) for kind in _PARTS),
        "Roles": _table(("on", "artifacts", "Debian packages", "certificates"), _roles(env)),
        "Ports": _table(("on", "service", "port", "open to"), _ports(env)),
        "Artifacts": _table(("name", "version", "programs", "released at", "built from"), _artifacts()),
        "Consul's tokens": _table(("purpose", "policies"), _tokens(env)),
        "Alerts": _table(("alert", "severity", "says"), _alerts()),
        "Files on hosts": _table(("on", "file", "owner", "mode"), _files(env)),
        "Secrets": _table(("names", "what"), [(_code(names), what) for names, what in SECRETS.items()]),
    }
    return HEAD + "".join(f"\n## {title}\n\n{text}\n" for title, text in sections.items())


def _example() -> Environment:
    """An environment in which each role stands as alone as it may."""
    roles = [{Role.SERVER}] * 3 + [{Role.CLIENT}, {Role.CLIENT, Role.INGRESS}, {Role.MONITOR}, {Role.MIRROR}]
    hosts = tuple(Host(name=f"h{i}", address=f"10.0.0.{i}", roles=frozenset(held)) for i, held in enumerate(roles, 1))
    return Environment(name="env", hosts=hosts, control=(_CONTROL,), ingress_domain="example.com")


def _by_role(env: Environment, of: Callable[[Environment, Host], Iterable[T]]) -> dict[str, list[T]]:
    """What every host has, then what each role adds to it; the ingress adds to a client."""
    held = {host.name: list(of(env, host)) for host in env.hosts}
    first, *others = held.values()
    found = {_EVERY: [item for item in first if all(item in other for other in others)]}
    for role in Role:
        least = min(env.having(role), key=lambda host: len(host.roles))
        beneath = {*found[_EVERY], *(found.get(Role.CLIENT, ()) if role is Role.INGRESS else ())}
        found[role.value] = [item for item in held[least.name] if item not in beneath]
    return found


def _part(kind: type[Any]) -> str:
    """One dataclass of the environment."""
    prose, _, listed = (inspect.getdoc(kind) or "").partition("\n\nAttributes:\n")
    said = {name: " ".join(what.split()) for name, what in _SAID.findall(listed.partition("\n\n")[0])}
    rows = [(f"`{f.name}`", f"`{_type(f.type)}`", _default(f), said.get(f.name, "")) for f in dataclasses.fields(kind)]
    width = 4 if said else 3
    table = _table(("field", "type", "default", "what")[:width], [row[:width] for row in rows])
    return f"### {kind.__name__}\n\n{prose}\n\n{table}"


def _type(declared: Any) -> str:
    """A type without the modules of its parts."""
    name = declared.__name__ if isinstance(declared, type) and "[" not in str(declared) else str(declared)
    return re.sub(r"\b(?:\w+\.)+(\w+)", r"\1", name).replace(" | ", " or ")


def _default(field: "dataclasses.Field[Any]") -> str:
    if isinstance(field.default, timedelta):
        return f"{field.default.days} days"
    if field.default is not dataclasses.MISSING:
        return f"`{field.default}`"
    if field.default_factory is dataclasses.MISSING:
        return "to be given"
    made = field.default_factory()
    return f"`{type(made).__name__}()`" if dataclasses.is_dataclass(made) else "empty"


def _roles(env: Environment) -> Iterator[Row]:
    names = _by_role(env, lambda e, host: [artifact.name for artifact in artifacts.wanted(e, host)])
    debian = _by_role(env, packages.packages)
    leaves = _by_role(env, lambda e, host: [leaf.service for leaf in certificates.leaves(e, host)])
    for where, of in names.items():
        yield where, ", ".join(of), ", ".join(debian[where]).replace("|", " or "), ", ".join(leaves[where])


def _ports(env: Environment) -> Iterator[Row]:
    for where, openings in _by_role(env, firewall.openings).items():
        for opening in openings:
            yield where, opening.service, _port(opening), _sources(env, opening)


def _port(opening: Opening) -> str:
    first, last = opening.ports
    return f"{first if first == last else f'{first} to {last}'} tcp{' and udp' if opening.udp else ''}"


def _sources(env: Environment, opening: Opening) -> str:
    """The sources in words: whole roles, the operators, everybody."""
    if not opening.sources:
        return "everybody"
    words = ["operators (`control`)"] if _CONTROL in opening.sources else []
    groups = {_EVERY: env.hosts, "servers": env.servers, "clients": env.clients, "the monitor": (env.monitor,)}
    left = set(opening.sources) - {_CONTROL}
    for word, hosts in groups.items():
        addresses = {host.address for host in hosts}
        if addresses <= left:
            words.append(word)
            left -= addresses
    if left:
        raise ValueError(f"{opening.service}: no word for {left}")
    return ", ".join(words)


def _artifacts() -> Iterator[Row]:
    for artifact in artifacts.ALL:
        base_url = artifact.release.base if artifact.release else ""
        where = base_url.format(name=artifact.name, version=artifact.version, arch="ARCH") or "not released: ours"
        sources = [f"configs/builds/{artifact.name}" if p == "." else p for p in artifact.build.packages.values()]
        yield artifact.name, artifact.version, ", ".join(artifact.binaries), where, _code(sources)


def _tokens(env: Environment) -> Iterator[Row]:
    """One of each kind; a node's own entry in the catalog is a node identity, not a policy."""
    seen = set()
    for token in consul.tokens(env):
        purpose = re.sub(r"-h\d+$", "-HOST", token.purpose)
        row = (f"`{purpose}`", _code(token.policies) if token.policies else "its own node")
        if row not in seen:
            seen.add(row)
            yield row


def _alerts() -> Iterator[Row]:
    for file in sorted(_RULES.glob("*.yml")):
        for group in yaml.safe_load(file.read_text())["groups"]:
            for rule in group["rules"]:
                name, said = rule["alert"], rule["annotations"]["summary"]
                said = re.sub(r"\{\{[^}]*?(\w+)(?: \| \w+)? *\}\}", lambda found: found[1].upper(), said)
                yield f"[{name}](operations.md#{name.lower()})", rule["labels"]["severity"], said


def _files(env: Environment) -> Iterator[Row]:
    for where, files in _by_role(env, _of_host).items():
        for path, owner, mode in files:
            yield where, f"`{path}`", owner, mode


def _of_host(env: Environment, host: Host) -> list[Row]:
    """Path, owner and mode of what the phases write, in their order."""
    public = ("root:root", "644")
    found: list[Row] = [(certificates.CA_FILE, *public), (certificates.trust_file(env), *public)]
    for leaf in certificates.leaves(env, host):
        found.append((certificates.cert(leaf.service), *public))
        found.append((certificates.key(leaf.service), f"root:{leaf.group}", "640"))
    return [*found, *((file.path, f"{file.user}:{file.group}", file.mode) for file in _written(env, host))]


def _written(env: Environment, host: Host) -> Iterator[File]:
    def secret() -> str:
        return ""

    yield from (*base.system_files(env, host), *base.firewall_files(env, host), *base.journal_files(env))
    yield from (*base.resolved_files(), *base.resolver_files())
    yield from (File(path=consul.CONFIG, content="", group="consul", mode="640"), consul.unit())
    if host.has(Role.SERVER):
        yield from (File(path=vault.CONFIG, content="", group="vault", mode="640"), vault.unit(), vault.log_rotation())
    if host.has(Role.SERVER) or host.has(Role.CLIENT):
        group = "root" if host.has(Role.CLIENT) else "nomad"
        yield from (File(path=nomad.CONFIG, content="", group=group, mode="640"), nomad.unit(host))
    if host.has(Role.CLIENT):
        yield nomad.docker()
        yield File(path=nomad.INTRODUCTION, content="", mode="600")
        yield from collector.task_logs_files(secret)
    if host.has(Role.MONITOR):
        yield from (*loki.files(env), *alertmanager.live_files(env), *alertmanager.service_files(env, secret))
        yield from (*prometheus.secret_files(secret, secret, secret), *prometheus.service_targets_files())
        yield from (*prometheus.live_files(env), *prometheus.service_files(env))
    yield from (*prometheus.node_exporter_files(), *prometheus.certificate_expiry_files())
    yield from (*collector.files(env, host), *collector.proxy_files())
    if host.has(Role.MIRROR):
        yield from mirror.files()


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> int:
    """Write the page."""
    FILE.write_text(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
