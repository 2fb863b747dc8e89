// io.confluent.connect.elasticsearch.ElasticsearchSinkConnector: records as documents of an index per topic, for Elasticsearch and
// OpenSearch. Records become operations of bulk requests; all of them have been carried out when `put` returns. The version of a
// document is its record's offset, so what is written again changes nothing, and an older record never takes the place of a newer one.
import { messageOf, systemEnvironment } from '../../../util/index.ts';
import { type ConfigProblem, type SinkTask, type SinkTaskContext, sinkPlugin } from '../../api/index.ts';
import { ConnectError, DataError } from '../../data/errors.ts';
import type { SinkRecord } from '../../data/record.ts';
import { placeOf } from '../record-text.ts';
import { Cluster, type Operation, type Refusal } from './cluster.ts';
import { documentOf, idOf, ignoresKey, ignoresSchema, indexOf, mappingOf } from './documents.ts';
import { type ElasticsearchConfig, elasticsearchConfig, settingProblems } from './settings.ts';

export const elasticsearchSink = sinkPlugin({
  className: 'io.confluent.connect.elasticsearch.ElasticsearchSinkConnector',
  version: '15.0.0',
  config: elasticsearchConfig,
  async validate(config) {
    const problems = settingProblems(config);
    return problems.length > 0 ? problems : connectionProblems(config);
  },
  create: (_config, raw) => ({ taskConfigs: (maxTasks) => Array.from({ length: maxTasks }, () => raw) }),
  task: () => new ElasticsearchSinkTask(),
});

async function connectionProblems(config: ElasticsearchConfig): Promise<ConfigProblem[]> {
  try {
    await new Cluster(config, systemEnvironment, () => Promise.resolve(), 0).look();
    return [];
  } catch (error) {
    const message = `Could not talk to Elasticsearch: ${messageOf(error)}`;
    return ['connection.url', 'connection.username', 'connection.password'].map((name) => ({ name, message }));
  }
}

/** What an update tries again by itself when somebody else changes the document. */
const RETRIES_ON_CONFLICT = 5;
/** The errors of documents that do not fit their index. */
const MALFORMED = new Set([
  'document_parsing_exception',
  'illegal_argument_exception',
  'mapper_exception',
  'mapper_parsing_exception',
  'mapping_exception',
  'strict_dynamic_mapping_exception',
]);

class ElasticsearchSinkTask implements SinkTask<ElasticsearchConfig> {
  #config!: ElasticsearchConfig;
  #context!: SinkTaskContext;
  #cluster!: Cluster;
  #isUpsert = false;

  start(config: ElasticsearchConfig, context: SinkTaskContext): void {
    this.#config = config;
    this.#context = context;
    this.#cluster = new Cluster(config, context.environment, (delayMs) => context.pauseFor(delayMs));
    this.#isUpsert = config['write.method'].toLowerCase() === 'upsert';
  }

  async put(records: readonly SinkRecord[]): Promise<void> {
    let batch: Operation[] = [];
    let bytes = 0;
    const ids = new Set<string>();
    const { 'batch.size': most, 'bulk.size.bytes': mostBytes } = this.#config;
    for (const record of records) {
      const operation = await this.#operation(record);
      if (operation === undefined) continue;
      const length = Buffer.byteLength(operation.lines);
      const id = `${operation.index} ${operation.id}`;
      // What is sent again comes behind the others of its request: updates have no version that would put that right.
      const isFull = batch.length >= most || (mostBytes > 0 && bytes + length > mostBytes) || ids.has(id);
      if (isFull && batch.length > 0) {
        await this.#write(batch);
        batch = [];
        bytes = 0;
        ids.clear();
      }
      batch.push(operation);
      bytes += length;
      if (!operation.isVersioned) ids.add(id);
    }
    if (batch.length > 0) await this.#write(batch);
  }

  stop(): void {}

  /** Undefined: the record is passed over. */
  async #operation(record: SinkRecord): Promise<Operation | undefined> {
    try {
      if (record.value === null && this.#config['behavior.on.null.values'].toLowerCase() === 'ignore') return undefined;
      const operation = this.#operationOf(record);
      const { valueSchema: schema, topic } = record;
      const hasMapping = schema?.type === 'struct' && !ignoresSchema(this.#config, topic);
      await this.#cluster.ensureIndex(operation.index, hasMapping ? mappingOf(schema) : undefined);
      return operation;
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      if (this.#config['drop.invalid.message'])
        this.#context.log.warn(`passed over (drop.invalid.message): ${error.message}`);
      else await this.#context.reportErrant(record, error);
      return undefined;
    }
  }

  #operationOf(record: SinkRecord): Operation {
    const index = indexOf(record.topic);
    const id = idOf(this.#config, record);
    // Updates count versions themselves: an offset could not be compared with those.
    const isVersioned = !this.#isUpsert;
    const version = isVersioned ? { version: record.originalOffset, version_type: 'external' } : {};
    if (record.value === null) {
      if (this.#config['behavior.on.null.values'].toLowerCase() === 'fail')
        throw new DataError(`${placeOf(record)} has no value (behavior.on.null.values=fail)`);
      if (ignoresKey(this.#config, record.topic))
        throw new DataError(
          `${placeOf(record)} has no value, and its topic's keys are ignored: nothing can be deleted`,
        );
      const lines = `${JSON.stringify({ delete: { _index: index, _id: id, ...version } })}\n`;
      return { record, index, id, lines, isVersioned };
    }
    const document = documentOf(record);
    const [action, text] = this.#isUpsert
      ? [
          { update: { _index: index, _id: id, retry_on_conflict: RETRIES_ON_CONFLICT } },
          `{"doc":${document},"doc_as_upsert":true}`,
        ]
      : [{ index: { _index: index, _id: id, ...version } }, document];
    return { record, index, id, lines: `${JSON.stringify(action)}\n${text}\n`, isVersioned };
  }

  async #write(batch: readonly Operation[]): Promise<void> {
    const { refusals, conflicts } = await this.#cluster.write(batch);
    if (conflicts > 0)
      this.#context.log.info(`${conflicts} documents were there already, from the same records or from later ones`);
    for (const refusal of refusals) await this.#refused(refusal);
  }

  async #refused({ operation: { record, index }, type, reason }: Refusal): Promise<void> {
    const message = `Elasticsearch refused ${placeOf(record)} for index ${index}: ${reason}`;
    const behavior = this.#config['behavior.on.malformed.documents'].toLowerCase();
    if (behavior !== 'fail' && MALFORMED.has(type)) {
      this.#context.log[behavior === 'warn' ? 'warn' : 'info'](message);
      if (!this.#context.toleratesErrors) return;
    }
    await this.#context.reportErrant(record, new ConnectError(message));
  }
}
