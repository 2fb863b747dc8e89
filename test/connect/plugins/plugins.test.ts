import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { sinkPlugin, sourcePlugin, transformationPlugin } from '../../../src/connect/api/plugins.ts';
import type { ConnectRecord } from '../../../src/connect/data/record.ts';
import { driver } from '../../../src/connect/connectors/driver.ts';
import { Plugins } from '../../../src/connect/plugins/plugins.ts';
import { TransformationChain, TransformationFault } from '../../../src/connect/plugins/transformation-chain.ts';
import { loadUserPlugins } from '../../../src/connect/plugins/user-plugins.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-plugins-'));
afterAll(() => rmSync(folder, { recursive: true }));

const task = () => ({ start() {}, poll: () => [], put() {}, stop() {} });
const source = sourcePlugin({
  className: 'com.example.RiverSourceConnector',
  version: '1.2.3',
  config: {},
  create: () => ({ taskConfigs: () => [{}] }),
  task,
});
const sink = sinkPlugin({
  className: 'com.example.SeaSinkConnector',
  version: '1.2.3',
  config: {},
  create: () => ({ taskConfigs: () => [{}] }),
  task,
});

describe('the table of plugins', () => {
  const plugins = new Plugins([source, sink]);

  test.each(['com.example.RiverSourceConnector', 'RiverSourceConnector', 'RiverSource'])(
    '%s is a connector',
    async (name) => {
      expect(await plugins.connector(name)).toBe(source);
    },
  );

  test('a name that nobody has is told with those that there are', async () => {
    await expect(plugins.connector('RiverSorce')).rejects.toThrow(
      'Failed to find any class that implements Connector and which name matches RiverSorce, available connectors are: com.example.RiverSourceConnector, com.example.SeaSinkConnector, ',
    );
    await expect(plugins.connector('RiverSorce')).rejects.toThrow('Did you mean RiverSource?');
  });

  test('what is asked for and not built in is told with what to do instead', async () => {
    await expect(plugins.connector('com.mongodb.kafka.connect.MongoSinkConnector')).rejects.toThrow(
      "MongoDB's connectors are not built in: run them on a worker of Apache Kafka",
    );
  });

  test('a driver that is not installed is told with what to do', async () => {
    const name = 'no-such-driver-of-ours';
    await expect(driver(name, () => import(name))).rejects.toThrow(
      'This connector needs the package no-such-driver-of-ours, which is not installed: npm install no-such-driver-of-ours',
    );
    const broken = new Error('its own fault');
    await expect(driver(name, () => Promise.reject(broken))).rejects.toBe(broken);
  });

  test('a name that several have is refused', () => {
    const other = { ...source, className: 'org.other.RiverSourceConnector' };
    expect(() => new Plugins([source, other]).find('RiverSource', 'source', 'sink')).toThrow(
      'More than one connector matches alias RiverSource. Please use full package and class name instead. Classes found: com.example.RiverSourceConnector, org.other.RiverSourceConnector',
    );
  });

  test('both variants of a transformation, and all converters of a class, are found', async () => {
    expect((await plugins.load('MaskField$Key', 'transformation')).className).toBe(
      'org.apache.kafka.connect.transforms.MaskField$Key',
    );
    expect((await plugins.load('JsonConverter', 'header_converter')).kind).toBe('header_converter');
    expect((await plugins.load('Json', 'converter')).kind).toBe('converter');
  });

  test('every entry of the table can be loaded, and is what the table says', async () => {
    const listed = plugins.list();
    expect(listed.length).toBeGreaterThan(40);
    for (const { class: name, type, version } of listed)
      expect(await plugins.load(name, type)).toMatchObject({ className: name, kind: type, version });
  });

  test('connectors only', () => {
    const listed = plugins.list(true);
    expect(listed).toContainEqual({ class: 'com.example.SeaSinkConnector', type: 'sink', version: '1.2.3' });
    expect(listed).toContainEqual({ class: 'com.example.RiverSourceConnector', type: 'source', version: '1.2.3' });
    expect(new Set(listed.map(({ type }) => type))).toEqual(new Set(['source', 'sink']));
  });
});

