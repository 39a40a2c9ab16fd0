"""Twelve operations that find nothing to do, one command each: the empty run that a whole run is compared with."""

from pyinfra.operations import files

_PATHS = "/etc /etc/ssl /etc/ssh /etc/systemd /home /opt /root /srv /usr /usr/lib /var /var/lib"

for _path in _PATHS.split():
    files.directory(name=f"Have {_path}", path=_path)
