#!/bin/sh
exec "$(dirname "$0")/kafka-broker-api-versions" "$@"
