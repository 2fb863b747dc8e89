#!/bin/sh
exec "$(dirname "$0")/kafka-json-schema-console-consumer" "$@"
