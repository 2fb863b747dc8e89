#!/usr/bin/env node
process.argv.splice(2, 0, 'kafka-topics');
await import('./millrace');
