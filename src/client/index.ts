// The Kafka client. Everything above it sees the ports of client.ts; how it dials, batches and fetches stays inside.
export type * from './client.ts';
export { dialThread } from './dial.ts';
export { type ClientOptions, createClient } from './kafka-client.ts';
export type { SaslOptions } from './login.ts';
export type { OauthToken } from './oauth-tokens.ts';
export type { RecordCursor } from './record-cursor.ts';
export { type ConsumerRecord, recordsOf } from './records.ts';
export {
  clientOptionsOf,
  type ClusterOptions,
  isSecuritySetting,
  securityOptionsOf,
  securityOptions,
  splitSecurity,
  type SecurityOptions,
  securitySettings,
} from './settings.ts';
