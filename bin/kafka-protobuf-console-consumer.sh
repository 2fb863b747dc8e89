#!/bin/sh
exec "$(dirname "$0")/kafka-protobuf-console-consumer" "$@"
