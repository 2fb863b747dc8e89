#!/usr/bin/env node
process.argv.splice(2, 0, 'kafka-delete-records');
await import('./millrace');
