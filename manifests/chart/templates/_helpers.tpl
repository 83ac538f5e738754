{{/* Before each name: nothing for a release of the chart's name, else the release and a dash, as a kustomize namePrefix. */}}
{{- define "workspace-operator.prefix" -}}
{{- if ne .Release.Name .Chart.Name -}}
{{ .Release.Name | trunc 40 | trimSuffix "-" }}-
{{- end -}}
{{- end -}}

{{/* Labels of every object. Takes a list: the root, the name of the program, its component. */}}
{{- define "workspace-operator.labels" -}}
{{- $root := index . 0 -}}
{{ include "workspace-operator.selector" (list $root (index . 1)) }}
app.kubernetes.io/component: {{ index . 2 }}
app.kubernetes.io/part-of: workspace-operator
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version }}
{{- end -}}

{{/* Labels by which a program's pods are found; they never change. Takes a list: the root, the name of the program. */}}
{{- define "workspace-operator.selector" -}}
app.kubernetes.io/name: {{ index . 1 }}
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
{{- end -}}

{{- define "workspace-operator.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "workspace-operator.usesSQLite" -}}
{{- if eq .Values.database.type "SQLite" }}true{{ end -}}
{{- end -}}

{{/* Whether the API is a Deployment of its own. */}}
{{- define "workspace-operator.hasAPIPods" -}}
{{- if and .Values.api.enabled (eq .Values.database.type "PostgreSQL") }}true{{ end -}}
{{- end -}}

{{/* Whether the operator's pod serves the API. */}}
{{- define "workspace-operator.servesAPI" -}}
{{- if and .Values.api.enabled (eq .Values.database.type "SQLite") }}true{{ end -}}
{{- end -}}

{{/* Whether the console is a Deployment of its own. */}}
{{- define "workspace-operator.hasConsolePods" -}}
{{- if and .Values.console.enabled (eq .Values.database.type "PostgreSQL") }}true{{ end -}}
{{- end -}}

{{/* Whether the operator's pod serves the console. */}}
{{- define "workspace-operator.servesConsole" -}}
{{- if and .Values.console.enabled (eq .Values.database.type "SQLite") }}true{{ end -}}
{{- end -}}

{{/* Whether the operator's pod sends messages, and therefore mounts transports and passwords. */}}
{{- define "workspace-operator.operatorSends" -}}
{{- if and .Values.sending.enabled (not .Values.worker.enabled) }}true{{ end -}}
{{- end -}}

{{- define "workspace-operator.claim" -}}
{{ .Values.database.sqlite.existingClaim | default (printf "%sworkspace-operator" (include "workspace-operator.prefix" .)) }}
{{- end -}}

{{- define "workspace-operator.databaseVariable" -}}
- name: WORKSPACE_OPERATOR_DATABASE
{{- if include "workspace-operator.usesSQLite" . }}
  value: sqlite:////data/workspaces.db
{{- else }}
  valueFrom:
    secretKeyRef:
      name: {{ .Values.database.postgresql.secret.name }}
      key: {{ .Values.database.postgresql.secret.key }}
{{- end }}
{{- end -}}

{{- define "workspace-operator.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* The container that upgrades the database. Takes a list: the root, the values of the program. */}}
{{- define "workspace-operator.upgrade" -}}
{{- $root := index . 0 -}}
- name: upgrade
  image: {{ include "workspace-operator.image" $root }}
  imagePullPolicy: {{ $root.Values.image.pullPolicy }}
  command: [workspacectl]
  args: [database, upgrade, --wait=3600]
  env:
    {{- include "workspace-operator.databaseVariable" $root | nindent 4 }}
    {{- with (index . 1).extraEnv }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  resources:
    {{- toYaml $root.Values.upgrade.resources | nindent 4 }}
  securityContext:
    {{- include "workspace-operator.containerSecurity" $root | nindent 4 }}
  volumeMounts:
  {{- if include "workspace-operator.usesSQLite" $root }}
  - name: data
    mountPath: /data
  {{- end }}
  - name: scratch
    mountPath: /tmp
{{- end -}}

{{/* Where a pod runs. Takes the values of the program. */}}
{{- define "workspace-operator.placement" -}}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Pods apart from each other where that is possible. Takes a list: the root, the name of the program. */}}
{{- define "workspace-operator.spread" -}}
topologySpreadConstraints:
{{- $here := . }}
{{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
- topologyKey: {{ . }}
  maxSkew: 1
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "workspace-operator.selector" $here | nindent 6 }}
  matchLabelKeys: [pod-template-hash]
{{- end }}
{{- end -}}

{{- define "workspace-operator.pullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
- name: {{ . }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "workspace-operator.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* Probes of a container. Takes a list: seconds between startup probes, their number, seconds between readiness probes. */}}
{{- define "workspace-operator.probes" -}}
startupProbe:
  httpGet: {path: /healthz, port: health}
  periodSeconds: {{ index . 0 }}
  timeoutSeconds: 5
  failureThreshold: {{ index . 1 }}
livenessProbe:
  httpGet: {path: /healthz, port: health}
  periodSeconds: 20
  timeoutSeconds: 5
  failureThreshold: 3
readinessProbe:
  httpGet: {path: /readyz, port: health}
  periodSeconds: {{ index . 2 }}
  timeoutSeconds: 5
{{- end -}}

{{/* Mounts, volumes and options of what sends. */}}
{{- define "workspace-operator.rootKeyVariable" -}}
- name: WORKSPACE_OPERATOR_ROOT_KEY_FILE
  value: /etc/workspace-operator/root-key/root-key
{{- end -}}

{{- define "workspace-operator.rootKeyMount" -}}
- name: root-key
  mountPath: /etc/workspace-operator/root-key
  readOnly: true
{{- end -}}

{{- define "workspace-operator.rootKeyVolume" -}}
- name: root-key
  secret:
    secretName: {{ .Values.sending.rootKeySecret }}
    defaultMode: 0440
{{- end -}}

{{- define "workspace-operator.sendingMounts" -}}
- name: transports
  mountPath: /etc/workspace-operator/transports
  readOnly: true
- name: smtp
  mountPath: /etc/workspace-operator/smtp
  readOnly: true
{{ include "workspace-operator.rootKeyMount" . }}
{{- end -}}

{{- define "workspace-operator.sendingVolumes" -}}
- name: transports
  configMap:
    name: {{ .Values.sending.transportsConfigMap }}
- name: smtp
  secret:
    secretName: {{ .Values.sending.smtpSecret }}
    defaultMode: 0440
{{ include "workspace-operator.rootKeyVolume" . }}
{{- end -}}

{{/* For the worker: the address of the console, which notices have. */}}
{{- define "workspace-operator.consoleURLVariable" -}}
{{- with .Values.console.url }}
- name: WORKSPACE_OPERATOR_CONSOLE_URL
  value: {{ . | quote }}
{{- end }}
{{- end -}}

{{/* For all pods, in any of which a command can carry out a cleanup: how long it can be undone. */}}
{{- define "workspace-operator.undoVariable" -}}
{{- if ne (int .Values.console.undoDays) 30 }}
- name: WORKSPACE_OPERATOR_UNDO_DAYS
  value: {{ .Values.console.undoDays | quote }}
{{- end }}
{{- end -}}

{{/* How browsers reach the console, and how people sign in. */}}
{{- define "workspace-operator.consoleVariables" -}}
{{- include "workspace-operator.consoleURLVariable" . }}
{{- with .Values.console.trustedProxies }}
- name: WORKSPACE_OPERATOR_TRUSTED_PROXY
  value: {{ join " " . | quote }}
{{- end }}
{{- with .Values.console.oidc }}
{{- if .issuer }}
- name: WORKSPACE_OPERATOR_OIDC_ISSUER
  value: {{ .issuer | quote }}
- name: WORKSPACE_OPERATOR_OIDC_CLIENT_ID
  value: {{ .clientID | quote }}
- name: WORKSPACE_OPERATOR_OIDC_CLIENT_SECRET_FILE
  value: /etc/workspace-operator/oidc/{{ .clientSecret.key }}
{{- if .trustEmail }}
- name: WORKSPACE_OPERATOR_OIDC_TRUST_EMAIL
  value: "true"
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "workspace-operator.clientSecretMount" -}}
{{- if .Values.console.oidc.issuer }}
- name: oidc
  mountPath: /etc/workspace-operator/oidc
  readOnly: true
{{- end }}
{{- end -}}

{{- define "workspace-operator.clientSecretVolume" -}}
{{- if .Values.console.oidc.issuer }}
- name: oidc
  secret:
    secretName: {{ .Values.console.oidc.clientSecret.name }}
    defaultMode: 0440
{{- end }}
{{- end -}}

{{- define "workspace-operator.scratchVolume" -}}
- name: scratch
  emptyDir:
    sizeLimit: 1Gi
{{- end -}}

{{/* The name and namespace of the operator's account. */}}
{{- define "workspace-operator.account" -}}
kind: ServiceAccount
name: {{ include "workspace-operator.prefix" . }}workspace-operator
namespace: {{ .Release.Namespace }}
{{- end -}}

{{/* Rules of the operator. Takes a list: the root, the file with the role. The rule for first workspaces can be left out. */}}
{{- define "workspace-operator.rules" -}}
{{- $root := index . 0 -}}
{{- range ($root.Files.Get (index . 1) | fromYaml).rules }}
{{- if or $root.Values.rbac.createFirstWorkspaces (not (and (has "workspaces" .resources) (has "create" .verbs))) }}
{{ toYaml (list .) }}
{{- end }}
{{- end }}
{{- end -}}
