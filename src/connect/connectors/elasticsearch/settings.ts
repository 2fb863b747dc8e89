// The settings of Confluent's Elasticsearch sink. What they say of buffers has no effect: what was put is written when `put` returns.
import { atLeast, type ConfigOf, type ConfigProblem, defineConfig, oneOfTexts, parseConfig } from '../../api/index.ts';
import { type HttpConfig, httpConfig, urlProblem } from '../http/settings.ts';

const CONNECTION = 'Connection';
const BATCHES = 'Batches';
const DOCUMENTS = 'Documents';

/** The same word, however it is written. */
function oneOfWords(...words: readonly string[]): (value: string | null) => string | undefined {
  return (value) => oneOfTexts(...words)(value === null ? null : value.toLowerCase());
}

function refused(why: string): (value: string | null) => string | undefined {
  return (value) => (value === null || value === '' ? undefined : `Not supported: ${why}`);
}

function refusedTrue(why: string): (value: boolean | null) => string | undefined {
  return (value) => (value === true ? `Not supported: ${why}` : undefined);
}

const connection = defineConfig({
  'connection.url': {
    type: 'LIST',
    importance: 'HIGH',
    doc: 'The servers of one cluster, http://… or https://…, with commas between them: when one is away, the next is asked.',
    group: CONNECTION,
    validator: (urls) =>
      urls === null || urls.length === 0 ? 'Empty list' : urls.map(urlProblem).find((problem) => problem !== undefined),
  },
  'connection.username': {
    type: 'STRING',
    default: null,
    importance: 'MEDIUM',
    doc: 'The user of basic authentication.',
    group: CONNECTION,
  },
  'connection.password': {
    type: 'PASSWORD',
    default: null,
    importance: 'MEDIUM',
    doc: "The user's password.",
    group: CONNECTION,
  },
  'connection.timeout.ms': {
    type: 'INT',
    default: 1000,
    importance: 'LOW',
    doc: 'How long is waited for a connection; added to read.timeout.ms.',
    group: CONNECTION,
    validator: atLeast(0),
  },
  'read.timeout.ms': {
    type: 'INT',
    default: 3000,
    importance: 'LOW',
    doc: 'How long an answer is waited for.',
    group: CONNECTION,
    validator: atLeast(1),
  },
  'max.retries': {
    type: 'INT',
    default: 5,
    importance: 'LOW',
    doc: 'How often a request, or what a server was too busy for, is tried again before the task fails.',
    group: CONNECTION,
    validator: atLeast(0),
  },
  'retry.backoff.ms': {
    type: 'LONG',
    default: 100,
    importance: 'LOW',
    doc: 'How long is waited before the first time; each further one waits twice as long.',
    group: CONNECTION,
    validator: atLeast(0),
  },
  'connection.compression': {
    type: 'BOOLEAN',
    default: false,
    importance: 'LOW',
    doc: 'Not supported: requests are sent as they are.',
    group: CONNECTION,
    validator: refusedTrue('requests are sent as they are'),
  },
  'proxy.host': {
    type: 'STRING',
    default: '',
    importance: 'LOW',
    doc: 'Not supported: there is no way through a proxy.',
    group: CONNECTION,
    validator: refused('there is no way through a proxy'),
  },
  'elastic.security.protocol': {
    type: 'STRING',
    default: 'PLAINTEXT',
    importance: 'LOW',
    doc: 'PLAINTEXT, or SSL for servers whose URL is https://…; certificates are checked against the authorities of Node.',
    group: CONNECTION,
    validator: oneOfTexts('PLAINTEXT', 'SSL'),
  },
  'elastic.https.ssl.keystore.location': {
    type: 'STRING',
    default: '',
    importance: 'LOW',
    doc: 'Not supported: Java key stores cannot be read here.',
    group: CONNECTION,
    validator: refused('Java key stores cannot be read here'),
  },
  'elastic.https.ssl.truststore.location': {
    type: 'STRING',
    default: '',
    importance: 'LOW',
    doc: 'Not supported: give Node the authority with NODE_EXTRA_CA_CERTS.',
    group: CONNECTION,
    validator: refused('give Node the authority with NODE_EXTRA_CA_CERTS'),
  },
});

const batches = defineConfig({
  'batch.size': {
    type: 'INT',
    default: 2000,
    importance: 'MEDIUM',
    doc: 'How many documents a request has at most.',
    group: BATCHES,
    validator: atLeast(1),
  },
  'bulk.size.bytes': {
    type: 'LONG',
    default: 5 * 1024 * 1024,
    importance: 'LOW',
    doc: 'How long a request is at most, unless it is of one document. -1: as long as may be.',
    group: BATCHES,
    validator: atLeast(-1),
  },
  'max.in.flight.requests': {
    type: 'INT',
    default: 5,
    importance: 'LOW',
    doc: 'Without effect: a task has one request on its way; tasks.max is for more.',
    group: BATCHES,
    validator: atLeast(1),
  },
  'max.buffered.records': {
    type: 'INT',
    default: 20_000,
    importance: 'LOW',
    doc: 'Without effect: nothing is buffered, records are written as they come.',
    group: BATCHES,
    validator: atLeast(1),
  },
  'linger.ms': {
    type: 'LONG',
    default: 1,
    importance: 'LOW',
    doc: 'Without effect: records are written as they come.',
    group: BATCHES,
    validator: atLeast(0),
  },
  'flush.timeout.ms': {
    type: 'LONG',
    default: 180_000,
    importance: 'LOW',
    doc: 'Without effect: there is nothing to flush.',
    group: BATCHES,
    validator: atLeast(1),
  },
  'flush.synchronously': {
    type: 'BOOLEAN',
    default: false,
    importance: 'LOW',
    doc: 'Without effect: it is always so.',
    group: BATCHES,
  },
});

