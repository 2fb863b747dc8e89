#!/bin/sh
exec "$(dirname "$0")/kafka-log-dirs" "$@"
