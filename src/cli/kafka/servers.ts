// The names under which the originals are started: each starts the platform, which has all of them in one process.
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { addScramUsers, type NewScramUser, readPropertiesFile } from '../../platform/index.ts';
import { isScramMechanism } from '../../security/index.ts';
import { runWorker } from '../connect-worker.ts';
import { start } from '../start.ts';
import { pairOf, UsageError } from './arguments.ts';
import type { Program } from './foreign-settings.ts';
import { stockSettings } from './stock-files.ts';
import { type Tool, ToolError } from './tool.ts';

function server(program: Program, file: string): Tool {
  const name =
    program === 'kafka' ? 'kafka-server-start' : program === 'ksql' ? 'ksql-server-start' : `${program}-start`;
  return {
    summary: `${name} [file.properties] [--override key=value]…: starts the platform: the broker, the Schema Registry, SQL and the REST proxy.`,
    standsAlone: true,
    flags: {
      override: {
        takes: 'key=value',
        text: 'A setting that is in force instead of the one in the file. May be repeated.',
      },
      daemon: { text: '', ignored: 'it stays in the foreground; a shell’s & or a service manager puts it behind.' },
      help: { text: 'Print what can be said.' },
    },
    async run(args, io) {
      const words = args.words.filter((word) => word !== '-daemon');
      if (words.length > 1) throw new UsageError(`One file of properties, not ${words.length}: ${words.join(' ')}`);
      const [path] = words;
      const config = path === undefined ? undefined : configIn(path, file);
      if (path !== undefined && config === undefined) io.err(`${path} has no ${file}: the defaults are in force.\n`);
      const overrides = args.all('override').map((text) => pairOf(text, 'override'));
      const { settings, notices } = await stockSettings(program, config, overrides);
      for (const notice of notices) io.err(`${notice}\n`);
      await start({ property: [], settings });
    },
  };
}

/** A file, or the usual one in a directory. */
function configIn(path: string, file: string): string | undefined {
  if (!existsSync(path)) {
    if (path.includes('.')) throw new ToolError(`There is no file ${path}.`);
    return undefined;
  }
  if (!statSync(path).isDirectory()) return path;
  const inside = join(path, file);
  return existsSync(inside) ? inside : undefined;
}

export const kafkaServerStart = server('kafka', 'server.properties');
export const schemaRegistryStart = server('schema-registry', 'schema-registry.properties');
export const ksqlServerStart = server('ksql', 'ksql-server.properties');
export const kafkaRestStart = server('kafka-rest', 'kafka-rest.properties');

function connectStart(mode: 'standalone' | 'distributed'): Tool {
  const words = mode === 'standalone' ? 'worker.properties connector.properties…' : 'worker.properties';
  return {
    summary: `connect-${mode} ${words}: a worker of Connect, beside brokers that run.`,
    standsAlone: true,
    flags: {
      daemon: { text: '', ignored: 'it stays in the foreground; a shell’s & or a service manager puts it behind.' },
    },
    async run(args, io) {
      const [file, ...connectors] = args.words.filter((word) => word !== '-daemon');
      if (file === undefined) throw new UsageError(`Usage: connect-${mode} ${words}`);
      if (mode === 'distributed' && connectors.length > 0)
        throw new UsageError('Connectors of a distributed worker are made over REST: millrace connect create does it.');
      if (!existsSync(file)) throw new ToolError(`There is no file ${file}.`);
      await runWorker(mode, readPropertiesFile(file), connectors, io);
    },
  };
}

export const connectStandalone = connectStart('standalone');
export const connectDistributed = connectStart('distributed');

export const zookeeperServerStart: Tool = {
  summary: 'There is no ZooKeeper here, and none is needed.',
  standsAlone: true,
  flags: { daemon: { text: '' } },
  async run(_args, io) {
    io.out('There is no ZooKeeper here, and none is needed: kafka-server-start starts all that there is.\n');
  },
};

export const kafkaStorage: Tool = {
  summary:
    'kafka-storage random-uuid: prints a random id. kafka-storage format: there is nothing to format; it makes users who log in with SCRAM, before the first start.',
  flags: {
    config: { takes: 'file', text: 'The file of properties that the broker is started with.' },
    'add-scram': {
      takes: 'SCRAM-SHA-256=[name=alice,password=secret]',
      text: 'A user who may log in with SCRAM. May be repeated. iterations=… is 4096 unless it is given.',
    },
    'cluster-id': { takes: 'id', text: 'Passed over.' },
    standalone: { text: 'Passed over.' },
    'ignore-formatted': { text: 'Passed over.' },
  },
  async run(args, io) {
    // With the flags of the original in one letter, too.
    const [word] = args.words;
    if (word === 'random-uuid') io.out(`${randomId()}\n`);
    else if (word !== 'format') {
      throw new UsageError(`invalid choice: '${word ?? ''}' (choose from 'format', 'random-uuid')`);
    } else {
      const users = args.all('add-scram').map(scramUser);
      if (users.length > 0) {
        const { settings } = await stockSettings('kafka', args.get('config'), []);
        await addScramUsers(settings, users);
        io.out(`May log in: ${users.map(({ name, mechanism }) => `${name} (${mechanism})`).join(', ')}.\n`);
      }
      io.out('Nothing is formatted: the data directory is set up by the first start.\n');
    }
  },
};

/** `SCRAM-SHA-256=[name=alice,password=secret,iterations=8192]`, in whatever order. */
function scramUser(text: string): NewScramUser {
  const [, mechanism = '', list] = /^([^=]+)=\[(.*)\]$/s.exec(text) ?? [];
  const values = new Map((list ?? '').split(',').map((pair) => pairOf(pair, 'add-scram')));
  const [name, password, iterations] = ['name', 'password', 'iterations'].map((key) => values.get(key));
  if (!isScramMechanism(mechanism) || name === undefined || password === undefined) {
    throw new UsageError('--add-scram is like SCRAM-SHA-256=[name=alice,password=secret], or SCRAM-SHA-512=…');
  }
  return { mechanism, name, password, iterations: iterations === undefined ? undefined : Number(iterations) };
}

/** Sixteen random bytes as Kafka writes them; it avoids a dash in front, which would be taken for a flag. */
function randomId(): string {
  for (;;) {
    const id = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('base64url');
    if (!id.startsWith('-')) return id;
  }
}