const documents = defineConfig({
  'key.ignore': {
    type: 'BOOLEAN',
    default: false,
    importance: 'HIGH',
    doc: "Whether a document's id is topic+partition+offset of its record, and not the record's key.",
    group: DOCUMENTS,
  },
  'topic.key.ignore': {
    type: 'LIST',
    default: '',
    importance: 'LOW',
    doc: 'Topics for which key.ignore is true.',
    group: DOCUMENTS,
  },
  'schema.ignore': {
    type: 'BOOLEAN',
    default: false,
    importance: 'LOW',
    doc: "Whether an index that is made gets no mapping from the first record's schema.",
    group: DOCUMENTS,
  },
  'topic.schema.ignore': {
    type: 'LIST',
    default: '',
    importance: 'LOW',
    doc: 'Topics for which schema.ignore is true.',
    group: DOCUMENTS,
  },
  'write.method': {
    type: 'STRING',
    default: 'insert',
    importance: 'LOW',
    doc: 'insert (a document takes the place of an older one with its id) or upsert (its fields are put into that one).',
    group: DOCUMENTS,
    validator: oneOfWords('insert', 'upsert'),
  },
  'behavior.on.null.values': {
    type: 'STRING',
    default: 'fail',
    importance: 'LOW',
    doc: 'What a record without a value is: ignore, delete (the document with its key), fail.',
    group: DOCUMENTS,
    validator: oneOfWords('ignore', 'delete', 'fail'),
  },
  'behavior.on.malformed.documents': {
    type: 'STRING',
    default: 'fail',
    importance: 'LOW',
    doc: 'What becomes of a document that does not fit its index: ignore and warn pass over it (into the dead letter queue where there is one), fail.',
    group: DOCUMENTS,
    validator: oneOfWords('ignore', 'warn', 'fail'),
  },
  'drop.invalid.message': {
    type: 'BOOLEAN',
    default: false,
    importance: 'LOW',
    doc: 'Whether a record that can be no document is passed over, with a line in the log.',
    group: DOCUMENTS,
  },
  'compact.map.entries': {
    type: 'BOOLEAN',
    default: true,
    importance: 'LOW',
    doc: 'Maps of texts are objects. false is not supported.',
    group: DOCUMENTS,
    validator: (value) => (value === false ? 'Not supported: maps of texts are always objects' : undefined),
  },
  'use.autogenerated.ids': {
    type: 'BOOLEAN',
    default: false,
    importance: 'LOW',
    doc: 'Not supported: documents would be there twice when they are written again.',
    group: DOCUMENTS,
    validator: refusedTrue('documents would be there twice when they are written again; see key.ignore'),
  },
  'external.version.header': {
    type: 'STRING',
    default: '',
    importance: 'LOW',
    doc: 'Not supported: versions are offsets.',
    group: DOCUMENTS,
    validator: refused('versions are offsets'),
  },
  'external.resource.usage': {
    type: 'STRING',
    default: 'DISABLED',
    importance: 'LOW',
    doc: 'Only DISABLED: documents go to the index that is named as their topic.',
    group: DOCUMENTS,
    validator: oneOfTexts('DISABLED'),
  },
  'topic.to.external.resource.mapping': {
    type: 'STRING',
    default: '',
    importance: 'LOW',
    doc: 'Not supported: rename topics with RegexRouter.',
    group: DOCUMENTS,
    validator: refused('rename topics with org.apache.kafka.connect.transforms.RegexRouter'),
  },
  'data.stream.dataset': {
    type: 'STRING',
    default: '',
    importance: 'LOW',
    doc: 'Not supported: there is no writing to data streams.',
    group: DOCUMENTS,
    validator: refused('there is no writing to data streams'),
  },
  'data.stream.type': {
    type: 'STRING',
    default: 'NONE',
    importance: 'LOW',
    doc: 'Only NONE: there is no writing to data streams.',
    group: DOCUMENTS,
    validator: oneOfWords('none'),
  },
});

export const elasticsearchConfig = defineConfig({ ...connection, ...batches, ...documents });
export type ElasticsearchConfig = ConfigOf<typeof elasticsearchConfig>;

/** How HTTP is spoken with the servers. */
export function httpConfigOf(config: ElasticsearchConfig, retries = config['max.retries']): HttpConfig {
  const { 'connection.username': user, 'connection.password': password } = config;
  return parseConfig(httpConfig, {
    'http.request.timeout.ms': String(config['connection.timeout.ms'] + config['read.timeout.ms']),
    'max.retries': String(retries),
    'retry.backoff.ms': String(config['retry.backoff.ms']),
    ...(user === null
      ? {}
      : { 'auth.type': 'basic', 'connection.user': user, 'connection.password': password?.reveal() ?? '' }),
  });
}

/** What is wrong between settings. */
export function settingProblems(config: ElasticsearchConfig): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  if ((config['connection.username'] === null) !== (config['connection.password'] === null))
    problems.push({
      name: config['connection.username'] === null ? 'connection.username' : 'connection.password',
      message: 'connection.username and connection.password go together: give both or neither',
    });
  if (config['key.ignore'] && config['behavior.on.null.values'].toLowerCase() === 'delete')
    problems.push({
      name: 'behavior.on.null.values',
      message: 'delete needs the ids of documents to be keys: set key.ignore=false',
    });
  if (config['elastic.security.protocol'] === 'SSL' && config['connection.url'].some((url) => !/^https:/i.test(url)))
    problems.push({
      name: 'connection.url',
      message: 'with elastic.security.protocol=SSL it must begin with https://',
    });
  return problems;
}
