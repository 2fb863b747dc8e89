#!/usr/bin/env node
process.argv.splice(2, 0, 'kafka-streams-application-reset');
await import('./millrace');
