#!/usr/bin/env node
process.argv.splice(2, 0, 'kafka-log-dirs');
await import('./millrace');
