"""Lists for Prometheus every service instance in Consul's catalog that has the tag `metrics`.

Runs on the monitor host with the standard library alone, beside a Prometheus that was built without Consul discovery.
Each change of the catalog is seen by a blocking query and written to a file_sd file; while Consul cannot be asked,
the last list stays in force.
"""

import argparse
import json
import logging
import os
import re
import ssl
import time
import urllib.parse
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import Any

TAG = "metrics"
ALLOCATION = re.compile(r"_nomad-(?:task|group)-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-.*")
WAIT_S = 55
RETRY_S = 2.0

log = logging.getLogger(__name__)


def main() -> None:
    """Write the list, and again at each change, for ever."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--consul", required=True, help="https address of the local agent")
    parser.add_argument("--ca", required=True)
    parser.add_argument("--token-file", required=True, type=Path)
    parser.add_argument("--file", required=True, type=Path)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    catalog = Catalog(given.consul, ssl.create_default_context(cafile=given.ca), given.token_file)
    while True:
        try:
            write(given.file, targets(catalog.changed()))
        except (OSError, ValueError) as error:
            log.warning("%s: %s - the last list stays in force", given.consul, error)
            catalog.index = 0
            time.sleep(RETRY_S)


class Catalog:
    """Consul's catalog, asked through one agent."""

    def __init__(self, address: str, tls: ssl.SSLContext, token_file: Path) -> None:
        self.address, self.tls, self.token_file = address, tls, token_file
        self.index = 0

    def changed(self) -> list[dict[str, Any]]:
        """The instances of all services with the tag, once anything in the catalog has changed."""
        index, services = self.ask(f"services?wait={WAIT_S}s&index={self.index}")
        self.index = index if index >= self.index else 0
        tagged = sorted(name for name, tags in services.items() if TAG in tags)
        return [entry for name in tagged for entry in self.ask(f"service/{urllib.parse.quote(name, safe='')}")[1]]

    def ask(self, path: str) -> tuple[int, Any]:
        """An answer and its index."""
        token = self.token_file.read_text().strip()
        request = urllib.request.Request(f"{self.address}/v1/catalog/{path}", headers={"X-Consul-Token": token})  # noqa: S310
        with urllib.request.urlopen(request, timeout=WAIT_S + 20, context=self.tls) as answer:  # noqa: S310
            return int(answer.headers.get("X-Consul-Index", 0)), json.load(answer)


def targets(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The file_sd document: one target an instance, with the labels that queries and rollouts select by."""
    return [{"targets": [address(entry)], "labels": labels(entry)} for entry in entries if TAG in entry["ServiceTags"]]


def address(entry: dict[str, Any]) -> str:
    """Where an instance listens."""
    return f"{entry['ServiceAddress'] or entry['Address']}:{entry['ServicePort']}"


def labels(entry: dict[str, Any]) -> dict[str, str]:
    """An instance's labels; a service says more by its meta: `job`, `metrics_path`, `metrics_scheme`."""
    meta = entry.get("ServiceMeta") or {}
    allocation = ALLOCATION.fullmatch(entry["ServiceID"])
    found = {
        "service": entry["ServiceName"],
        "job": meta.get("job") or entry["ServiceName"],
        "host": entry["Node"],
        "half": "canary" if "canary" in entry["ServiceTags"] else "stable",
        "alloc": allocation[1] if allocation else "",
        "__metrics_path__": meta.get("metrics_path", ""),
        "__scheme__": meta.get("metrics_scheme", ""),
    }
    return {name: value for name, value in found.items() if value}


def write(path: Path, document: list[dict[str, Any]]) -> None:
    """Replace the file in one step, if it says anything new."""
    text = json.dumps(document, indent=1, sort_keys=True) + "\n"
    if path.exists() and path.read_text() == text:
        return
    new = path.with_suffix(".new")
    new.write_text(text)
    os.replace(new, path)  # noqa: PTH105 - atomic by its contract
    log.info("%d targets", len(document))


if __name__ == "__main__":
    main()
