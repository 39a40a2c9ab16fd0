# Work: dispatched with a payload, scheduled, on devices and volumes.

job "batch" {
  type        = "batch"
  namespace   = "default"
  all_at_once = true

  parameterized {
    payload       = "required"
    meta_required = ["input"]
    meta_optional = ["output"]
  }

  reschedule {
    attempts  = 2
    interval  = "1h"
    delay     = "30s"
    unlimited = false
  }

  group "work" {
    volume "data" {
      type            = "csi"
      source          = "data"
      read_only       = true
      access_mode     = "single-node-reader-only"
      attachment_mode = "file-system"
      per_alloc       = false
      mount_options {
        fs_type     = "ext4"
        mount_flags = ["noatime"]
      }
    }
    volume "cache" {
      type   = "host"
      source = "cache"
      sticky = true
    }

    task "train" {
      driver = "java"
      config {
        jar_path    = "local/train.jar"
        jvm_options = ["-Xmx512m"]
      }
      dispatch_payload {
        file = "input.json"
      }
      volume_mount {
        volume           = "data"
        destination      = "/data"
        propagation_mode = "host-to-task"
      }
      volume_mount {
        volume      = "cache"
        destination = "/cache"
        read_only   = false
      }
      resources {
        cores  = 2
        memory = 1024
        device "nvidia/gpu" {
          count = 1
          constraint {
            attribute = "${device.attr.memory}"
            operator  = ">="
            value     = "8 GiB"
          }
          affinity {
            attribute = "${device.model}"
            operator  = "regexp"
            value     = "H100"
            weight    = 100
          }
        }
      }
      scaling "cpu" {
        enabled = false
        min     = 100
        max     = 2000
        policy {
          check "95pct" {
            strategy "app-sizing-percentile" {
              percentile = "95"
            }
          }
        }
      }
    }

    task "machine" {
      driver = "qemu"
      config {
        image_path        = "local/disk.qcow2"
        accelerator       = "kvm"
        graceful_shutdown = true
        args              = ["-nodefaults"]
      }
      secret "token" {
        provider = "nomad"
        path     = "nomad/jobs/batch"
        config {
          namespace = "default"
        }
      }
    }
  }
}
