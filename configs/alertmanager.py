"""Alertmanager: who is told of an alert, and who may ask."""

from typing import Any, Final

from configs import ports, prometheus
from configs.environment import Environment
from configs.files import File
from configs.merge import merge

CONFIG: Final = "/etc/prometheus/alertmanager.yml"
WEB_CONFIG: Final = "/etc/prometheus/alertmanager-web.yml"
UNIT: Final = "prometheus-alertmanager"

_KEPT: Final = "kept"
_WEBHOOK: Final = "webhook"


def config(env: Environment) -> dict[str, Any]:
    """Alertmanager's configuration.

    Without a webhook alerts are kept in Alertmanager alone. With one it also gets the Watchdog, which always fires,
    every minute: whoever receives it raises the alarm when it stops.
    """
    receiver = _WEBHOOK if env.alert_webhook else _KEPT
    document = {
        "route": {
            "receiver": receiver,
            "group_by": ["alertname", "env"],
            "group_wait": "10s",
            "group_interval": "1m",
            "repeat_interval": "4h",
            "routes": [
                {
                    "matchers": ['alertname="Watchdog"'],
                    "receiver": receiver,
                    "group_wait": "0s",
                    "group_interval": "1m",
                    "repeat_interval": "1m",
                }
            ],
        },
        "inhibit_rules": _inhibitions(),
        "receivers": [{"name": _KEPT}, *_webhook(env)],
    }
    return merge(document, env.extra.get("alertmanager", {}))


def _inhibitions() -> list[dict[str, Any]]:
    """A host that is down explains every warning about what runs on it."""
    return [
        {
            "source_matchers": ['alertname="HostDown"'],
            "target_matchers": ['alertname=~"TargetDown|ClockSkewed|LogsNotShipped"'],
            "equal": ["host"],
        }
    ]


def _webhook(env: Environment) -> list[dict[str, Any]]:
    if not env.alert_webhook:
        return []
    return [{"name": _WEBHOOK, "webhook_configs": [{"url": env.alert_webhook, "send_resolved": True}]}]


def live_files(env: Environment) -> tuple[File, ...]:
    """What Alertmanager reads again without a restart; an alert webhook's address may hold a secret."""
    return (
        File(
            path=CONFIG,
            content=prometheus.dump(config(env)),
            mode="640",
            group="prometheus",
            check='amtool check-config "$1"',
        ),
    )


def service_files(env: Environment, password_hash: prometheus.Text) -> tuple[File, ...]:
    """Alertmanager's options, access rules and sandbox. A lone one has no use for the gossip port."""
    arguments = [
        f"--config.file={CONFIG}",
        f"--web.config.file={WEB_CONFIG}",
        f"--web.listen-address=0.0.0.0:{ports.ALERTMANAGER}",
        f"--web.external-url=https://{env.monitor.address}:{ports.ALERTMANAGER}/",
        "--cluster.listen-address=",
    ]
    return (
        prometheus.web_config_file("alertmanager", WEB_CONFIG, password_hash),
        *prometheus.debian_service(UNIT, arguments, {"ReadWritePaths": "/var/lib/prometheus"}),
    )
