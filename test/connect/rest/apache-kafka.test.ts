// The same requests to a worker of Apache Kafka's own and to ours: whatever the table says is what it answers, and what the table
// does not say is the same on both, too.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createClient } from '../../../src/client/index.ts';
import { type Embedded, openEmbedded } from '../../suites/embedded.ts';
import { hasJavaWorkers, JavaWorker } from '../herder/java-worker.ts';
import { clusterSettings, startWorker, type WholeWorker } from '../herder/whole-worker.ts';
import { ask, expectExchange } from './asking.ts';
import { type Exchange, exchanges } from './exchanges.ts';

/** A Java worker without log4j has no loggers. */
const isOfLoggers = ({ ask: what }: Exchange) => what.includes('/admin/loggers');

describe.skipIf(!hasJavaWorkers)('beside a worker of Java', () => {
  let embedded: Embedded;
  let bootstrapServers: string;
  let directory: string;

  beforeAll(async () => {
    embedded = await openEmbedded();
    const { host, port } = await embedded.broker.listen({ host: '127.0.0.1', port: 0 });
    bootstrapServers = `${host}:${port}`;
    directory = mkdtempSync(join(tmpdir(), 'millrace-connect-'));
    writeFileSync(join(directory, 'in.txt'), 'hello\n');
  });
  afterAll(async () => {
    await embedded?.close();
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
  });

  describe.each(['distributed', 'standalone'] as const)('%s', (mode) => {
    let java: JavaWorker;
    let ours: WholeWorker;

    beforeAll(async () => {
      const settings = mode === 'distributed' ? clusterSettings('java') : {};
      java = await JavaWorker.start({ mode, bootstrapServers, settings });
      ours = await startWorker(mode, createClient({ bootstrapServers }), {
        ...(mode === 'distributed'
          ? clusterSettings('ours')
          : { 'offset.storage.file.filename': join(directory, 'offsets') }),
      });
    });
    afterAll(async () => {
      await java?.stop();
      await ours?.close();
    });

    const asked = exchanges.filter(({ only }) => only === undefined || only === mode);

    test.each(asked)('$ask $body', async (exchange) => {
      await expectExchange(ours.url, ours.name, exchange);
      if (isOfLoggers(exchange) || exchange.differs === 'all') return;
      await expectExchange(java.url, java.name, exchange, exchange.differs !== 'message');
    });

    test('plugins that both have are told of in the same way and order', async () => {
      const both = await Promise.all(
        [ours.url, java.url].map(async (url) => (await ask(url, 'GET /connector-plugins?connectorsOnly=false')).body),
      );
      const [mine, theirs] = both as { class: string; type: string; version: string }[][];
      const names = (list: typeof mine) => list!.map((plugin) => `${plugin.type} ${plugin.class}`);
      const common = theirs!.filter((plugin) => names(mine).includes(`${plugin.type} ${plugin.class}`));
      expect(common.length).toBeGreaterThan(10);
      expect(mine!.filter((plugin) => names(common).includes(`${plugin.type} ${plugin.class}`))).toEqual(common);
    });

    test.each([
      'GET /connectors?expand=info&expand=status',
      'GET /connectors/f1',
      'GET /connectors/f1/offsets',
      'GET /connectors/f1/topics',
    ])('%s: the same', async (what) => {
      const [a, b] = await Promise.all([ask(ours.url, what), ask(java.url, what)]);
      const bodyOf = (text: string, name: string): unknown => JSON.parse(text.replaceAll(name, 'worker'));
      expect({ status: a.status, body: bodyOf(a.text, ours.name) }).toEqual({
        status: b.status,
        body: bodyOf(b.text, java.name),
      });
    });
  });
});
