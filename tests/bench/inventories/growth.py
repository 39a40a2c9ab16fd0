"""bench-growth, with as many simulated clients as SOCLE_BENCH_CLIENTS says; its servers are not asked."""

import os

from inventory import environments
from tests.bench import fleet, simulated

_env = fleet.environment(int(os.environ["SOCLE_BENCH_CLIENTS"]))
environments.define(_env)
simulated.simulate()

client = [f"@fake/{_host.name}" for _host in _env.clients]
