"""The exceptions of Socle.

SocleError                what an operator can act on: value, what is wrong, what to do
├── ConfigError           an environment that cannot be (all findings at once)
├── ArtifactError         an artifact that cannot be had or trusted
│   └── ArtifactUnavailableError   one source does not have it; another may
├── SecretsError          the secrets file cannot be opened or written
├── HostError             a local host that cannot be made or reached
├── AccessError           an environment's API that cannot be reached or refuses us
└── JobError              a job that cannot be rendered, sent or followed
"""

from collections.abc import Sequence


class SocleError(Exception):
    """The root: its text is written for the operator."""


class ConfigError(SocleError):
    """An environment with findings; `findings` holds each as one sentence."""

    def __init__(self, findings: Sequence[str]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(self.findings))


class ArtifactError(SocleError):
    """An artifact that no source could provide, or whose checksum or signature is wrong."""


class ArtifactUnavailableError(ArtifactError):
    """One source cannot provide an artifact; the next one is asked."""


class SecretsError(SocleError):
    """The secrets file is missing, unreadable with the identities at hand, or cannot be written."""


class HostError(SocleError):
    """A local host or its engine failed."""


class AccessError(SocleError):
    """An environment's API cannot be reached, or refuses the caller."""


class JobError(SocleError):
    """A job could not be rendered, registered or followed."""
