{{- define "spillway.name" -}}
{{- printf "%s" .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "spillway.labels" -}}
app.kubernetes.io/name: spillway
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "spillway.secret" -}}
{{- default (include "spillway.name" .) .Values.existingSecret -}}
{{- end -}}

{{- define "spillway.peers" -}}
{{- $name := include "spillway.name" . -}}
{{- $peers := list -}}
{{- range $i := until (int .Values.replicas) -}}
{{- $peers = append $peers (printf "%s-%d.%s-nodes.%s.svc:6222" $name $i $name $.Release.Namespace) -}}
{{- end -}}
{{- join "," $peers -}}
{{- end -}}
