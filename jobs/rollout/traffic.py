"""How the ingress splits a service's traffic: as it is written in Consul, and as every Traefik has it in force."""

import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any, Final

import consul
import requests

from configs import ingress
from jobs.rollout.kv import KV
from jobs.rollout.seen import Half, Traffic

TIMEOUT_S: Final = 1.5
"""How long one ingress may take to connect, and to answer; in seconds."""

_CONSUL_S: Final = 3.0
"""How long Consul may have no answer, in seconds; whoever looks does so again anyway."""

_WEIGHT: Final = "(100|[1-9]?[0-9])"
_WEIGHTS: Final = re.compile(rf'{{"stable": ?{_WEIGHT}, ?"canary": ?{_WEIGHT}}}')
_MOST: Final = 10_000
"""Services of one answer; Traefik gives 100 unless it is asked for more."""


class Ingress:
    """Every ingress of an environment, and the weights in Consul that they follow.

    Args:
        apis: by host name, the address of its Traefik's API, `https://<address>:<port>`.
        session: has a client certificate of the environment's CA, and asks for the name `configs.ingress.NAME`
            (`inventory.https.Named`): Traefik refuses every other.
    """

    def __init__(self, client: consul.Consul, apis: Mapping[str, str], session: requests.Session) -> None:
        self._kv = KV(client)
        self._apis = dict(apis)
        self._session = session

    def look(self, service: str) -> Traffic:
        """A service's split now; all ingresses are asked at once, and one that does not answer has None.

        Raises:
            AccessError: when Consul does not answer, or refuses the token.
        """
        with ThreadPoolExecutor(max_workers=max(len(self._apis), 1)) as pool:
            asked = {host: pool.submit(self._half, api, service) for host, api in self._apis.items()}
            entry = self._kv.get(ingress.weights_key(service), within=_CONSUL_S)
            halves = {host: answer.result() for host, answer in asked.items()}
        return Traffic(written=written(entry.value.decode(errors="replace") if entry else ""), ingresses=halves)

    def _half(self, api: str, service: str) -> Half | None:
        try:
            answer = self._session.get(
                f"{api}/api/http/services",
                params={"search": service, "per_page": str(_MOST)},
                headers={"Host": ingress.NAME},
                timeout=(TIMEOUT_S, TIMEOUT_S),
            )
            if answer.status_code != HTTPStatus.OK:
                return None
            return half({found["name"]: found for found in answer.json()}, service)
        except (requests.RequestException, ValueError, LookupError, TypeError, AttributeError):
            return None


def written(text: str) -> int:
    """The canary's share in percent that a text in Consul means to the ingress' template.

    What is not two whole numbers of 0 to 100, not both 0, gives the canary nothing.
    """
    found = _WEIGHTS.fullmatch(text)
    return _share(canary=int(found[2]), stable=int(found[1])) if found else 0


def half(services: Mapping[str, Mapping[str, Any]], service: str) -> Half:
    """What an ingress has in force, of the services that its API lists by name; one it does not know has nothing."""
    weighted = services.get(f"{service}@file", {}).get("weighted", {}).get("services") or ()
    weights = {each["name"]: int(each.get("weight", 1)) for each in weighted}
    canary, stable = f"{service}-canary", f"{service}-stable"
    return Half(
        weight=_share(canary=weights.get(canary, 0), stable=weights.get(stable, 0)),
        canaries=_instances(services, canary) if canary in weights else 0,
        stables=_instances(services, stable) if stable in weights else 0,
    )


def _instances(services: Mapping[str, Mapping[str, Any]], name: str) -> int:
    return len(services.get(f"{name}@file", {}).get("loadBalancer", {}).get("servers") or ())


def _share(*, canary: int, stable: int) -> int:
    return round(100 * canary / (canary + stable)) if canary + stable else 0
