#!/bin/sh
exec "$(dirname "$0")/kafka-consumer-perf-test" "$@"
