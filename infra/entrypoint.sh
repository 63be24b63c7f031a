#!/bin/sh
# The image's commands are storyfold's: `docker run storyfold status`. Prefect starts its jobs by a command of its own,
# `prefect flow-run execute`, in the same place; so do its server and workers.
set -eu
case "${1:-}" in
prefect | python | sh) exec "$@" ;;
*) exec storyfold "$@" ;;
esac
