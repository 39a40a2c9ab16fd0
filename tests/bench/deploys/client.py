"""What a client sees of deploy/cluster.py, in its order; what asks an API is left out, or finds what it wants."""

from configs import identity
from deploy import artifacts, base, consul, logs, nomad, pki, prometheus, verify
from deploy.facts import nomad as _nomad_facts
from deploy.operations.barrier import barrier
from tests.bench.deploys import report

# Nomad's servers would tell of every client that they know it.
_nomad_facts.nodes = lambda env: {host.name: {} for host in env.clients}

report.told(name="Ask every host what it is")
barrier(name="phase: base")
base.run()
barrier(name="phase: certificates")
pki.run()
barrier(name="phase: artifacts")
artifacts.run()
barrier(name="phase: Consul")
consul.run()
barrier(name="phase: Nomad servers")
nomad.servers()
barrier(name="phase: Nomad clients")
nomad.clients()
barrier(name="phase: observability")
logs.run()
prometheus.run()
barrier(name="phase: verify")
verify.resolved(name="Have .consul names answered", names=[identity.JWKS_HOST, "active.vault.service.consul"])
