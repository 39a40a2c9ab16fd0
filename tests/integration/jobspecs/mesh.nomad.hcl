# Connect: sidecars with upstreams, a transparent proxy, exposed checks, and the three kinds of gateway.

job "mesh" {
  type = "service"

  group "api" {
    network {
      mode = "bridge"
      port "health" {
        to = -1
      }
    }
    service {
      name = "api"
      port = "9001"
      connect {
        sidecar_service {
          tags = ["sidecar"]
          disable_default_tcp_check = true
          meta {
            mesh = "yes"
          }
          proxy {
            local_service_address = "127.0.0.1"
            local_service_port    = 9001
            upstreams {
              destination_name      = "db"
              destination_namespace = "default"
              datacenter            = "west"
              local_bind_port       = 5432
              local_bind_address    = "127.0.0.1"
              mesh_gateway {
                mode = "local"
              }
              config {
                connect_timeout_ms = 2000
              }
            }
            expose {
              path {
                path            = "/health"
                protocol        = "http"
                local_path_port = 9001
                listener_port   = "health"
              }
            }
            config {
              protocol = "http"
            }
          }
        }
        sidecar_task {
          user = "envoy"
          env {
            LEVEL = "info"
          }
          resources {
            cpu    = 100
            memory = 64
          }
          logs {
            max_files     = 1
            max_file_size = 2
          }
          kill_timeout   = "5s"
          shutdown_delay = "2s"
        }
      }
      check {
        type     = "http"
        path     = "/health"
        expose   = true
        interval = "5s"
        timeout  = "1s"
      }
    }
    task "api" {
      driver = "raw_exec"
      config {
        command = "/bin/sleep"
        args    = ["60"]
      }
      resources {
        cpu    = 20
        memory = 16
      }
    }
  }

  group "through" {
    network {
      mode = "bridge"
    }
    service {
      name = "through"
      port = "9002"
      connect {
        sidecar_service {
          proxy {
            transparent_proxy {
              uid                    = "101"
              outbound_port          = 15001
              exclude_inbound_ports  = ["9001", "9003"]
              exclude_outbound_ports = [443, 80]
              exclude_outbound_cidrs = ["10.0.0.0/8"]
              exclude_uids           = ["1000"]
              no_dns                 = true
            }
          }
        }
      }
    }
    task "api" {
      driver = "raw_exec"
      config {
        command = "/bin/sleep"
        args    = ["60"]
      }
      resources {
        cpu    = 20
        memory = 16
      }
    }
  }

  group "gateways" {
    network {
      mode = "bridge"
      port "inbound" {
        static = 18443
      }
    }
    service {
      name = "ingress-gateway"
      port = "inbound"
      connect {
        gateway {
          proxy {
            connect_timeout                = "500ms"
            envoy_gateway_no_default_bind  = true
            envoy_dns_discovery_type       = "LOGICAL_DNS"
            envoy_gateway_bind_addresses "api" {
              address = "0.0.0.0"
              port    = 18443
            }
          }
          ingress {
            tls {
              enabled         = true
              tls_min_version = "TLSv1_2"
              cipher_suites   = ["TLS_RSA_WITH_AES_128_CBC_SHA"]
            }
            listener {
              port     = 18443
              protocol = "http"
              service {
                name            = "api"
                hosts           = ["api.example.org"]
                max_connections = 100
                tls {
                  sds {
                    cluster_name  = "certificates"
                    cert_resource = "api"
                  }
                }
                request_headers {
                  add {
                    X-Mesh = "yes"
                  }
                  remove = ["X-Old"]
                }
              }
            }
          }
        }
      }
    }
    service {
      name = "terminating-gateway"
      connect {
        gateway {
          proxy {
            connect_timeout = "5s"
          }
          terminating {
            service {
              name      = "legacy"
              ca_file   = "/etc/ssl/ca.pem"
              cert_file = "/etc/ssl/cert.pem"
              key_file  = "/etc/ssl/key.pem"
              sni       = "legacy.example.org"
            }
          }
        }
      }
    }
  }

  group "between" {
    network {
      mode = "bridge"
      port "wan" {}
    }
    service {
      name = "mesh-gateway"
      port = "wan"
      connect {
        gateway {
          proxy {}
          mesh {}
        }
      }
    }
  }
}
