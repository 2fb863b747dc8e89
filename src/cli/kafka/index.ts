/**
 * Kafka's tools by their names. Each is a small file in `bin/` that starts `bin/millrace` with its name; what it does is
 * loaded when it is called.
 */
import type { Tool, ToolIo } from './tool.ts';

export const KAFKA_TOOLS: Readonly<Record<string, () => Promise<Tool>>> = {
  'kafka-topics': async () => (await import('./topics.ts')).topics,
  'kafka-console-producer': async () => (await import('./console-producer.ts')).consoleProducer,
  'kafka-console-consumer': async () => (await import('./console-consumer.ts')).consoleConsumer,
  'kafka-avro-console-producer': async () => (await import('./schema-consoles.ts')).schemaProducer('AVRO'),
  'kafka-avro-console-consumer': async () => (await import('./schema-consoles.ts')).schemaConsumer('AVRO'),
  'kafka-json-schema-console-producer': async () => (await import('./schema-consoles.ts')).schemaProducer('JSON'),
  'kafka-json-schema-console-consumer': async () => (await import('./schema-consoles.ts')).schemaConsumer('JSON'),
  'kafka-protobuf-console-producer': async () => (await import('./schema-consoles.ts')).schemaProducer('PROTOBUF'),
  'kafka-protobuf-console-consumer': async () => (await import('./schema-consoles.ts')).schemaConsumer('PROTOBUF'),
  'kafka-consumer-groups': async () => (await import('./consumer-groups.ts')).consumerGroups,
  'kafka-configs': async () => (await import('./configs.ts')).configs,
  'kafka-get-offsets': async () => (await import('./offsets.ts')).getOffsets,
  'kafka-delete-records': async () => (await import('./offsets.ts')).deleteRecords,
  'kafka-log-dirs': async () => (await import('./cluster.ts')).logDirs,
  'kafka-cluster': async () => (await import('./cluster.ts')).cluster,
  'kafka-acls': async () => (await import('./acls.ts')).acls,
  'kafka-leader-election': async () => (await import('./leader-election.ts')).leaderElection,
  'kafka-transactions': async () => (await import('./transactions.ts')).transactions,
  'kafka-broker-api-versions': async () => (await import('./broker-api-versions.ts')).brokerApiVersions,
  'kafka-dump-log': async () => (await import('./dump-log.ts')).dumpLog,
  'kafka-producer-perf-test': async () => (await import('./producer-performance.ts')).producerPerformance,
  'kafka-consumer-perf-test': async () => (await import('./consumer-performance.ts')).consumerPerformance,
  confluent: async () => (await import('./confluent.ts')).confluent,
  'kafka-storage': async () => (await import('./servers.ts')).kafkaStorage,
  'kafka-server-start': async () => (await import('./servers.ts')).kafkaServerStart,
  'zookeeper-server-start': async () => (await import('./servers.ts')).zookeeperServerStart,
  'schema-registry-start': async () => (await import('./servers.ts')).schemaRegistryStart,
  'kafka-rest-start': async () => (await import('./servers.ts')).kafkaRestStart,
  'connect-standalone': async () => (await import('./servers.ts')).connectStandalone,
  'connect-distributed': async () => (await import('./servers.ts')).connectDistributed,
  'ksql-server-start': async () => (await import('./servers.ts')).ksqlServerStart,
};

/** Tools that are commands of `millrace` under another name. */
export const SYNONYMS: Readonly<Record<string, readonly string[]>> = {
  ksql: ['sql'],
  'kafka-streams-application-reset': ['streams', 'reset'],
};

/** Runs a tool of that name as a process of its own does. Returns the exit code. */
export async function runKafkaTool(name: string, words: readonly string[]): Promise<number> {
  const { runTool } = await import('./tool.ts');
  return runTool(await KAFKA_TOOLS[name]!(), words, processIo());
}

function processIo(): ToolIo {
  const { stdin, stdout, stderr } = process;
  // Whoever reads what is written may have enough.
  stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  return {
    input: stdin,
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    drained: () =>
      stdout.writableNeedDrain
        ? new Promise((resolve) => {
            stdout.once('drain', () => resolve());
          })
        : Promise.resolve(),
    interrupted: new Promise((resolve) => {
      process.once('SIGINT', () => resolve());
      process.once('SIGTERM', () => resolve());
    }),
  };
}
