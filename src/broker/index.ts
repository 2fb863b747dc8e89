// The broker: a log with Kafka's wire protocol in front. Others see only how to open one and talk to it.
export { Broker, type BrokerOptions } from './broker.ts';
export { dumpFile, type DumpOptions } from './dump/dump.ts';
export type { RecordProblem, RecordSchemas, SchemaCheck } from './record-schemas.ts';
export type { ListenerConfig, SecurityProtocol } from './security/listeners.ts';
export type { ClientMetric, ClientMetrics } from './telemetry/newest-metrics.ts';
export { type Disk, type DiskFile, nodeDisk } from './log/disk.ts';
export {
  type BrokerSettingName,
  brokerSettings,
  readBrokerSettings,
  type TopicSettingName,
  topicSettings,
} from './settings.ts';
