"""The exceptions of Socle.

SocleError                what an operator can act on: value, what is wrong, what to do
├── FindingsError         what must be mended first (all findings at once)
│   ├── ConfigError       an environment that cannot be
│   ├── PreflightError    hosts, secrets or artifacts that a run cannot work with
│   └── PromotionError    a version that may not go on to the next environment, or back to an earlier one
├── ArtifactError         an artifact that cannot be had or trusted
│   ├── ArtifactUnavailableError   one source does not have it; another may
│   └── ArtifactsError             several of them, one finding each
├── SecretsError          the secrets file cannot be opened or written
├── HostError             a local host that cannot be made or reached
├── AccessError           an environment's API that cannot be reached or refuses us
├── JobError              a job that cannot be rendered, sent or followed
│   └── JobSpecError      a job that cannot be (all findings at once)
└── RolloutError          a rollout that cannot begin or go on
    ├── HeldError         another runner has it
    │   └── LostError     it was ours
    └── MeasureError      a source of measurements does not answer, or not as it should
"""

from collections.abc import Sequence


class SocleError(Exception):
    """The root: its text is written for the operator; `exit_code` is what a command ends with that meets it."""

    exit_code = 1


class FindingsError(SocleError):
    """What must be mended before anything is done; `findings` holds each as one sentence."""

    def __init__(self, findings: Sequence[str]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(self.findings))


class ConfigError(FindingsError):
    """An environment that cannot be, or a command's argument that names nothing."""

    exit_code = 2


class PreflightError(FindingsError):
    """Hosts, secrets or artifacts that a run cannot work with; nothing was changed."""


class PromotionError(FindingsError):
    """A version that may not go on to the next environment, or back to an earlier one; nothing was changed."""

    exit_code = 6


class ArtifactError(SocleError):
    """An artifact that no source could provide, or whose checksum or signature is wrong."""


class ArtifactUnavailableError(ArtifactError):
    """One source cannot provide an artifact; the next one is asked."""


class ArtifactsError(FindingsError, ArtifactError):
    """Artifacts that cannot be had or trusted, one finding each."""


class SecretsError(SocleError):
    """The secrets file is missing, unreadable with the identities at hand, or cannot be written."""

    exit_code = 5


class HostError(SocleError):
    """A local host or its engine failed."""


class AccessError(SocleError):
    """An environment's API cannot be reached, or refuses the caller."""

    exit_code = 5


class JobError(SocleError):
    """A job could not be rendered, registered or followed."""


class RolloutError(SocleError):
    """A rollout cannot begin or go on; nothing was changed."""

    exit_code = 6


class HeldError(RolloutError):
    """Another runner has the job's rollout."""

    exit_code = 4


class LostError(HeldError):
    """The rollout was ours, and is another runner's now, or nobody's: nothing more may be done for it."""


class MeasureError(RolloutError):
    """A source of measurements does not answer, or not as it should: the reason of a verdict, and no rollout's end."""


class JobSpecError(FindingsError, JobError):
    """A job that cannot be: every mistake in it, each with the path to its field."""

    exit_code = 2
