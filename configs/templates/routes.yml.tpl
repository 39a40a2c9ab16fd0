{{- /* Traefik's routes, rendered by Nomad from Consul's catalog and from the weights in Consul KV.

     A service with the tag `ingress` is reached as <service>.<domain>. Its instances are in two halves: those with the
     tag `live` are stable, those with the tag `canary` are the canary. A half without a passing instance does not
     appear: Traefik answers 404 for the whole route when a weighted service names one that does not exist. */ -}}
{{- $weight := "(100|[1-9]?[0-9])" -}}
{{- $format := printf "^{\"stable\": ?%s, ?\"canary\": ?%s}$" $weight $weight -}}
{{- range services -}}
  {{- if and (.Tags | contains "ingress") (.Name | regexMatch "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$") -}}
    {{- /* The names of halves must not clash: a key given twice would end the reading of the whole file. */ -}}
    {{- if not (.Name | regexMatch "-(stable|canary)$") }}{{ scratch.MapSet "names" .Name .Name }}{{ end -}}
  {{- end -}}
{{- end -}}
{{- if scratch.Key "names" -}}
http:
  routers:
{{- range $name := scratch.MapValues "names" }}
    {{ $name }}:
      rule: Host(`{{ $name }}.{{ env "INGRESS_DOMAIN" }}`)
      entryPoints: [websecure]
      middlewares: [retry]
      service: {{ $name }}
{{- end }}
  services:
{{- range $name := scratch.MapValues "names" }}
  {{- $halves := service (printf "%s|passing" $name) | byTag }}
  {{- $stable := index $halves "live" }}
  {{- $canary := index $halves "canary" }}
  {{- /* Text that is not a pair of weights counts as none: an error here would end the task. */ -}}
  {{- $text := keyOrDefault (printf "socle/weights/%s" $name) "" }}
  {{- if not ($text | regexMatch $format) }}{{ $text = "{\"stable\": 100, \"canary\": 0}" }}{{ end }}
  {{- $weights := $text | parseJSON }}
  {{- if and (eq $weights.stable 0.0) (eq $weights.canary 0.0) }}{{ $weights = "{\"stable\": 1, \"canary\": 0}" | parseJSON }}{{ end }}
    {{ $name }}:
{{- if and $stable $canary }}
      weighted:
        services:
          - {name: {{ $name }}-stable, weight: {{ $weights.stable }}}
          - {name: {{ $name }}-canary, weight: {{ $weights.canary }}}
{{- else if $stable }}
      weighted:
        services:
          - {name: {{ $name }}-stable, weight: 100}
{{- else if $canary }}
      weighted:
        services:
          - {name: {{ $name }}-canary, weight: 100}
{{- else }}
      loadBalancer:
        servers: []
{{- end }}
{{- if $stable }}
    {{ $name }}-stable:
      loadBalancer:
        servers:
{{- range $stable }}
          - url: http://{{ .Address }}:{{ .Port }}
{{- end }}
{{- end }}
{{- if $canary }}
    {{ $name }}-canary:
      loadBalancer:
        servers:
{{- range $canary }}
          - url: http://{{ .Address }}:{{ .Port }}
{{- end }}
{{- end }}
{{- end }}
{{ end -}}
