// What PUT /connector-plugins/{plugin}/config/validate answers. The words and the order are those that Kafka Connect 4.1.1 answers with.
import { describe, expect, test } from 'vitest';
import { nonEmpty } from '../../../src/connect/api/config-def.ts';
import { sinkPlugin, sourcePlugin } from '../../../src/connect/api/plugins.ts';
import { Plugins } from '../../../src/connect/plugins/plugins.ts';
import { type ConfigInfos, describeConfig, validateConnector } from '../../../src/connect/plugins/validation.ts';

const create = () => ({ taskConfigs: () => [{}] });
const task = () => ({ start() {}, poll: () => [], put() {}, stop() {} });
const plugins = new Plugins([
  sinkPlugin({
    className: 'com.example.SeaSinkConnector',
    version: '1.2.3',
    config: {
      url: { type: 'STRING', importance: 'HIGH', doc: 'Where it is.', group: 'Sea', validator: nonEmpty },
      password: { type: 'PASSWORD', default: null, importance: 'LOW', doc: 'Its password.', group: 'Sea' },
      hidden: { type: 'STRING', default: null, importance: 'LOW', doc: 'For tasks.', internal: true },
    },
    validate: ({ url }) => (url.startsWith('sea:') ? [] : [{ name: 'url', message: `There is no sea at ${url}` }]),
    create,
    task,
  }),
  sourcePlugin({
    className: 'com.example.RiverSourceConnector',
    version: '1.2.3',
    config: { topic: { type: 'STRING', importance: 'HIGH', doc: 'Where it goes.' } },
    exactlyOnce: ({ topic }) => (topic === 'once' ? 'supported' : 'unsupported'),
    create,
    task,
  }),
]);

const sink = { 'connector.class': 'SeaSink', name: 'sea', topics: 'a', url: 'sea:north' };
const source = { 'connector.class': 'RiverSource', name: 'river', topic: 'once' };
const errorsOf = ({ configs }: ConfigInfos): Record<string, readonly string[]> =>
  Object.fromEntries(
    configs.filter(({ value }) => value.errors.length > 0).map(({ value }) => [value.name, value.errors]),
  );

