"""An environment without facts of its own: a job made for it shows where the real one's facts stand.

Every name and address is a word that nothing else contains, so that it is found again in the job that was made.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from configs.environment import Environment, Host, Role, Ssh

_NAME: Final = "neutral-name-of-the-environment"
_REGION: Final = "neutral-region-of-nomad"
_DOMAIN: Final = "neutral-domain-of-the-ingress.invalid"
_BLOCKS: Final = {Role.SERVER: "198.18", Role.CLIENT: "198.19", Role.MONITOR: "240.0", Role.MIRROR: "240.1"}
"""Addresses by role, that no job means: those for benchmarks (RFC 2544) and those that are reserved (RFC 1112).

A host of several roles is several hosts here, so that it does not matter which roles share a host.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Neutral:
    """The neutral form of an environment.

    Attributes:
        env: as many servers, clients and ingress hosts, of the same architectures, under neutral names.
        facts: what each neutral name and address stands for.
    """

    env: Environment
    facts: Mapping[str, str]

    def actual(self, document: Any) -> Any:
        """A job's document with the environment's own facts in the place of the neutral ones."""
        # The longest first: one address may be the beginning of another.
        words = re.compile("|".join(map(re.escape, sorted(self.facts, key=len, reverse=True))))
        return _replaced(document, words, self.facts)


def of(env: Environment) -> Neutral:
    """The neutral form of an environment."""
    pairs = [(_neutral(role, number, host), host) for role in _BLOCKS for number, host in enumerate(env.having(role))]
    facts = {_NAME: env.name, _REGION: env.region, _DOMAIN: env.ingress_domain}
    for neutral, host in pairs:
        facts |= {neutral.name: host.name, neutral.address: host.address}
    hosts = tuple(neutral for neutral, _ in pairs)
    return Neutral(env=replace(env, name=_NAME, region=_REGION, ingress_domain=_DOMAIN, hosts=hosts), facts=facts)


def _neutral(role: Role, number: int, host: Host) -> Host:
    roles = {role, Role.INGRESS} if role is Role.CLIENT and host.has(Role.INGRESS) else {role}
    return Host(
        name=f"neutral-{role}-{number}-of-the-hosts",
        address=f"{_BLOCKS[role]}.{number // 100}.{100 + number % 100}",
        roles=frozenset(roles),
        arch=host.arch,
        ssh=Ssh(),
    )


def _replaced(document: Any, words: "re.Pattern[str]", facts: Mapping[str, str]) -> Any:
    match document:
        case str():
            return words.sub(lambda found: facts[found[0]], document)
        case Mapping():
            return {_replaced(key, words, facts): _replaced(item, words, facts) for key, item in document.items()}
        case Sequence():
            return [_replaced(item, words, facts) for item in document]
        case _:
            return document
