"""Ingress: what Traefik is told, and what its certificate must carry."""

import json
from pathlib import Path
from typing import Any, Final

from configs import ports
from configs.certificates import LOOPBACK, Leaf
from configs.environment import Environment, Role

TAG: Final = "ingress"
STABLE_TAG: Final = "live"
CANARY_TAG: Final = "canary"
NAME: Final = "ingress.service.consul"
"""Prometheus and our own tools ask for this name (SNI) on the metrics port."""

TLS_PATH: Final = "default/ingress/tls"
"""Vault's KV path of the certificate, its key and the CA: where the job's identity may read, and no other's."""

_SECRETS: Final = "{{ env `NOMAD_SECRETS_DIR` }}"
"""The documents are rendered by Nomad's template: it knows where the task sees its secrets."""

_ROUTES: Final = Path(__file__).parent / "templates/routes.yml.tpl"

BUCKETS: Final = (
    *(0.0025, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1),
    *(0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0),
)
"""Seconds; Traefik's own four are too coarse to compare the halves of a service."""


def static() -> dict[str, Any]:
    """Traefik's static configuration: what needs a restart."""
    return {
        "entryPoints": {
            "web": {"address": f":{ports.HTTP}", "http": {"redirections": {"entryPoint": _TO_HTTPS}}, **_TIMEOUTS},
            "websecure": {
                "address": f":{ports.HTTPS}",
                "http": {"tls": {}, "middlewares": ["headers@file"]},
                **_TIMEOUTS,
            },
            "internal": {"address": f":{ports.TRAEFIK_METRICS}", **_TIMEOUTS},
        },
        "providers": {
            "file": {"directory": f"{_SECRETS}/traefik", "watch": True},
            "providersThrottleDuration": "200ms",
        },
        "serversTransport": {"forwardingTimeouts": {"dialTimeout": "1s", "idleConnTimeout": "90s"}},
        # Balancers in front of the ingress ask http://<host>/ping; it fails as soon as Traefik drains.
        "ping": {"entryPoint": "web"},
        "api": {"dashboard": False},
        "metrics": {"prometheus": {"manualRouting": True, "buckets": list(BUCKETS), "addRoutersLabels": False}},
        "log": {"level": "INFO", "format": "json"},
        "accessLog": {"format": "json", "fields": {"headers": {"defaultMode": "drop", "names": _LOGGED_HEADERS}}},
        "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
    }


_TO_HTTPS: Final = {"to": "websecure", "scheme": "https", "permanent": True}
_LOGGED_HEADERS: Final = {"User-Agent": "keep", "Content-Type": "keep"}
_TIMEOUTS: Final[dict[str, Any]] = {
    "transport": {
        "lifeCycle": {"requestAcceptGraceTimeout": "2s", "graceTimeOut": "10s"},
        "respondingTimeouts": {"readTimeout": "60s", "writeTimeout": "0s", "idleTimeout": "180s"},
    }
}


def dynamic(env: Environment) -> dict[str, Any]:
    """What is fixed of the watched configuration: TLS, headers, and who may reach metrics and API."""
    certificate = {"certFile": f"{_SECRETS}/cert.pem", "keyFile": f"{_SECRETS}/key.pem"}
    return {
        "tls": {
            "stores": {"default": {"defaultCertificate": certificate}},
            "options": {
                "default": {"minVersion": "VersionTLS12"},
                "internal": {
                    "minVersion": "VersionTLS12",
                    "clientAuth": {
                        "caFiles": [f"{_SECRETS}/ca.pem"],
                        "clientAuthType": "RequireAndVerifyClientCert",
                    },
                },
            },
        },
        "http": {
            "middlewares": {
                "headers": {"headers": {"stsSeconds": 31_536_000, "contentTypeNosniff": True}},
                # It tries another instance of the same half, and only when the request was not sent yet.
                "retry": {"retry": {"attempts": 3, "initialInterval": "20ms"}},
            },
            "routers": {
                "internal-metrics": _internal(env, "prometheus@internal", "Path(`/metrics`)"),
                "internal-api": _internal(env, "api@internal", "PathPrefix(`/api`)"),
            },
        },
    }


def _internal(env: Environment, service: str, path: str) -> dict[str, Any]:
    """A route for holders of a certificate of the environment's CA.

    Traefik ties TLS options to the names of a rule: the client must send one of them (SNI), and a request for such a
    name over a connection that was opened for another is refused (421).
    """
    names = " || ".join(f"Host(`{name}`)" for name in (NAME, *_addresses(env)))
    return {
        "rule": f"({names}) && {path}",
        "entryPoints": ["internal"],
        "tls": {"options": "internal"},
        "service": service,
    }


def routes() -> str:
    """The template (consul-template) of the services' routes; it reads INGRESS_DOMAIN from the task's environment."""
    return _ROUTES.read_text()


def leaf(env: Environment) -> Leaf:
    """The one certificate of all ingress hosts."""
    return Leaf(
        service="ingress",
        names=(f"*.{env.ingress_domain}", env.ingress_domain, NAME, "localhost"),
        addresses=_addresses(env),
    )


def weights_key(service: str) -> str:
    """Where a service's weights are in Consul KV."""
    return f"socle/weights/{service}"


def weights(stable: int, canary: int) -> str:
    """A service's weights as the routes read them: both in one value, so that one write changes both.

    Args:
        stable: share of the stable half, 0 to 100.
        canary: share of the canary, 0 to 100.
    """
    return json.dumps({"stable": stable, "canary": canary})


def _addresses(env: Environment) -> tuple[str, ...]:
    return (*(host.address for host in env.having(Role.INGRESS)), LOOPBACK)
