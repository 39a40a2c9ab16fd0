"""How to reach an environment's APIs: addresses, the CA, tokens; for our own code and for the stock tools.

eval "$(python -m inventory.access ENV)"
"""

import argparse
import shlex
import socket
import ssl
import sys
from contextlib import suppress
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path

import consul
import hvac
import nomad
import requests

from configs import ports
from configs.environment import Environment, Host, Role
from configs.errors import AccessError, SocleError
from inventory import authority, credentials, environments, redaction, secrets, tunnels
from inventory.https import TIMEOUT_S, TRY_S, Session
from inventory.secrets import Secrets

TOKEN_LIFE = timedelta(hours=8)
"""How long an operator's tokens live."""

PORTS = {
    "consul": ports.CONSUL_HTTPS,
    "vault": ports.VAULT_API,
    "nomad": ports.NOMAD_HTTP,
    "prometheus": ports.PROMETHEUS,
    "alertmanager": ports.ALERTMANAGER,
    "loki": ports.LOKI,
    "ingress": ports.TRAEFIK_METRICS,
}
MONITORING = frozenset({"prometheus", "alertmanager", "loki"})
BASIC_AUTH = frozenset({"prometheus", "alertmanager"})
"""Services that ask for the user `operator` and the password of the secret `prometheus/password`."""


