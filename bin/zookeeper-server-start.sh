#!/bin/sh
exec "$(dirname "$0")/zookeeper-server-start" "$@"
