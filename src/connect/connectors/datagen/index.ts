// io.confluent.kafka.connect.datagen.DatagenConnector: made-up records, of the tutorials' schemas or of one's own. The record with a
// number is always the same for a seed; which one comes next is the offset.
import { readFileSync } from 'node:fs';
import { type AvroNode, parseAvroSchema } from '../../../schemas/index.ts';
import { codeOf, messageOf } from '../../../util/index.ts';
import {
  atLeast,
  type ConfigOf,
  type ConfigProblem,
  defineConfig,
  nonEmpty,
  oneOfTexts,
  type SourceTask,
  type SourceTaskContext,
  sourcePlugin,
} from '../../api/index.ts';
import { connectSchemaOf } from '../../converters/avro/from-avro.ts';
import { ConfigError } from '../../data/errors.ts';
import { type SourceRecord, sourceRecord } from '../../data/record.ts';
import type { Schema } from '../../data/schema.ts';
import { recordMaker } from './generator.ts';
import { QUICKSTARTS } from './quickstarts.ts';

const config = defineConfig({
  'kafka.topic': {
    type: 'STRING',
    importance: 'HIGH',
    doc: 'The topic that records are written to.',
    validator: nonEmpty,
  },
  quickstart: {
    type: 'STRING',
    default: '',
    importance: 'HIGH',
    doc: "Which of the tutorials' data it is; or schema.string or schema.filename say what.",
    validator: (value) =>
      value === '' ? undefined : oneOfTexts(...Object.keys(QUICKSTARTS))((value ?? '').toLowerCase()),
    recommended: Object.keys(QUICKSTARTS),
  },
  'schema.string': {
    type: 'STRING',
    default: '',
    importance: 'HIGH',
    doc: 'A schema of Avro, with arg.properties (JSON).',
  },
  'schema.filename': { type: 'STRING', default: '', importance: 'HIGH', doc: 'A file with it.' },
  'schema.keyfield': {
    type: 'STRING',
    default: '',
    importance: 'HIGH',
    doc: "The field that is the records' key; by default that of the quickstart, else none.",
  },
  'max.interval': {
    type: 'LONG',
    default: 500,
    importance: 'HIGH',
    doc: 'How long is waited between records at most, ms; 0: not at all.',
    validator: atLeast(0),
  },
  iterations: {
    type: 'INT',
    default: -1,
    importance: 'HIGH',
    doc: 'How many records each task makes; -1: always more.',
  },
  'random.seed': {
    type: 'LONG',
    default: 0,
    importance: 'LOW',
    doc: 'What chance begins with: the same seed, the same records.',
  },
  'generate.timeout': {
    type: 'LONG',
    default: null,
    importance: 'LOW',
    doc: 'Taken and not used: records are made at once.',
  },
  'task.id': { type: 'INT', default: 0, importance: 'LOW', doc: 'Which task it is.', internal: true },
});
type Config = ConfigOf<typeof config>;

/** So many are handed over at a time where none is waited for. */
const BATCH = 500;
const MAPPING = { enhanced: false, generalized: false, connectMetaData: true, scrubNames: false };

export const datagenSource = sourcePlugin({
  className: 'io.confluent.kafka.connect.datagen.DatagenConnector',
  version: '0.6.0',
  config,
  validate(given) {
    try {
      const { node, schema, key } = whatToMake(given);
      recordMaker(node, schema, 0)(0);
      if (key !== '' && schema.field(key) === undefined)
        return [{ name: 'schema.keyfield', message: `the schema has no field ${key}` }];
      return [];
    } catch (error) {
      return [
        {
          name: given['schema.filename'] === '' ? 'schema.string' : 'schema.filename',
          message: messageOf(error),
        } satisfies ConfigProblem,
      ];
    }
  },
  create: (_given, raw) => ({
    taskConfigs: (maxTasks) => Array.from({ length: maxTasks }, (_, task) => ({ ...raw, 'task.id': String(task) })),
  }),
  task: () => new DatagenTask(),
  exactlyOnce: () => 'supported',
});

/** Throws `ConfigError` where it is not said, or said twice. */
function whatToMake(given: Config): { readonly node: AvroNode; readonly schema: Schema; readonly key: string } {
  const { quickstart, 'schema.string': text, 'schema.filename': file } = given;
  if ([quickstart, text, file].filter((each) => each !== '').length !== 1)
    throw new ConfigError('Give one of quickstart, schema.string and schema.filename');
  const known = QUICKSTARTS[quickstart.toLowerCase()];
  const node = parseAvroSchema(known === undefined ? (text === '' ? read(file) : text) : JSON.stringify(known.schema));
  if (node.kind !== 'record') throw new ConfigError(`the schema must be a record, not ${node.kind}`);
  const key = given['schema.keyfield'] === '' ? (known?.key ?? '') : given['schema.keyfield'];
  return { node, schema: connectSchemaOf(node, MAPPING), key };
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError(`schema.filename: ${file} cannot be read: ${codeOf(error)}`, error);
  }
}

class DatagenTask implements SourceTask<Config> {
  #config!: Config;
  #context!: SourceTaskContext;
  #make!: (record: number) => unknown;
  #schema!: Schema;
  #key = '';
  #next = 0;

  async start(given: Config, context: SourceTaskContext): Promise<void> {
    const { node, schema, key } = whatToMake(given);
    this.#config = given;
    this.#context = context;
    this.#schema = schema;
    this.#key = key;
    // Tasks make different records.
    this.#make = recordMaker(node, schema, given['random.seed'] + given['task.id'] * 7919);
    this.#next = Number((await context.offset({ 'task.id': given['task.id'] }))?.['current.iteration'] ?? 0);
  }

  async poll(signal: AbortSignal): Promise<readonly SourceRecord[]> {
    const { iterations, 'max.interval': interval } = this.#config;
    const left = iterations < 0 ? Number.POSITIVE_INFINITY : iterations - this.#next;
    if (left <= 0) {
      await this.#context.pause(Number.POSITIVE_INFINITY, signal);
      return [];
    }
    if (interval === 0) return Array.from({ length: Math.min(left, BATCH) }, () => this.#record());
    await this.#context.pause(Math.floor(this.#context.environment.random() * interval), signal);
    return signal.aborted ? [] : [this.#record()];
  }

  stop(): void {}

  #record(): SourceRecord {
    const number = this.#next++;
    const value = this.#make(number) as Record<string, unknown>;
    const key = this.#key === '' ? {} : { key: value[this.#key], keySchema: this.#schema.field(this.#key)!.schema };
    return sourceRecord({
      topic: this.#config['kafka.topic'],
      ...key,
      value,
      valueSchema: this.#schema,
      timestamp: this.#context.environment.now(),
      sourcePartition: { 'task.id': this.#config['task.id'] },
      sourceOffset: { 'current.iteration': number + 1 },
    });
  }
}
