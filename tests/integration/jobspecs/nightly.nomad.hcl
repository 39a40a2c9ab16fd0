# What runs by the clock, and how a CSI plugin is run.

job "nightly" {
  type = "sysbatch"

  periodic {
    crons            = ["0 2 * * *", "30 14 * * 1-5"]
    prohibit_overlap = true
    time_zone        = "Europe/Berlin"
    enabled          = false
  }

  group "clean" {
    consul {
      cluster = "default"
    }
    network {
      mode = "cni/backbone"
      cni {
        args = { zone = "west" }
      }
      port "admin" {}
    }
    service {
      name     = "clean"
      port     = "admin"
      provider = "nomad"
    }
    task "clean" {
      driver = "raw_exec"
      consul {}
      config {
        command        = "/bin/true"
        denied_envvars = ["PATH"]
        oom_score_adj  = 500
      }
      csi_plugin {
        id                     = "hostpath"
        type                   = "monolith"
        mount_dir              = "/csi"
        stage_publish_base_dir = "/stage"
        health_timeout         = "30s"
      }
      restart {
        attempts = 0
        mode     = "fail"
      }
      logs {
        disabled = true
      }
    }
  }
}