describe('plugins of plugin.path', () => {
  const own = (className: string): string =>
    `export default { kind: 'predicate', className: '${className}', version: '1', config: {}, create: () => ({ test: () => true }) };`;

  test('are files and packages with the keyword', async () => {
    const path = join(folder, 'good');
    mkdirSync(join(path, 'package'), { recursive: true });
    mkdirSync(join(path, 'other'));
    mkdirSync(join(path, '@scope', 'inner'), { recursive: true });
    writeFileSync(join(path, 'one.mjs'), own('a.One'));
    writeFileSync(join(path, 'notes.txt'), 'no plugin');
    const manifest = { keywords: ['kafka-connect-plugin'], type: 'module' };
    writeFileSync(
      join(path, 'package', 'package.json'),
      JSON.stringify({ ...manifest, exports: { '.': './main.js' } }),
    );
    writeFileSync(join(path, 'package', 'main.js'), own('a.Two').replace(/default (.*);/, 'default [$1];'));
    writeFileSync(join(path, 'other', 'package.json'), JSON.stringify({ main: 'missing.js' }));
    writeFileSync(join(path, '@scope', 'inner', 'package.json'), JSON.stringify({ ...manifest, main: 'x.js' }));
    writeFileSync(join(path, '@scope', 'inner', 'x.js'), own('a.Three'));
    const names = (await loadUserPlugins(path)).map(({ className }) => className);
    expect(names).toEqual(['a.Three', 'a.One', 'a.Two']);
  });

  test.each([
    ['export const x = 1;', 'is no plugin'],
    ["export default { kind: 'sinc' };", 'has the kind "sinc", which is none of source, sink'],
    ["export default { kind: 'sink', className: 'a.B' };", 'has no version'],
    ["export default { kind: 'sink', className: 'a.B', version: '1', create() {} };", '(a.B) has no function task'],
    ["export default { kind: 'predicate', className: 'a.B', version: '1', create() {} };", 'has no config'],
    [
      "export default [{ kind: 'predicate', className: 'a.B', version: '1', create() {}, config: { x: {} } }];",
      'element 0 of the default export has a setting x without a type',
    ],
    ['export default {', 'cannot be loaded'],
  ])('%s is refused', async (code, problem) => {
    const file = join(folder, `bad${problem.length}${code.length}.mjs`);
    writeFileSync(file, code);
    await expect(loadUserPlugins(file)).rejects.toThrow(problem);
  });

  test('a path that is not there is refused', async () => {
    await expect(loadUserPlugins('/nowhere/at/all')).rejects.toThrow(
      'plugin.path names /nowhere/at/all, which does not exist',
    );
  });
});

describe('a chain of transformations', () => {
  const record: ConnectRecord = {
    topic: 'orders',
    partition: null,
    keySchema: null,
    key: null,
    valueSchema: null,
    value: { id: 1, name: 'x' },
    timestamp: null,
    headers: [],
  };
  const later = transformationPlugin({
    className: 'a.Later',
    version: '1',
    config: {},
    create: () => ({ apply: async (given) => ({ ...given, topic: `${given.topic}-later` }) }),
  });
  const plugins = new Plugins([later]);
  const chainOf = (config: Record<string, string>) => TransformationChain.of(config, plugins);

  test('without transformations is empty, and gives records as they are', async () => {
    const chain = await chainOf({});
    expect(chain.isEmpty).toBe(true);
    expect(chain.apply(record)).toBe(record);
  });

  test('applies in order, at once where nothing has to be waited for', async () => {
    const chain = await chainOf({
      transforms: 'a, b',
      'transforms.a.type': 'HoistField$Value',
      'transforms.a.field': 'row',
      'transforms.b.type': 'RegexRouter',
      'transforms.b.regex': '(.*)s',
      'transforms.b.replacement': '$1',
    });
    expect(chain.apply(record)).toEqual({ ...record, topic: 'order', value: { row: record.value } });
  });

  test('goes on behind what is waited for', async () => {
    const chain = await chainOf({
      transforms: 'wait,drop',
      'transforms.wait.type': 'Later',
      'transforms.drop.type': 'Filter',
      'transforms.drop.predicate': 'late',
      predicates: 'late',
      'predicates.late.type': 'TopicNameMatches',
      'predicates.late.pattern': '.*-later',
    });
    await expect(Promise.resolve(chain.apply(record))).resolves.toBeNull();
  });

  test.each([
    ['false', null],
    ['true', record],
  ])('with negate=%s', async (negate, expected) => {
    const chain = await chainOf({
      transforms: 'drop',
      'transforms.drop.type': 'Filter',
      'transforms.drop.predicate': 'p',
      'transforms.drop.negate': negate,
      'predicates.p.type': 'TopicNameMatches',
      'predicates.p.pattern': 'orders',
    });
    expect(chain.apply(record)).toEqual(expected);
  });

  test('says which transformation a record went wrong in', async () => {
    const chain = await chainOf({
      transforms: 'cast',
      'transforms.cast.type': 'Cast$Value',
      'transforms.cast.spec': 'name:int8',
    });
    let fault: unknown;
    try {
      await chain.apply(record);
    } catch (error) {
      fault = error;
    }
    expect(fault).toBeInstanceOf(TransformationFault);
    expect(fault).toMatchObject({
      className: 'org.apache.kafka.connect.transforms.Cast$Value',
      message: 'Value (x) was out of range for requested data type',
      cause: { name: 'DataError' },
    });
  });

  test('is refused with settings that cannot be', async () => {
    const transforms = { transforms: 'a', 'transforms.a.type': 'InsertField$Value' };
    await expect(chainOf(transforms)).rejects.toThrow('No field insertion configured');
    await expect(chainOf({ transforms: 'a' })).rejects.toThrow('Missing required configuration "transforms.a.type"');
  });
});
