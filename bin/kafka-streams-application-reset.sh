#!/bin/sh
exec "$(dirname "$0")/kafka-streams-application-reset" "$@"
