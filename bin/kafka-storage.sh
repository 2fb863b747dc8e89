#!/usr/bin/env node
process.argv.splice(2, 0, 'kafka-storage');
await import('./millrace');
