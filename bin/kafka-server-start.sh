#!/bin/sh
exec "$(dirname "$0")/kafka-server-start" "$@"
