#!/bin/sh
# Plans every environment against the target branch, and writes one comment: ci/plan.sh FOLDER_OF_THE_TARGET > plan.md
#
# ENVIRONMENTS names the environments; by default all. For each environment ENV the script needs DATABASE_ENV, the URL of
# a database user who may only read, and CLUSTER_ENV, the UID of the cluster's namespace kube-system. The exit code is
# the worst of `workspacectl plan`: 0 nothing to do, 2 changes, 3 a person would have to act; anything else is an error.
set -eu
target=$1
worst=0
for environment in ${ENVIRONMENTS:-development staging production}; do
  after=$(mktemp -d) before=$(mktemp -d) code=0
  kubectl kustomize "environments/$environment" > "$after/tree.yaml"
  if [ -d "$target/environments/$environment" ]; then
    kubectl kustomize "$target/environments/$environment" > "$before/tree.yaml"
  fi
  eval "database=\$DATABASE_$environment cluster=\$CLUSTER_$environment"
  printf '## %s\n\n' "$environment"
  workspacectl plan -f "$after/tree.yaml" --previous "$before" --samples 0 -o markdown \
    --cluster-id "$cluster" --database "$database" || code=$?
  echo
  case $code in
    0|2|3) if [ "$code" -gt "$worst" ]; then worst=$code; fi ;;
    *) exit "$code" ;;
  esac
done
exit "$worst"
