#!/bin/sh
exec "$(dirname "$0")/kafka-leader-election" "$@"
