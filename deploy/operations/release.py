"""Versions of artifacts on a host: fetched from the mirror, checked, put in place in one step."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Final

from pyinfra.api.command import QuoteString, StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host

from configs import artifacts, certificates
from configs.artifacts import Artifact
from configs.environment import Arch
from deploy.facts.artifacts import Installed, InstalledReleases

_INSTALL: Final = """
set -eu
name=$1 version=$2 sha256=$3 url=$4 file=$5; shift 5
home=$0/$name new=.$version.new was=
mkdir -p -m 755 "$home"; cd "$home"
exec 9> .lock; flock 9
rm -rf .*.new .*.old .fetched; mkdir -p -m 755 "$new" .fetched
curl --fail --silent --show-error --proto =https --cacert "$CA" --connect-timeout 5 --retry 5 --retry-connrefused \
  --output ".fetched/$file" "$url"
echo "$sha256  .fetched/$file" | sha256sum --check --strict --quiet || {
  echo "$url: is not what was uploaded - on the mirror remove $MIRRORED/$file, and run the same command" >&2; exit 1
}
case "$file" in
  *.zip) unzip -q ".fetched/$file" -d "$new" ;;
  *) tar --no-same-owner -xzf ".fetched/$file" -C "$new" ;;
esac
for pair in "$@"; do
  member=${pair#*=} binary=${pair%%=*}
  [ "$new/$member" -ef "$new/$binary" ] || mv -T "$new/$member" "$new/$binary"
  chmod 755 "$new/$binary"
done
chown -R root:root "$new"
echo "$sha256" > "$new/.sha256"
sync "$new"/* "$new/.sha256"
[ ! -e "$version" ] || mv -T "$version" ".$version.old"
mv -T "$new" "$version"
[ ! -L current ] || was=$(readlink current)
ln -sfT "$version" .current; mv -T .current current
if [ -n "$was" ] && [ "$was" != "$version" ]; then ln -sfT "$was" .previous; mv -T .previous previous; fi
sync .
rm -rf .*.old .fetched
for kept in *; do
  case "$kept" in current | previous | "$version" | "$(readlink previous || true)") ;; *) rm -rf "./$kept" ;; esac
done
"""
"""The old version runs on meanwhile: its files are only ever renamed, and a killed run leaves it the current one.

What a killed run started on the host goes on without it: the lock keeps the next run's from meeting it.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """A version as it must be on a host; `sha256` answers None while it was not acquired and the run is a dry one."""

    artifact: Artifact
    arch: Arch
    url: str
    sha256: Callable[[], str | None]


@operation()
def installed(wanted: Sequence[Wanted]) -> Generator[StringCommand, None, None]:
    """Have each artifact's version current, and the one before it kept beside it."""
    now = host.get_fact(InstalledReleases, names=[one.artifact.name for one in wanted])
    if now is None:
        return
    for one in wanted:
        current, sha256 = now[one.artifact.name], one.sha256()
        if not _is(current, one.artifact, sha256):
            yield _install(one, sha256 or "unknown")
        yield from (_link(one.artifact, binary) for binary in one.artifact.links if binary not in current.links)


def _is(current: Installed, artifact: Artifact, sha256: str | None) -> bool:
    same = current.version == artifact.version and sha256 in (None, current.sha256)
    return same and current.binaries >= set(artifact.binaries)


def _install(one: Wanted, sha256: str) -> StringCommand:
    artifact = one.artifact
    members = [QuoteString(f"{binary}={member}") for binary, member in artifact.members(one.arch).items()]
    return StringCommand(
        f"CA={certificates.CA_FILE} MIRRORED={artifacts.MIRRORED} sh -c", QuoteString(_INSTALL), artifacts.INSTALLED,
        artifact.name,
        artifact.version, sha256, QuoteString(one.url), artifact.file(one.arch), *members,
    )  # fmt: skip


def _link(artifact: Artifact, binary: str) -> StringCommand:
    link = f"/usr/local/bin/{binary}"
    return StringCommand(f"ln -sfT {artifacts.current(artifact.name, binary)} {link}.new && mv -T {link}.new {link}")
