// What plugins are written against.
export * from './config-def.ts';
export * from './plugins.ts';
