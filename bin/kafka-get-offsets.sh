#!/usr/bin/env node
process.argv.splice(2, 0, 'kafka-get-offsets');
await import('./millrace');
