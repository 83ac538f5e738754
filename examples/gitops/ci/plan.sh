#!/bin/sh
# Plans every environment against the target branch, and writes one comment: ci/plan.sh FOLDER_OF_THE_TARGET > plan.md
#
# ENVIRONMENTS names the environments; by default all. For each environment ENV the script needs DATABASE_ENV, the URL of
# a database user who may only read, and CLUSTER_ENV, the UID of the cluster's namespace kube-system. The exit code is
# the worst of `workspacectl plan`: 0 nothing to do, 2 changes, 3 a person would have to act; anything else is an error,
# which the comment shows in place of the plan of that environment.
set -eu
target=$1
worst=0 failed=0
errors=$(mktemp)

plan() { # ENVIRONMENT
  after=$(mktemp -d) before=$(mktemp -d)
  eval "database=\${DATABASE_$1:-} cluster=\${CLUSTER_$1:-}"
  if [ -z "$database" ] || [ -z "$cluster" ]; then
    echo "error: set DATABASE_$1 and CLUSTER_$1" >&2
    return 1
  fi
  kubectl kustomize "environments/$1" > "$after/tree.yaml" || return 1
  if [ -d "$target/environments/$1" ]; then
    kubectl kustomize "$target/environments/$1" > "$before/tree.yaml" || return 1
  fi
  workspacectl plan -f "$after/tree.yaml" --previous "$before" --samples 0 -o markdown \
    --cluster-id "$cluster" --database "$database"
}

for environment in ${ENVIRONMENTS:-development staging production}; do
  code=0
  printf '## %s\n\n' "$environment"
  plan "$environment" 2> "$errors" || code=$?
  cat "$errors" >&2
  case $code in
    0|2|3) if [ "$code" -gt "$worst" ]; then worst=$code; fi ;;
    *)
      failed=$code
      printf '**There is no plan**: the exit code is %s.\n\n' "$code"
      sed 's/^/    /' "$errors" # indented text is literal, whatever it holds
      ;;
  esac
  echo
done
if [ "$failed" -ne 0 ]; then exit "$failed"; fi
exit "$worst"
