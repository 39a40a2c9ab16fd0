"""A hardened systemd unit from its few facts."""

from collections.abc import Mapping
from typing import Final

Value = str | int | bool | list[str]

HARDENED: Final[Mapping[str, Value]] = {
    "NoNewPrivileges": True,
    "ProtectSystem": "strict",
    "ProtectHome": True,
    "PrivateTmp": True,
    "PrivateDevices": True,
    "ProtectKernelTunables": True,
    "ProtectKernelModules": True,
    "ProtectKernelLogs": True,
    "ProtectControlGroups": True,
    "ProtectClock": True,
    "ProtectHostname": True,
    "ProtectProc": "invisible",
    "RestrictSUIDSGID": True,
    "RestrictNamespaces": True,
    "RestrictRealtime": True,
    "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX AF_NETLINK",
    "LockPersonality": True,
    "MemoryDenyWriteExecute": True,
    "RemoveIPC": True,
    "SystemCallArchitectures": "native",
    "SystemCallFilter": ["@system-service", "~@privileged @resources"],
    # A refused call is an error, not the end: Go programs ask for more open files as they start.
    "SystemCallErrorNumber": "EPERM",
    "CapabilityBoundingSet": "",
    "AmbientCapabilities": "",
    "UMask": "0077",
}
"""The sandbox of every service that need not be root; systemd.exec(5) explains each line."""

RELOAD_BY_RESTART: Final[Mapping[str, Value]] = {"ExecReload": "/bin/kill -TERM $MAINPID", "Restart": "always"}
"""For a program that reads its certificate only as it starts: a reload ends it, and systemd starts it anew."""


def unit(
    *, description: str, exec_start: str, user: str, service: Mapping[str, Value] | None = None, hardened: bool = True
) -> str:
    """A service unit's text.

    Args:
        description: systemd's Description.
        exec_start: the command line.
        user: user and group it runs as.
        service: further [Service] settings; they win over the sandbox's. A list becomes one line an entry.
        hardened: False only for what must be root over the whole host (Nomad's client).
    """
    settings: dict[str, Value] = {
        "Type": "exec",
        "User": user,
        "Group": user,
        "ExecStart": exec_start,
        "Restart": "on-failure",
        "RestartSec": 2,
        "LimitNOFILE": 65536,
        "LimitCORE": 0,
        **(HARDENED if hardened else {}),
        **(service or {}),
    }
    return render(
        {
            "Unit": {
                "Description": description,
                "Wants": "network-online.target",
                "After": "network-online.target",
                "StartLimitIntervalSec": 0,
            },
            "Service": settings,
            "Install": {"WantedBy": "multi-user.target"},
        }
    )


def render(sections: Mapping[str, Mapping[str, Value]]) -> str:
    """A systemd file's text from its sections."""
    return "\n".join(_section(name, settings) for name, settings in sections.items())


def _section(name: str, settings: Mapping[str, Value]) -> str:
    lines = [f"{key}={line}" for key, value in settings.items() for line in _lines(value)]
    return "\n".join([f"[{name}]", *lines, ""])


def _lines(value: Value) -> list[str]:
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    return value if isinstance(value, list) else [str(value)]
