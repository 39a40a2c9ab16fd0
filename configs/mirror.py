"""The mirror: nginx, that serves one folder of artifacts over TLS and nothing else."""

from pathlib import Path
from typing import Final

from configs import certificates, units
from configs.files import File

UNIT: Final = "nginx"
"""Our unit has the distribution's name and takes its place: the distribution's site on port 80 never starts."""

USER: Final = "www-data"
CONFIG: Final = "/etc/socle/mirror/nginx.conf"
CERTIFICATES: Final = (certificates.cert("mirror"), certificates.key("mirror"))
_NGINX_CONF: Final = Path(__file__).parent / "nginx/mirror.conf"


def files() -> tuple[File, ...]:
    """The configuration and the unit."""
    return (
        File(path=CONFIG, content=_NGINX_CONF.read_text()),
        File(path=f"/etc/systemd/system/{UNIT}.service", content=_unit()),
    )


def _unit() -> str:
    return units.unit(
        description="Socle: the mirror of artifacts",
        # `-e stderr`: before nginx reads its configuration it opens a log file that this user cannot write.
        exec_start=f"/usr/sbin/nginx -e stderr -c {CONFIG} -g 'daemon off;'",
        user=USER,
        service={
            "ExecReload": "/bin/kill -HUP $MAINPID",
            "RuntimeDirectory": "socle-mirror",
            "InaccessiblePaths": "-/srv/socle/incoming",
        },
    )
