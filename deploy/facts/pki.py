"""What certificates a host has; nothing secret leaves it."""

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pyinfra.api.facts import FactBase

from configs import certificates

BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
"""What update-ca-certificates makes, and what Go, curl and Python trust."""

# The last line of a PEM body is of the signature, so it tells two CAs apart in the bundle.
_SCRIPT = f"""
for s in "$@"; do
  d={certificates.FOLDER}/$s
  digest=$(openssl pkey -in "$d/key.pem" -pubout -outform DER 2>/dev/null | sha256sum)
  for f in cert key; do stat -c %a:%U:%G "$d/$f.pem" 2>/dev/null || echo none; done |
    {{ read -r cert; read -r key; echo "L $s $cert $key ${{digest%% *}}"; }}
  sed "s/^/C /" "$d/cert.pem" 2>/dev/null
done
if [ -s {certificates.CA_FILE} ]; then
  echo "A $(stat -c %a:%U:%G {certificates.CA_FILE}) $(sha256sum < {certificates.CA_FILE} | cut -c1-64)"
  grep -qF "$(tail -n 2 {certificates.CA_FILE} | head -n 1)" {BUNDLE} 2>/dev/null && echo T
fi
echo END
"""


@dataclass(kw_only=True, slots=True)
class LeafState:
    """A certificate (PEM), the digest of the public half of the key beside it, and both files' `mode:user:group`."""

    cert_owner: str
    key_owner: str
    public_key_sha256: str
    cert: str = ""


@dataclass(slots=True)
class PkiState:
    """The CA file as `mode:user:group sha256`, whether the system trusts it, and the certificates by service."""

    ca: str = ""
    trusted: bool = False
    leaves: dict[str, LeafState] = field(default_factory=dict)


class Pki(FactBase[PkiState | None]):
    """The certificates of the given services, or None when the host could not be asked."""

    @staticmethod
    def default() -> None:
        return None

    def command(self, services: Sequence[str]) -> str:
        return f"sh -c {shlex.quote(_SCRIPT)} sh {shlex.join(services)}"

    def process(self, output: Iterable[str]) -> PkiState | None:
        lines = list(output)
        if not lines or lines[-1] != "END":
            return None
        state = PkiState()
        service = ""
        for line in lines:
            kind, _, rest = line.partition(" ")
            match kind:
                case "L":
                    service, cert_owner, key_owner, digest = rest.split(" ")
                    state.leaves[service] = LeafState(
                        cert_owner=cert_owner, key_owner=key_owner, public_key_sha256=digest
                    )
                case "C":
                    state.leaves[service].cert += f"{rest}\n"
                case "A":
                    state.ca = rest
                case "T":
                    state.trusted = True
        return state
