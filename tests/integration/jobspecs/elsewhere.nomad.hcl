# What only other Nomads register: Enterprise, and those with a Vault.

job "elsewhere" {
  multiregion {
    strategy {
      max_parallel = 1
      on_failure   = "fail_all"
    }
    region "west" {
      count       = 2
      datacenters = ["west-1"]
      node_pool   = "default"
      meta {
        side = "west"
      }
    }
    region "east" {}
  }

  vault {
    role = "all"
  }

  group "hours" {
    task "open" {
      driver = "exec"
      config {
        command = "/bin/sleep"
      }
      resources {
        cores = 2
        numa {
          affinity = "prefer"
          devices  = ["nvidia/gpu"]
        }
        device "nvidia/gpu" {}
      }
      schedule {
        cron {
          start    = "0 8 * * *"
          end      = "0 18"
          timezone = "Local"
        }
      }
      vault {
        role                   = "web"
        env                    = false
        disable_file           = true
        change_mode            = "signal"
        change_signal          = "SIGHUP"
        allow_token_expiration = true
      }
    }
  }
}
