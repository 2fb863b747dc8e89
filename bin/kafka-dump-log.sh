#!/bin/sh
exec "$(dirname "$0")/kafka-dump-log" "$@"
