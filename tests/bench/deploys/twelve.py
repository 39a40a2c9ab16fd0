"""Twelve operations that find nothing to do, one command each: the empty run that a whole run is compared with."""

from pyinfra.operations import files

for _path in (
    "/etc", "/etc/ssl", "/etc/ssh", "/etc/systemd", "/home", "/opt", "/root", "/srv", "/usr", "/usr/lib", "/var", "/var/lib",
):  # fmt: skip
    files.directory(name=f"Have {_path}", path=_path)
