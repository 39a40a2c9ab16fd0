"""Bring an environment up, repair it, grow it: pyinfra inventory/test.py deploy/cluster.py."""

from deploy import (
    artifacts,
    base,
    consul,
    controller,
    guard,
    identity,
    ingress,
    logs,
    loki,
    nomad,
    pki,
    preflight,
    prometheus,
    vault,
    verify,
)
from deploy.operations.barrier import barrier

guard.install()
preflight.run()
barrier(name="phase: base")
base.run()
barrier(name="phase: certificates")
pki.run()
barrier(name="phase: artifacts")
artifacts.run()
barrier(name="phase: Consul")
consul.run()
barrier(name="phase: Vault")
vault.run()
barrier(name="phase: Nomad servers")
nomad.servers()
barrier(name="phase: workload identity")
identity.run()
barrier(name="phase: Nomad clients")
nomad.clients()
barrier(name="phase: observability")
loki.run()
logs.run()
# Last, so that its first question finds everybody ready to answer: the next comes 15 seconds later.
prometheus.run()
barrier(name="phase: ingress")
ingress.run()
barrier(name="phase: controller")
controller.run()
barrier(name="phase: verify")
verify.run()
