#!/bin/sh
exec "$(dirname "$0")/kafka-producer-perf-test" "$@"
