#!/bin/sh
exec "$(dirname "$0")/kafka-avro-console-producer" "$@"