class Access:
    """The APIs of one environment, over TLS that the environment's own CA vouches for."""

    def __init__(self, env: Environment, kept: Secrets) -> None:
        self.env = env
        self.secrets = kept
        self._answered: dict[str, Host] = {}

    def __repr__(self) -> str:
        return f"Access({self.env.name!r})"

    @classmethod
    def for_environment(cls, env: Environment) -> "Access":
        """The access to an environment with its secrets as this machine keeps them."""
        return cls(env, secrets.open(env))

    @property
    def ca_file(self) -> Path:
        """The CA's certificate, as a file that is rewritten when it differs.

        Raises:
            AccessError: when the environment has no CA yet.
        """
        return credentials.ca(self.env, self._authority())

    @property
    def certificate(self) -> tuple[str, str]:
        """Paths of the operator's client certificate (24 hours) and its key, made anew when due."""
        return credentials.operator(self.env, self._authority())

    def hosts(self, service: str) -> tuple[Host, ...]:
        """The hosts that run a service's API, in the order in which they are tried."""
        if service == "ingress":
            return self.env.having(Role.INGRESS)
        return (self.env.monitor,) if service in MONITORING else self.env.servers

    def url(self, service: str, host: Host | str | None = None) -> str:
        """The address of a service's API on a host, or on the first host whose port answers.

        Args:
            service: one of PORTS.
            host: a host or its name.

        Raises:
            AccessError: when no host's port answers within two seconds.
        """
        if host is not None:
            return self._url(service, self.env.host(host) if isinstance(host, str) else host)
        last = self._answered.get(service)
        candidates = sorted(self.hosts(service), key=lambda candidate: candidate != last)
        findings = []
        for candidate in candidates:
            try:
                url = self._url(service, candidate)
                self._knock(url)
            except (AccessError, OSError) as error:
                findings.append(f"{candidate.name} ({error})")
            else:
                self._answered[service] = candidate
                return url
        raise AccessError(
            f"{self.env.name}: {service} answers on none of its hosts, tried {', '.join(findings)} - bring the hosts "
            f"up, and see that this machine's address is in the environment's `control` ({', '.join(self.env.control)})"
        )

    def consul(self, host: Host | str | None = None, token: str | None = None) -> consul.Consul:
        """Consul's API, by default with the management token; an empty token is anonymous."""
        name, port = _split(self.url("consul", host))
        client = consul.Consul(
            host=name, port=port, scheme="https", verify=str(self.ca_file), connections_timeout=TIMEOUT_S
        )
        client.http.session.trust_env = False
        client.token = self.secrets.get("consul/bootstrap") if token is None else token  # CONSUL_HTTP_TOKEN would win
        return client

    def vault(self, host: Host | str | None = None, token: str | None = None) -> hvac.Client:
        """Vault's API, by default logged in as the operator; an empty token is anonymous.

        Without a host it is the active server's: one that was just unsealed refuses what it should forward.

        Raises:
            AccessError: when the login is refused or Vault does not answer.
        """
        client = hvac.Client(
            url=self._active_vault() if host is None else self.url("vault", host), token=token or "", timeout=TIMEOUT_S,
            session=self.session(),  # hvac takes CA and certificate from it, and ignores its own arguments for them
        )  # fmt: skip
        if token is None:
            client.token = self._vault_login(client)
        return client

    def nomad(self, host: Host | str | None = None, token: str | None = None) -> nomad.Nomad:
        """Nomad's API, by default with the management token."""
        return nomad.Nomad(
            address=self.url("nomad", host), secure=True, verify=str(self.ca_file), cert=self.certificate,
            token=token or self.secrets.get("nomad/bootstrap"), namespace="default", region=self.env.region,
            timeout=TIMEOUT_S, session=self.session(),
        )  # fmt: skip

    def session(self, service: str | None = None) -> Session:
        """Plain HTTPS with the operator's client certificate, and the password where a service asks for one."""
        session = Session(str(self.ca_file), self.certificate)
        if service in BASIC_AUTH:
            session.auth = ("operator", self.secrets.get("prometheus/password"))
        return session

    def variables(self) -> dict[str, str]:
        """The standard variables of the stock tools, with tokens that live eight hours.

        Raises:
            AccessError: when a server does not answer or refuses.
        """
        ca = str(self.ca_file)
        return {
            "NOMAD_ADDR": self.url("nomad"),
            "NOMAD_CACERT": ca,
            "NOMAD_REGION": self.env.region,
            "NOMAD_TOKEN": self._nomad_token(),
            "CONSUL_HTTP_ADDR": self.url("consul"),
            "CONSUL_CACERT": ca,
            "CONSUL_HTTP_TOKEN": self._consul_token(),
            "VAULT_ADDR": self.url("vault"),
            "VAULT_CACERT": ca,
            "VAULT_TOKEN": str(self.vault().token),
            "SOCLE_ENVIRONMENT": self.env.name,
            "SOCLE_PROMETHEUS": self._url("prometheus", self.env.monitor),
            "SOCLE_ALERTMANAGER": self._url("alertmanager", self.env.monitor),
            "SOCLE_LOKI": self._url("loki", self.env.monitor),
        }

    def _active_vault(self) -> str:
        """The address of the active server; of one whose port answers, when none says that it is active."""
        session = self.session()
        for candidate in self.hosts("vault"):
            with suppress(AccessError, requests.RequestException):
                url = self._url("vault", candidate)
                if session.head(f"{url}/v1/sys/health", timeout=TRY_S).status_code == HTTPStatus.OK:
                    return url
        return self.url("vault")

    def _authority(self) -> authority.Authority:
        if (found := authority.find(self.secrets)) is None:
            raise AccessError(
                f"{self.env.name}: it has no CA yet, so nothing of it runs - run pyinfra "
                f"inventory/{self.env.name}.py deploy/cluster.py"
            )
        return found

    def _url(self, service: str, host: Host) -> str:
        port = PORTS[service]
        if host.ssh.jump:
            return f"https://127.0.0.1:{tunnels.forwarded(self.env, host, port)}"
        return f"https://{host.ssh.hostname or host.address}:{port}"

    def _knock(self, url: str) -> None:
        """A whole TLS handshake: a hung server and a tunnel to nowhere accept a connection too."""
        name, port = _split(url)
        context = ssl.create_default_context(cafile=str(self.ca_file))
        with (
            socket.create_connection((name, port), timeout=TRY_S) as connection,
            context.wrap_socket(connection, server_hostname=name),
        ):
            pass

    def _consul_token(self) -> str:
        client = self.consul()
        try:
            minted = client.acl.token.create(
                description="operator, from inventory.access", policies_name=["global-management"],
                expiration_ttl=f"{TOKEN_LIFE.seconds}s",
            )  # fmt: skip
        except (consul.ConsulException, requests.RequestException) as error:
            raise _refused(self.env, "consul", "a token for the operator", error) from None
        return _minted(minted["SecretID"])

    def _nomad_token(self) -> str:
        wanted = {"Name": "operator", "Type": "management", "ExpirationTTL": f"{TOKEN_LIFE.seconds}s"}
        try:
            minted = self.nomad().acl.create_token(wanted)
        except (nomad.api.exceptions.BaseNomadException, requests.RequestException) as error:
            raise _refused(self.env, "nomad", "a token for the operator", error) from None
        return _minted(minted["SecretID"])

    def _vault_login(self, client: hvac.Client) -> str:
        role = self.secrets.get("vault/operator-role-id")
        proof = self.secrets.get("vault/operator-secret-id")
        try:
            answer = client.auth.approle.login(role_id=role, secret_id=proof, use_token=False)
        except (hvac.exceptions.VaultError, requests.RequestException) as error:
            raise _refused(self.env, "vault", "the operator's login", error) from None
        return _minted(answer["auth"]["client_token"])


def main(arguments: list[str]) -> int:
    """Print the variables as shell exports; 0 done, 2 wrong usage, 5 the environment is not reached."""
    parser = argparse.ArgumentParser(prog="python -m inventory.access", description=__doc__.splitlines()[0])
    parser.add_argument("environment", help="dev, test, prod, or the path of an inventory file")
    options = parser.parse_args(arguments)
    try:
        found = Access.for_environment(environments.load(options.environment)).variables()
    except SocleError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.writelines(f"export {name}={shlex.quote(value)}\n" for name, value in found.items())
    return 0


def _refused(env: Environment, service: str, what: str, error: Exception) -> AccessError:
    """Its text is the kind of the error alone: what servers answer may hold what we sent."""
    return AccessError(
        f"{env.name}: {service} refused {what} ({type(error).__name__}) - see that it is up and unsealed with "
        f"python -m deploy.status {env.name}, then run the deployment again"
    )


def _minted(token: str) -> str:
    redaction.remember(token)
    return token


def _split(url: str) -> tuple[str, int]:
    name, port = url.removeprefix("https://").rsplit(":", 1)
    return name, int(port)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
