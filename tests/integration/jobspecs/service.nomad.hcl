# A service as people write it: two groups, canaries, checks, templates, an image, variables and functions.

variable "image" {
  type    = string
  default = "ghcr.io/example/shop:1.4.2"
}

locals {
  ports = { http = 8080, admin = 9090 }
}

job "shop" {
  datacenters = ["*"]
  node_pool   = "default"
  priority    = 60

  meta {
    owner = "shop team"
  }

  ui {
    description = "The **shop**."
    link {
      label = "Runbook"
      url   = "https://wiki.example.org/shop"
    }
  }

  constraint {
    attribute = "${attr.kernel.name}"
    value     = "linux"
  }

  constraint {
    distinct_hosts = true
  }

  affinity {
    attribute = "${node.datacenter}"
    value     = "west"
    weight    = -50
  }

  spread {
    attribute = "${node.datacenter}"
    weight    = 80
    target "west" {
      percent = 70
    }
    target "east" {
      percent = 30
    }
  }

  update {
    max_parallel      = 1
    canary            = 1
    min_healthy_time  = "10s"
    healthy_deadline  = "2m"
    progress_deadline = "5m"
    auto_revert       = true
    stagger           = "15s"
  }

  migrate {
    max_parallel     = 2
    health_check     = "task_states"
    min_healthy_time = "5s"
    healthy_deadline = "1m30s"
  }

  group "web" {
    count = 3

    disconnect {
      lost_after = "6h"
      replace    = false
      reconcile  = "longest_running"
    }

    scaling {
      enabled = true
      min     = 2
      max     = 10
      policy {
        cooldown            = "1m"
        evaluation_interval = "10s"
        check "load" {
          source = "prometheus"
          query  = "sum(rate(requests[1m]))"
          strategy "target-value" {
            target = 20
          }
        }
      }
    }

    network {
      mode     = "bridge"
      hostname = "shop"
      dynamic "port" {
        for_each = local.ports
        labels   = [port.key]
        content {
          to = port.value
        }
      }
      port "fixed" {
        static = 18080
      }
      dns {
        servers = ["10.0.0.2"]
        options = ["ndots:2"]
      }
    }

    service {
      name        = "shop"
      port        = "http"
      tags        = ["ingress", "live"]
      canary_tags = ["ingress", "canary"]
      meta {
        metrics_path = "/metrics"
      }
      canary_meta {
        metrics_path = "/metrics"
      }
      weights {
        passing = 3
        warning = 1
      }
      check {
        type     = "http"
        path     = "/health"
        interval = "5s"
        timeout  = "2s"
        header {
          Accept = ["application/json"]
        }
        check_restart {
          limit = 3
          grace = "30s"
        }
      }
      check {
        name         = "ready"
        type         = "grpc"
        port         = "admin"
        interval     = "10s"
        timeout      = "1s"
        grpc_service = "shop.Ready"
      }
    }

    service {
      name         = "shop-admin"
      port         = "admin"
      address_mode = "alloc"
    }

    restart {
      attempts         = 3
      interval         = "2m"
      delay            = "5s"
      mode             = "fail"
      render_templates = true
    }

    reschedule {
      delay          = "10s"
      delay_function = "fibonacci"
      max_delay      = "10m"
      unlimited      = true
    }

    ephemeral_disk {
      size    = 500
      sticky  = true
      migrate = true
    }

    shutdown_delay = "3s"

    task "web" {
      driver = "docker"
      leader = true
      user   = "1000:1000"

      config {
        image           = var.image
        args            = ["--listen", ":8080"]
        ports           = ["http", "admin"]
        readonly_rootfs = true
        labels {
          team = "shop"
        }
        mount {
          type   = "tmpfs"
          target = "/tmp"
          tmpfs_options {
            size = 1000000
          }
        }
        ulimit {
          nofile = "2048:4096"
        }
      }

      env {
        GREETING = "hello \"shop\""
        EMPTY    = ""
      }

      artifact {
        source      = "https://example.org/assets.tar.gz"
        destination = "local/assets"
        mode        = "any"
        chown       = true
        options {
          checksum = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
        }
        headers {
          User-Agent = "nomad"
        }
      }

      template {
        destination = "local/shop.yml"
        data        = <<-EOF
          # {{ env "NOMAD_ALLOC_ID" }}
          hosts: {{ range service "db" }}"{{ .Address }}"{{ end }}
          path: "C:\\shop"
        EOF
        change_mode = "script"
        change_script {
          command       = "/bin/reload"
          args          = ["--now"]
          timeout       = "10s"
          fail_on_error = true
        }
        perms                = "0400"
        uid                  = 1000
        gid                  = 1000
        error_on_missing_key = true
        wait {
          min = "0s"
          max = "1s"
        }
      }

      template {
        destination     = "secrets/env"
        source          = "local/env.tpl"
        env             = true
        change_mode     = "noop"
        left_delimiter  = "[["
        right_delimiter = "]]"
        splay           = "500ms"
      }

      identity {
        name        = "shop"
        aud         = ["shop.example.org"]
        ttl         = "1h"
        file        = true
        change_mode = "restart"
      }

      action "flush" {
        command = "/bin/flush"
        args    = ["--all"]
      }

      resources {
        cpu        = 200
        memory     = 256
        memory_max = 512
        secrets    = 2
      }

      logs {
        max_files     = 2
        max_file_size = 5
      }

      kill_signal  = "SIGINT"
      kill_timeout = "25s"
    }

    task "init" {
      driver = "exec"
      lifecycle {
        hook    = "prestart"
        sidecar = false
      }
      config {
        command = "/bin/true"
        cap_add = ["net_raw"]
      }
    }
  }
}
