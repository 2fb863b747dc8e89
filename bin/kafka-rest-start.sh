#!/bin/sh
exec "$(dirname "$0")/kafka-rest-start" "$@"