describe('settings of a connector', () => {
  test('without faults: all settings in order, with groups', async () => {
    const infos = await validateConnector(sink, plugins);
    expect(infos).toMatchObject({
      name: 'SeaSink',
      error_count: 0,
      groups: ['Common', 'Transforms', 'Predicates', 'Error Handling', 'Sea'],
    });
    const names = infos.configs.map(({ value }) => value.name);
    expect(names.slice(0, 5)).toEqual([
      'name',
      'connector.class',
      'connector.plugin.version',
      'tasks.max',
      'tasks.max.enforce',
    ]);
    expect(names.slice(-2)).toEqual(['url', 'password']);
    expect(infos.configs[3]!.definition).toMatchObject({
      type: 'INT',
      required: false,
      default_value: '1',
      importance: 'HIGH',
      group: 'Common',
      width: 'SHORT',
      display_name: 'Tasks max',
      dependents: [],
      order: 4,
    });
  });

  test.each<[string, Record<string, string>, Record<string, readonly string[]>]>([
    [
      'both topics and topics.regex',
      { 'topics.regex': 'b' },
      {
        topics: ['topics and topics.regex are mutually exclusive options, but both are set.'],
        'topics.regex': ['topics and topics.regex are mutually exclusive options, but both are set.'],
      },
    ],
    [
      'neither',
      { topics: '' },
      {
        topics: ['Must configure one of topics or topics.regex'],
        'topics.regex': ['Must configure one of topics or topics.regex'],
      },
    ],
    [
      'dead letters into a topic that is read',
      { topics: 'a,d', 'errors.deadletterqueue.topic.name': 'd' },
      {
        topics: [
          "The DLQ topic 'd' may not be included in the list of topics ('topics=[a, d]') consumed by the connector",
        ],
      },
    ],
    [
      'a class that is not there',
      { 'key.converter': 'x.Y' },
      { 'key.converter': ['Invalid value x.Y for configuration key.converter: Class x.Y could not be found.'] },
    ],
    [
      'a class of another kind',
      { 'key.converter': 'MaskField$Key' },
      {
        'key.converter': [
          'Invalid value MaskField$Key for configuration key.converter: Class MaskField$Key is no converter',
        ],
      },
    ],
    [
      'a wrong setting of a converter',
      { 'value.converter': 'JsonConverter', 'value.converter.schemas.enable': 'x' },
      {
        'value.converter.schemas.enable': [
          'Invalid value x for configuration value.converter.schemas.enable: Expected value to be either true or false',
        ],
      },
    ],
    [
      'a transformation without a class',
      { transforms: 'x' },
      { 'transforms.x.type': ['Missing required configuration "transforms.x.type" which has no default value.'] },
    ],
    [
      'a transformation twice',
      { transforms: 'x,x', 'transforms.x.type': 'Filter' },
      { transforms: ['Invalid value [x, x] for configuration transforms: Duplicate alias provided.'] },
    ],
    [
      'a negation of nothing',
      { transforms: 'x', 'transforms.x.type': 'Filter', 'transforms.x.negate': 'true' },
      {
        'transforms.x.type': [
          "Config 'transforms.x.negate' was provided but there is no config 'transforms.x.predicate' defining a predicate to be negated.",
        ],
      },
    ],
    [
      'a predicate that is not there',
      { transforms: 'x', 'transforms.x.type': 'Filter', 'transforms.x.predicate': 'p' },
      { 'transforms.x.predicate': ["There is no predicate 'p' in 'predicates'."] },
    ],
    [
      'what a transformation says of its settings together',
      { transforms: 'x', 'transforms.x.type': 'SetSchemaMetadata$Key' },
      { 'transforms.x.schema.name': ['Neither schema name nor version configured'] },
    ],
    [
      'no tasks, and a tolerance that there is not',
      { 'tasks.max': '0', 'errors.tolerance': 'some' },
      {
        'tasks.max': ['Invalid value 0 for configuration tasks.max: Value must be at least 1'],
        'errors.tolerance': ['Invalid value some for configuration errors.tolerance: String must be one of: none, all'],
      },
    ],
    ['what the connector says itself', { url: 'land:x' }, { url: ['There is no sea at land:x'] }],
    [
      'another version than there is',
      { 'connector.plugin.version': '9' },
      {
        'connector.plugin.version': [
          'Invalid value 9 for configuration connector.plugin.version: the installed version is 1.2.3',
        ],
      },
    ],
  ])('%s', async (_what, given, errors) => {
    const infos = await validateConnector({ ...sink, ...given }, plugins);
    expect(errorsOf(infos)).toEqual(errors);
    expect(infos.error_count).toBe(Object.values(errors).flat().length);
  });

  test('a transformation has its settings in a group of its own, required ones first', async () => {
    const config = {
      ...sink,
      transforms: 't',
      'transforms.t.type': 'TimestampConverter$Value',
      'transforms.t.target.type': 'Date',
    };
    const { configs, groups } = await validateConnector(config, plugins);
    expect(groups).toContain('Transforms: t');
    const own = configs.filter(({ definition }) => definition?.group === 'Transforms: t');
    expect(own.map(({ value, definition }) => [value.name.slice('transforms.t.'.length), definition!.order])).toEqual([
      ['type', 0],
      ['plugin.version', 1],
      ['target.type', 2],
      ['field', 3],
      ['format', 4],
      ['negate', 5],
      ['predicate', 6],
      ['replace.null.with.default', 7],
      ['unix.precision', 8],
    ]);
    expect(own[0]!.value.value).toBe('org.apache.kafka.connect.transforms.TimestampConverter$Value');
  });

  test('secrets are not shown', async () => {
    const { configs } = await validateConnector({ ...sink, password: 'secret' }, plugins);
    expect(configs.find(({ value }) => value.name === 'password')!.value.value).toBe('[hidden]');
  });

  test('groups of topics are checked where there are any', async () => {
    const given = { ...source, 'topic.creation.groups': 'g', 'topic.creation.default.partitions': '0' };
    expect(errorsOf(await validateConnector(given, plugins))).toEqual({
      'topic.creation.default.partitions': [
        'Invalid value 0 for configuration topic.creation.default.partitions: Value must be -1, or at least 1',
      ],
      'topic.creation.default.replication.factor': [
        'Missing required configuration "topic.creation.default.replication.factor" which has no default value.',
      ],
      'topic.creation.g.include': [
        'Missing required configuration "topic.creation.g.include" which has no default value.',
      ],
    });
  });

  test('exactly once is asked of the worker, then of the connector', async () => {
    const required = { ...source, 'exactly.once.support': 'required' };
    const on = { config: {}, exactlyOnceSources: true };
    expect(errorsOf(await validateConnector(required, plugins))).toHaveProperty(['exactly.once.support']);
    expect(errorsOf(await validateConnector(required, plugins, on))).toEqual({});
    expect(errorsOf(await validateConnector({ ...required, topic: 'twice' }, plugins, on))).toEqual({
      'exactly.once.support': [
        'The connector does not support exactly-once semantics with the provided configuration.',
      ],
    });
    expect(errorsOf(await validateConnector({ ...source, 'transaction.boundary': 'connector' }, plugins, on))).toEqual({
      'transaction.boundary': [
        'The connector does not support connector-defined transaction boundaries with the given configuration.',
      ],
    });
  });

  test("the worker's converters are the defaults", async () => {
    const worker = { config: { 'key.converter': 'StringConverter' }, exactlyOnceSources: false };
    const { configs } = await validateConnector(sink, plugins, worker);
    expect(configs.find(({ value }) => value.name === 'key.converter')).toMatchObject({
      definition: { default_value: 'StringConverter' },
      value: { value: 'org.apache.kafka.connect.storage.StringConverter' },
    });
  });
});

test('what a plugin can be told', async () => {
  const { config } = await plugins.connector('SeaSink');
  expect(describeConfig(config).map(({ name, required, order, type }) => [name, required, order, type])).toEqual([
    ['url', true, 1, 'STRING'],
    ['password', false, 2, 'PASSWORD'],
  ]);
});
