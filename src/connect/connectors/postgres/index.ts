export { postgresSource } from './connector.ts';
