// The house rules that a machine can check: who may import whom, that every folder has one door, and that no file grew
// into two stories. Each gate first asserts that it saw files: a check that sees nothing must not pass.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FORMATS } from '../src/sql/formats/all.ts';

const root = resolve(import.meta.dirname, '..');
const src = join(root, 'src');

/** DESIGN: which folder may import which others. What is missing here is refused. */
const arrows: Record<string, readonly string[]> = {
  util: [],
  protocol: ['util'],
  security: ['util'],
  broker: ['protocol', 'security', 'util'],
  client: ['http-client', 'protocol', 'security', 'util'],
  schemas: ['util'],
  rim: ['security', 'util'],
  'http-client': ['util'],
  'sql-api': ['http-client', 'util'],
  serde: ['schemas', 'util'],
  'schema-registry': ['schemas', 'serde', 'client', 'rim', 'http-client', 'util'],
  'rest-proxy': ['client', 'serde', 'rim', 'util'],
  streams: ['client', 'serde', 'util'],
  connect: ['client', 'serde', 'schemas', 'rim', 'http-client', 'util'],
  'interactive-queries': ['streams', 'rim', 'util'],
  sql: ['streams', 'serde', 'schemas', 'client', 'rim', 'sql-api', 'http-client', 'util'],
  platform: [
    'broker',
    'client',
    'connect',
    'protocol',
    'rest-proxy',
    'rim',
    'schema-registry',
    'security',
    'serde',
    'sql',
    'sql-api',
    'streams',
    'util',
  ],
  cli: ['platform', 'schema-registry', 'security', 'streams', 'client', 'serde', 'sql-api', 'http-client', 'util'],
};

/**
 * The rooms of each folder, from the ground up: a room is a sub-folder, or a file beside them, and may import only rooms
 * of the lines above its own. A new room goes into the first line that lies below everything it needs. Rooms may have
 * rooms of their own.
 */
