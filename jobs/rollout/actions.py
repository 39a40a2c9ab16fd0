"""What a runner does to the real systems; each may be done twice without harm."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Register:
    """Register the job, unless somebody did since the rollout began."""


@dataclass(frozen=True, slots=True)
class Weigh:
    """Write the canary's share of the traffic, in percent."""

    canary: int


@dataclass(frozen=True, slots=True)
class Promote:
    """Let a deployment's healthy canaries take the place of the rest."""

    deployment: str


@dataclass(frozen=True, slots=True)
class Fail:
    """Have Nomad give a deployment up, and go back to the stable version."""

    deployment: str


@dataclass(frozen=True, slots=True)
class Revert:
    """Go back to a version by hand, where Nomad did not."""

    version: int


@dataclass(frozen=True, slots=True)
class Scale:
    """Give a group the instances back that it had."""

    group: str
    count: int


Action = Register | Weigh | Promote | Fail | Revert | Scale
