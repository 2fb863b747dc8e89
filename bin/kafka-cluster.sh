#!/usr/bin/env node
process.argv.splice(2, 0, 'kafka-cluster');
await import('./millrace');