const rooms: Record<string, readonly (readonly string[])[]> = {
  serde: [
    ['json-schema-title', 'schema-source', 'serde', 'subject-names'],
    [
      'avro-types',
      'delimited',
      'envelope',
      'exact-json',
      'json',
      'kafka',
      'protobuf-json',
      'protobuf-values',
      'schema-header',
    ],
    ['avro-resolution', 'memory-schemas', 'registry-serde'],
    ['avro-codec', 'avro-json', 'json-schema-codec', 'protobuf-codec'],
    ['avro', 'json-schema', 'protobuf', 'text'],
    ['conformance'],
  ],
  sql: [
    ['errors', 'foreign-properties', 'parser'],
    ['settings', 'types'],
    ['schema', 'values'],
    ['formats', 'functions'],
    ['catalog', 'expressions'],
    ['analysis'],
    ['plan'],
    ['compile'],
    ['statements'],
    ['engine', 'queries'],
    ['query-host', 'service', 'testing'],
  ],
  'sql/expressions': [['typed'], ['binding', 'evaluation']],
  util: [
    [
      'assert',
      'buffer-pool',
      'crc32c',
      'error-codes',
      'fastify',
      'json',
      'murmur2',
      'nearest-name',
      'node-http',
      'node-version',
      'number-text',
      'package-root',
      'properties-file',
    ],
    ['bytes', 'environment', 'errors', 'worker'],
    ['decimal'],
    ['async', 'java-regex', 'restarts', 'settings', 'wire-reader'],
    ['options', 'port-calls'],
  ],
  schemas: [
    ['errors', 'exact-json', 'incompatibility'],
    ['elements'],
    ['parsed-schema'],
    ['avro', 'json-schema', 'protobuf'],
    ['languages'],
  ],
  protocol: [
    ['byte-reader', 'compression', 'errors', 'frame-writer'],
    ['record-batch', 'schema'],
    ['api', 'batch-cursor', 'record-batch-builder'],
    ['frame', 'messages', 'port-stream', 'transport'],
    ['wire-transport'],
  ],
  rim: [
    ['compression', 'negotiation', 'refusal', 'route-description', 'settings'],
    ['health', 'metrics', 'passwords', 'tls', 'visitors'],
    ['authentication', 'http-versions'],
    ['http'],
  ],
  security: [
    ['asn1', 'file-backed', 'jaas', 'scram', 'setting-files', 'settings', 'store-entries'],
    ['pem', 'rc2'],
    ['encryption'],
    ['jks', 'pkcs12'],
    ['store'],
    ['certificate-name', 'jwks', 'tls'],
    ['tokens'],
  ],
  broker: [
    ['authorized-operations', 'flusher', 'memory-size', 'request-memory', 'security-settings', 'socket-reads'],
    ['settings'],
    ['coordinator-memory', 'fetch-sessions'],
    ['log', 'record-schemas', 'record-validation'],
    ['client-metrics', 'metadata'],
    ['partition', 'telemetry'],
    ['topics'],
    ['cleaner', 'internal-topic'],
    ['groups'],
    ['share'],
    ['transactions'],
    ['security'],
    ['quotas'],
    ['core', 'dump', 'features'],
    ['topic-configs'],
    ['config-resources'],
    ['handlers'],
    ['connection', 'in-process'],
    ['socket-sends'],
    ['listener', 'thread-clients'],
    ['broker'],
  ],
  client: [
    ['backoff', 'partitioner', 'positions', 'record-cursor', 'settings', 'sockets', 'timed-transport'],
    ['administration', 'cluster', 'oauth-tokens'],
    ['client', 'login'],
    ['access', 'sasl'],
    ['dial'],
    [
      'acls',
      'users',
      'assignors',
      'checks',
      'cooperative-sticky',
      'inspection',
      'offsets',
      'records',
      'replicas',
      'transaction',
      'transaction-states',
    ],
    ['batcher', 'fetcher', 'group-descriptions', 'group-session'],
    ['admin'],
    ['broker-membership', 'group-member', 'membership', 'share-membership'],
    ['share-session'],
    ['consumer', 'producer', 'share-consumer'],
    ['kafka-client'],
  ],
  'sql-api': [['analysis', 'columns', 'errors', 'functions', 'replacement', 'template'], ['client']],
  'schema-registry': [
    ['compatibility-levels', 'errors', 'schema-users', 'subject-name'],
    ['metadata', 'tags'],
    ['guid', 'reserved'],
    ['compatibility'],
    ['subject-config'],
    ['storage'],
    ['checks', 'schema-reader'],
    ['registry'],
    ['insight', 'source'],
    ['rest'],
    ['settings'],
  ],
  'rest-proxy': [
    ['errors', 'media-types', 'settings'],
    ['call', 'entities', 'formats', 'producing'],
    ['consumers'],
    ['v2', 'v3'],
    ['rest'],
  ],
  'interactive-queries': [['rest'], ['ask']],
  connect: [
    ['data'],
    ['api'],
    ['testing'],
    ['config-providers', 'converters', 'transforms'],
    ['connectors'],
    ['plugins', 'storage'],
    ['runtime'],
    ['herder'],
    ['rest'],
    ['service'],
  ],
  streams: [['api'], ['state'], ['graph'], ['operators', 'runtime'], ['dsl']],
  platform: [
    ['broker-users', 'lazy-schemas', 'record-check', 'settings', 'sql-test', 'thread-client', 'version'],
    ['connect-worker', 'scram-users'],
    ['on-demand'],
    ['exposure', 'listening', 'start'],
    ['registry'],
    ['query-threads', 'services'],
    ['connect', 'threads'],
    ['record-schemas', 'thread-work'],
    ['connect-work', 'platform', 'query-work', 'record-schemas-work', 'service-work'],
  ],
  cli: [
    ['hangup', 'history', 'options', 'registry-client', 'statements', 'text-width'],
    ['table'],
    ['analysis', 'answers'],
    [
      'connect',
      'connect-client',
      'connector-file',
      'entities',
      'group-positions',
      'reset-target',
      'schema-file',
      'schemas-text',
      'start',
    ],
    ['connect-worker'],
    ['demo', 'kafka', 'schemas', 'session', 'sql-test', 'streams'],
    ['commands', 'migrations', 'prompt', 'schemas-command', 'streams-command'],
    ['migrations-command', 'sql'],
    ['main'],
  ],
};

/** What a room must not see although it lies below it, with the reason. */
const unseen: readonly { readonly by: string; readonly what: readonly string[]; readonly why: string }[] = [
  {
    by: 'sql/compile',
    what: ['sql/analysis', 'sql/expressions/binding'],
    why: 'a plan has bound its expressions: nothing as it was written is understood a second time',
  },
  {
    by: 'sql/expressions/evaluation',
    what: ['sql/errors.ts'],
    why: 'what has no meaning was refused when it was bound',
  },
];

/** Time, chance and turns of the event loop come from the environment, but for those who are named here. */
const outsideWorld =
  /\b(setTimeout|setInterval|setImmediate|queueMicrotask|Date\.now|performance\.now|Math\.random|randomUUID|randomBytes|new Date\(\))\b/;
const outsiders: Record<string, string> = {
  'util/environment.ts': 'the environment itself',
  'schemas/json-schema/content-model.ts': 'measures what a regular expression costs, to stop it',
  'rim/authentication.ts': 'a secret is not to be had from a seed',
  'client/dial.ts': "a socket's own time-out",
  'broker/quotas/own-time.ts': 'how long our own work takes is told by no clock that is handed in',
  'client/sockets.ts': "a socket's own time-out",
  'rim/http-versions.ts': "a socket's own time-out",
};

