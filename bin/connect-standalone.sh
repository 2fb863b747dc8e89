#!/bin/sh
exec "$(dirname "$0")/connect-standalone" "$@"
