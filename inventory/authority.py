"""An environment's certificate authority: its key is in the secrets file and never reaches a host."""

import hashlib
import ipaddress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from configs.certificates import Leaf
from configs.errors import SecretsError
from inventory import redaction
from inventory.secrets import Secrets

KEY = "ca/key"
CERT = "ca/cert"
LIFETIME = timedelta(days=3650)
BACKDATED = timedelta(minutes=5)
"""A host's clock may be behind ours."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and its private key, both PEM."""

    cert: str
    key: str = field(repr=False)


class Authority:
    """Issues the environment's certificates, and says which of those that exist must be replaced."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, cert: x509.Certificate) -> None:
        self._key = key
        self._cert = cert

    def __repr__(self) -> str:
        return f"Authority({self._cert.subject.rfc4514_string()!r})"

    @property
    def pem(self) -> str:
        """What everybody trusts: the CA's certificate."""
        return _pem(self._cert)

    def issue(self, leaf: Leaf, now: datetime | None = None) -> Issued:
        """A new key with a certificate for it."""
        now = now or datetime.now(UTC)
        key = ec.generate_private_key(ec.SECP256R1())
        pem = _key_pem(key)
        redaction.remember(pem)
        return Issued(_pem(self._leaf(leaf, key.public_key(), now)), pem)

    def due(self, leaf: Leaf, cert: str, public_key_sha256: str, now: datetime | None = None) -> str | None:
        """Why a certificate must be replaced; None when it is as wanted and not in its last third.

        Args:
            leaf: what is wanted.
            cert: PEM of what is there; empty when there is none.
            public_key_sha256: digest of the public half (DER) of the private key that lies beside it.
            now: the time, UTC.
        """
        if not cert.strip():
            return "there is none"
        try:
            found = x509.load_pem_x509_certificate(cert.encode())
        except ValueError:
            return "it cannot be read"
        if not self._is_ours(found):
            return "another CA issued it"
        if public_sha256(found.public_key()) != public_key_sha256:
            return "the key beside it is another one's"
        if _shape(found) != _shape(self._leaf(leaf, self._key.public_key(), datetime.now(UTC))):
            return "its names or usages are not those wanted"
        return _age_finding(found, now or datetime.now(UTC))

    def _is_ours(self, cert: x509.Certificate) -> bool:
        try:
            cert.verify_directly_issued_by(self._cert)
        except (ValueError, TypeError, InvalidSignature):
            return False
        return True

    def _leaf(self, leaf: Leaf, key: ec.EllipticCurvePublicKey, now: datetime) -> x509.Certificate:
        usages = [
            *([ExtendedKeyUsageOID.SERVER_AUTH] if leaf.server else []),
            *([ExtendedKeyUsageOID.CLIENT_AUTH] if leaf.client else []),
        ]
        return (
            _builder(_name(leaf.names[0]), self._cert.subject, key, now, leaf.lifetime)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(sign=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(_alternatives(leaf), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )


def find(secrets: Secrets) -> Authority | None:
    """The environment's authority, or None before it was made."""
    key, cert = secrets.find(KEY), secrets.find(CERT)
    return load(key, cert) if key and cert else None


def ensure(secrets: Secrets, environment: str) -> Authority:
    """The environment's authority, made (and kept) when there was none."""
    key = secrets.ensure(KEY, new_key)
    cert = secrets.ensure(CERT, lambda: root(key, environment))
    return load(key, cert)


def public_sha256(key: PublicKeyTypes) -> str:
    """The digest of a public key (DER), by which a certificate and a private key are matched."""
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def load(key: str, cert: str) -> Authority:
    """An authority from its key and its certificate, both PEM.

    Raises:
        SecretsError: when they are none.
    """
    try:
        return Authority(_private(key), x509.load_pem_x509_certificate(cert.encode()))
    except (ValueError, TypeError) as error:
        raise SecretsError(f"{KEY}, {CERT}: not a key and a certificate - restore the secrets file") from error


def _private(pem: str) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{KEY}: not an elliptic-curve key")
    return key


def new_key() -> str:
    """A new private key, PEM."""
    return _key_pem(ec.generate_private_key(ec.SECP256R1()))


def root(key_pem: str, environment: str) -> str:
    """A CA's own certificate (PEM) for its key (PEM).

    The key's digest is in the name, so that an environment made anew is told apart from its predecessor.
    """
    key = _private(key_pem)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    name = _name(f"Socle {environment} CA {identifier.digest.hex()[:8]}")
    cert = (
        _builder(name, name, key.public_key(), datetime.now(UTC), LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(sign=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    return _pem(cert)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, lifetime: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common[:64])])


def _alternatives(leaf: Leaf) -> x509.SubjectAlternativeName:
    addresses = (x509.IPAddress(ipaddress.ip_address(address)) for address in leaf.addresses)
    return x509.SubjectAlternativeName([*(x509.DNSName(name) for name in leaf.names), *addresses])


def _key_usage(*, sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign,
        key_cert_sign=sign,
        crl_sign=sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _shape(cert: x509.Certificate) -> tuple[object, ...]:
    """What two certificates for the same leaf have in common."""
    kinds = (x509.SubjectAlternativeName, x509.ExtendedKeyUsage, x509.KeyUsage, x509.BasicConstraints)
    found = {type(extension.value): extension.value for extension in cert.extensions}
    return (cert.subject, *(found.get(kind) for kind in kinds))


def _age_finding(cert: x509.Certificate, now: datetime) -> str | None:
    left = cert.not_valid_after_utc - now
    if left < (cert.not_valid_after_utc - cert.not_valid_before_utc) / 3:
        return f"it ends on {cert.not_valid_after_utc:%Y-%m-%d}, a third of its life or less is left"
    return None


def _pem(cert: x509.Certificate) -> str:
    return cert.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