/** Files longer than this tell two stories, unless they are named here with the reason. */
const MAX_LINES = 700;
const longFiles: Record<string, string> = {};

/** What a folder must not know, beyond the arrows: packages and built-ins that belong to the rims. */
const onlyAtTheRim: readonly { module: RegExp; allowed: RegExp }[] = [
  {
    module: /^(node:)?(net|tls)$/,
    allowed:
      /^(broker\/(listener|socket-reads|socket-sends)|client\/sockets|connect\/connectors\/|platform\/|rim\/(tls|visitors|http-versions)|security\/tls|cli\/schemas\.ts$)/,
  },
  {
    module: /^(fastify|@fastify\/.*|(node:)?https?2?)$/,
    allowed: /(\/rest(\/|\.ts$))|^rim\/|^platform\/|^http-client\/|^connect\/connectors\//,
  },
  { module: /^chevrotain$/, allowed: /^sql\/parser\// },
  { module: /^classic-level$/, allowed: /^streams\/state\// },
];

const files = filesUnder(src);

describe('the house', () => {
  test('has files to look at', () => {
    expect(files.length).toBeGreaterThan(5);
  });

  test('has only folders that the arrow table knows', () => {
    const folders = readdirSync(src, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(folders.map((folder) => folder.name).filter((name) => !(name in arrows))).toEqual([]);
  });

  test('keeps the arrows: cross-folder imports are allowed ones, and go through index.ts', () => {
    // A table of settings is read by who does not need what is set; threads that run queries need nothing else of SQL; who writes
    // a connector needs nothing of what runs it.
    const doors = ['index.ts', 'settings.ts', 'query-host.ts', 'service.ts'];
    const offences: string[] = [];
    for (const file of files) {
      const from = folderOf(file);
      for (const specifier of importsOf(file)) {
        if (!specifier.startsWith('.')) continue;
        const target = resolve(dirname(file), specifier);
        const to = folderOf(target);
        if (from === to || from === undefined) continue;
        if (to === undefined || !arrows[from]?.includes(to)) offences.push(`${nameOf(file)} must not import ${to}`);
        else if (!doors.some((door) => target === join(src, to, door)))
          offences.push(`${nameOf(file)} reaches past ${to}/index.ts`);
      }
    }
    expect(offences).toEqual([]);
  });

  test('never imports its own index.ts from inside a folder', () => {
    const offences = files.filter((file) => {
      const folder = folderOf(file);
      return (
        folder !== undefined && importsOf(file).some((s) => resolve(dirname(file), s) === join(src, folder, 'index.ts'))
      );
    });
    expect(offences.map(nameOf)).toEqual([]);
  });

  test('keeps sockets, HTTP, the parser toolkit and LevelDB where they belong', () => {
    const offences: string[] = [];
    for (const file of files) {
      for (const specifier of importsOf(file)) {
        for (const rule of onlyAtTheRim) {
          if (rule.module.test(specifier) && !rule.allowed.test(nameOf(file)))
            offences.push(`${nameOf(file)} imports ${specifier}`);
        }
      }
    }
    expect(offences).toEqual([]);
  });

  test("keeps Node's HTTP out of imports, and where it belongs: see util/node-http.ts", () => {
    const offences = files.filter((file) => {
      const text = readFileSync(file, 'utf8');
      if (/import (?!type\b)[^;]*from '(node:)?https?2?'/.test(text)) return true;
      return /\bnodeHttp\b/.test(text) && !/^(rim|http-client|util|connect\/connectors)\//.test(nameOf(file));
    });
    expect(offences.map(nameOf)).toEqual([]);
  });

  test('keeps the order of the rooms within a folder', () => {
    const offences: string[] = [];
    for (const [folder, lines] of Object.entries(rooms)) {
      const lineOf = new Map(lines.flatMap((line, i) => line.map((room) => [room, i] as const)));
      const inside = files.filter((file) => isIn(folder, file) && nameOf(file) !== `${folder}/index.ts`);
      expect(inside.length, `files in ${folder}`).toBeGreaterThan(0);
      for (const file of inside) {
        const room = roomOf(folder, file);
        if (!lineOf.has(room)) offences.push(`${nameOf(file)} is in no room of ${folder}`);
        for (const target of targetsOf(file)) {
          if (!isIn(folder, target) || roomOf(folder, target) === room) continue;
          if (lineOf.get(roomOf(folder, target))! >= lineOf.get(room)!)
            offences.push(`${nameOf(file)} must not import ${nameOf(target)}`);
        }
      }
    }
    expect(offences).toEqual([]);
  });

  test('has rooms that do not see everything below them', () => {
    const offences: string[] = [];
    for (const { by, what, why } of unseen) {
      const inside = files.filter((file) => isIn(by, file));
      expect(inside.length, `files in ${by}`).toBeGreaterThan(0);
      for (const file of inside) {
        for (const target of targetsOf(file)) {
          if (what.some((place) => nameOf(target) === place || isIn(place, target)))
            offences.push(`${nameOf(file)} must not see ${nameOf(target)}: ${why}`);
        }
      }
    }
    expect(offences).toEqual([]);
  });

  test('has no circles of files', () => {
    expect(circlesOf(files)).toEqual([]);
  });

  test('gets time, chance and turns of the event loop from the environment', () => {
    const offences = files.filter((file) => {
      const name = nameOf(file);
      return !name.startsWith('cli/') && !(name in outsiders) && outsideWorld.test(codeOf(file));
    });
    expect(offences.map(nameOf)).toEqual([]);
  });

  test('has operators that reach the entries of stores through their table only', () => {
    const operators = files.filter((file) => nameOf(file).startsWith('streams/operators/'));
    expect(operators.length).toBeGreaterThan(5);
    const offences = operators.filter(
      (file) =>
        targetsOf(file).some((target) => nameOf(target) === 'streams/state/slot-table.ts') ||
        /\.(values|timestamps)\[/.test(codeOf(file)),
    );
    expect(offences.map(nameOf)).toEqual([]);
  });

  test('asks formats what they can do, never what they are called', () => {
    const names = Object.keys(FORMATS);
    expect(names.length).toBeGreaterThan(5);
    const name = `['"](${names.join('|')})['"]`;
    const comparison = new RegExp(`[!=]==?\\s*${name}|${name}\\s*[!=]==?|\\bcase\\s+${name}`);
    const offences = files.filter((file) => nameOf(file).startsWith('sql/') && comparison.test(codeOf(file)));
    expect(offences.map(nameOf)).toEqual([]);
  });

  test('has no file longer than its story', () => {
    const long = files.filter((file) => readFileSync(file, 'utf8').split('\n').length > MAX_LINES).map(nameOf);
    expect(long.filter((name) => !(name in longFiles))).toEqual([]);
  });

  test('leaves no reminders and no machine paths behind', () => {
    const offences = files.filter((file) => /\b(TODO|FIXME|XXX|HACK)\b|\/work\//.test(readFileSync(file, 'utf8')));
    expect(offences.map(nameOf)).toEqual([]);
  });
});

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name));
}

function nameOf(file: string): string {
  return relative(src, file).split(sep).join('/');
}

function folderOf(file: string): string | undefined {
  const parts = nameOf(file).split('/');
  return parts.length > 1 ? parts[0] : undefined;
}

/** The text without comments and without the names of methods, which may be called as the globals are. */
function codeOf(file: string): string {
  return readFileSync(file, 'utf8')
    .replace(/\/\*[\s\S]*?\*\/|(^|\s)\/\/.*$/gm, '')
    .replace(/\b(environment|Environment)\.\w+/g, '');
}

/** The files that a file imports, types and all. */
function targetsOf(file: string): string[] {
  return importsOf(file)
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => resolve(dirname(file), specifier));
}

/** Rings of files (strongly connected ones, by Tarjan), each as the sorted names of its files. */
function circlesOf(all: readonly string[]): string[] {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const found: string[] = [];
  const visit = (file: string): void => {
    order.set(file, order.size);
    lowest.set(file, order.get(file)!);
    stack.push(file);
    for (const target of targetsOf(file)) {
      if (!all.includes(target)) continue;
      if (!order.has(target)) visit(target);
      if (stack.includes(target)) lowest.set(file, Math.min(lowest.get(file)!, lowest.get(target)!));
    }
    if (lowest.get(file) !== order.get(file)) return;
    const circle = stack.splice(stack.indexOf(file));
    if (circle.length > 1) found.push(circle.map(nameOf).sort().join(' '));
  };
  for (const file of all) if (!order.has(file)) visit(file);
  return found;
}

function isIn(folder: string, file: string): boolean {
  return nameOf(file).startsWith(`${folder}/`);
}

function roomOf(folder: string, file: string): string {
  const [room] = nameOf(file)
    .slice(folder.length + 1)
    .split('/');
  return room!.replace(/\.ts$/, '');
}

function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  const specifiers = [...text.matchAll(/(?:^|\n)\s*(?:import|export)\b[^'"`;]*?from\s*['"]([^'"]+)['"]/g)].map(
    (m) => m[1]!,
  );
  const bare = [...text.matchAll(/(?:^|\n)\s*import\s*['"]([^'"]+)['"]/g)].map((m) => m[1]!);
  const dynamic = [...text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g)].map((m) => m[1]!);
  return [...specifiers, ...bare, ...dynamic];
}
