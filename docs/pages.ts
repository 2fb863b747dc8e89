import type { ConfigDef } from '../src/connect/index.ts';
import { BUILT_IN } from '../src/connect/plugins/built-in.ts';
import { errorCodes } from '../src/util/error-codes.ts';
import { brokerSettings, topicSettings } from '../src/broker/index.ts';
import { securitySettings } from '../src/client/index.ts';
import { handlers } from '../src/broker/handlers/index.ts';
import { workerSettings } from '../src/connect/herder/settings.ts';
import { restProxySettings } from '../src/rest-proxy/settings.ts';
import { registrySettings } from '../src/schema-registry/index.ts';
import { storeServerSettings } from '../src/interactive-queries/index.ts';
import { platformSettings } from '../src/platform/settings.ts';
import { version } from '../src/platform/version.ts';
import { describedOverload, documentationOf } from '../src/sql/functions/documentation.ts';
import type { SqlFunction } from '../src/sql/functions/function.ts';
import { builtInFunctions } from '../src/sql/functions/index.ts';
import { sqlRestSettings, sqlSettings, streamsSettings } from '../src/sql/settings.ts';
import type { SettingTable } from '../src/util/index.ts';
import { type OpenApi, openApiDocuments, withServers } from './openapi.ts';

const NOTE = 'Made from the code by `npm run docs`; change it there.';

/** Every page of docs/reference, by file name; a platform is started to see what it answers over HTTP. */
export async function referencePages(): Promise<Record<string, string>> {
  const openApi = await withServers(async (servers) => openApiDocuments(servers, version));
  return {
    'settings.md': settingsPage(),
    'connectors.md': await connectorsPage(),
    'kafka-apis.md': apisPage(),
    'sql-functions.md': functionsPage(),
    'errors.md': errorsPage(),
    'http-apis.md': httpPage(openApi),
    ...Object.fromEntries(
      Object.entries(openApi).map(([file, document]) => [`openapi/${file}`, `${JSON.stringify(document, null, 2)}\n`]),
    ),
  };
}

/** Every API of Kafka 4.4 that some broker may answer, by why this one does not. */
const NOT_ANSWERED: readonly (readonly [apis: Readonly<Record<number, string>>, why: string])[] = [
  [
    { 4: 'LeaderAndIsr', 5: 'StopReplica', 6: 'UpdateMetadata', 7: 'ControlledShutdown' },
    'Of the time of ZooKeeper; Kafka 4 has removed them.',
  ],
  [
    {
      52: 'Vote',
      53: 'BeginQuorumEpoch',
      54: 'EndQuorumEpoch',
      56: 'AlterPartition',
      58: 'Envelope',
      59: 'FetchSnapshot',
      62: 'BrokerRegistration',
      63: 'BrokerHeartbeat',
      67: 'AllocateProducerIds',
      70: 'ControllerRegistration',
      73: 'AssignReplicasToDirs',
      82: 'UpdateRaftVoter',
    },
    'Between brokers and controllers; this broker is alone and has no controllers.',
  ],
  [
    {
      83: 'InitializeShareGroupState',
      84: 'ReadShareGroupState',
      85: 'WriteShareGroupState',
      86: 'DeleteShareGroupState',
      87: 'ReadShareGroupStateSummary',
    },
    'Between the brokers of a cluster; the state of share groups is kept where they are read.',
  ],
  [{ 93: 'StreamsGroupTopologyDescriptionUpdate' }, 'Descriptions of topologies (KIP-1331) are not kept.'],
  [{ 94: 'UnregisterController' }, 'There are no controllers besides the broker.'],
];

function settingsPage(): string {
  return page('Settings', [
    'From a `.properties` file (`--config`), `MILLRACE_…` environment variables (`MILLRACE_NUM_PARTITIONS=3` is `num.partitions=3`), or `-p key=value`; the later in this list win.',
    '## Platform',
    settingsTable(platformSettings),
    '## Broker',
    settingsTable(brokerSettings),
    '## Topics',
    'Set when a topic is made, or altered later.',
    settingsTable(topicSettings),
    '## Clients',
    'How a client gets in to a cluster that is secured: in files and on command lines as they stand here, in code in camel case (`sasl.mechanism` is `saslMechanism`). [Connecting to a secured cluster](../security/clients.md) has examples.',
    settingsTable(securitySettings),
    '## Schema Registry',
    'Those under `authentication.` also without `schema.registry.` in front.',
    settingsTable(registrySettings),
    '## REST proxy',
    'Those of its consumers also without `kafka.rest.` in front.',
    settingsTable(restProxySettings),
    '## Connect',
    'In a file of a worker of its own (`connect-distributed`, `connect-standalone`) as they stand here; for the worker of the platform with `connect.` in front, and with defaults of its own: `connect.group.id=connect-cluster`, topics `_connect-configs`, `_connect-offsets` and `_connect-status`, keys as texts and values as Avro with the registry of the platform, and sources that are written exactly once.',
    settingsTable({ ...workerSettings.distributed, ...workerSettings.standalone }),
    '## SQL',
    'Set for the service, or with `SET` for a session.',
    settingsTable(sqlSettings),
    'Who may talk to it over HTTP:',
    settingsTable(sqlRestSettings),
    '## Queries',
    'With or without `ksql.streams.` in front.',
    settingsTable(streamsSettings),
    '## Stores of a Streams application over HTTP',
    'Given to `StoreServer.listen({ settings })`.',
    settingsTable(storeServerSettings),
  ]);
}

/** The settings of each connector, converter and transformation, as PUT …/config/validate tells them. */
async function connectorsPage(): Promise<string> {
  const titles = {
    source: 'Sources',
    sink: 'Sinks',
    converter: 'Converters',
    transformation: 'Transformations',
    predicate: 'Predicates',
  };
  const parts: string[] = [];
  for (const [kind, title] of Object.entries(titles)) {
    parts.push(`## ${title}`);
    const entries = BUILT_IN.filter((entry) => entry.kind === kind).toSorted((a, b) =>
      a.className < b.className ? -1 : 1,
    );
    for (const entry of entries) {
      const { config } = await entry.load();
      const rows = Object.entries(config as ConfigDef)
        .filter(([, { internal }]) => internal !== true)
        .map(([name, { type, default: value, doc }]) => [
          `\`${name}\``,
          type.toLowerCase(),
          value === undefined ? 'required' : value === null || value === '' ? '' : `\`${String(value)}\``,
          // What stands for something is no element of the page.
          doc.replaceAll('<', '&lt;'),
        ]);
      parts.push(
        `### \`${entry.className}\``,
        ...(rows.length === 0 ? ['Has no settings.'] : [table(['setting', 'type', 'default', 'what it does'], rows)]),
      );
    }
  }
  const words =
    'Classes are also found by the last part of their names, with or without its ending: `JdbcSink`, `FileStreamSource`, `MaskField$Value`. What all connectors have beside their own (`tasks.max`, `topics`, `errors.…`, `transforms`, …) is in [Connect](../connect/overview.md).';
  return page('Connectors, converters, transformations', [words, ...parts]);
}

function settingsTable(settings: SettingTable): string {
  const documented = Object.entries(settings).filter(([name]) => !name.startsWith('internal.'));
  const rows = documented.map(([name, { kind, default: value, doc, oneOf }]) => {
    const allowed = oneOf === undefined ? kind : oneOf.filter((option) => option !== '').join(', ');
    return [`\`${name}\``, allowed, value === '' ? '' : `\`${String(value)}\``, doc];
  });
  return table(['name', 'type', 'default', 'what it does'], rows);
}

function apisPage(): string {
  const rows = [...handlers]
    .map(({ api }) => api)
    .sort((a, b) => a.key - b.key)
    .map(({ key, name, minVersion, maxVersion }) => [String(key), name, `${minVersion}–${maxVersion}`]);
  return page('Kafka APIs that the broker answers', [
    'What ApiVersions tells clients. Produce 0–2 is listed because older librdkafka turns compression off without it, and refused as Kafka 4 does.',
    table(['key', 'API', 'versions'], rows),
    '## Those that it does not answer',
    'A client that asks for one of them is told so by its own library (`UnsupportedVersionException` and its like); a request that comes all the same closes its connection. What is answered and refused (delegation tokens, voters of a quorum, tiered storage) says why in its answer.',
    table(['keys', 'APIs', 'why not'], unanswered(new Set(handlers.map(({ api }) => api.key)))),
  ]);
}

/** By keys, with those that have got a handler since left out. */
function unanswered(answered: ReadonlySet<number>): string[][] {
  return NOT_ANSWERED.flatMap(([apis, why]) => {
    const left = Object.entries(apis).filter(([key]) => !answered.has(Number(key)));
    if (left.length === 0) return [];
    return [[left.map(([key]) => key).join(', '), left.map(([, name]) => name).join(', '), why]];
  });
}

function errorsPage(): string {
  const rows = Object.entries(errorCodes).map(([code, meaning]) => [`\`${code}\``, meaning]);
  return page('Errors', [
    "What is thrown is a `MillraceError` (`import { MillraceError, errorCodes } from 'millrace/errors'`): `code` is one of these, `message` says what happened and what to do, `retriable` whether the same call may succeed later. Refusals of a broker have Kafka’s own names as codes (`UNKNOWN_TOPIC_OR_PARTITION`), those of a Schema Registry `REGISTRY_` and their number (`REGISTRY_40401`), those of an HTTP service that lets nobody in `HTTP_` and the status.",
    table(['code', 'what it means, and what to do'], rows),
  ]);
}

function httpPage(openApi: Readonly<Record<string, OpenApi>>): string {
  const parts = Object.entries(openApi).flatMap(([file, { info, servers, paths }]) => [
    `## ${info.title}`,
    `${info.description} At ${servers.map(({ url }) => `\`${url}\``).join(', ')} by default; as an OpenAPI document: [${file}](openapi/${file}).`,
    table(
      ['route', 'what it does', 'parameters of the query'],
      Object.entries(paths).flatMap(([path, operations]) =>
        Object.entries(operations).map(([method, { summary, parameters = [] }]) => [
          `\`${method.toUpperCase()} ${path}\``,
          summary,
          parameters.flatMap(({ name, in: place }) => (place === 'query' ? [`\`${name}\``] : [])).join(', '),
        ]),
      ),
    ),
  ]);
  return page('Paths of the HTTP services', parts);
}

function functionsPage(): string {
  const families = Map.groupBy(builtInFunctions().all(), (declared) => declared.category);
  const parts = [...families]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([category, functions]) => [
      `## ${category.charAt(0)}${category.slice(1).toLowerCase()}`,
      table(
        ['function', 'takes and gives', 'what it does', 'example'],
        functions.map((declared) => [
          `\`${declared.shownAs ?? declared.name}\``,
          overloadsText(declared),
          declared.description,
          exampleText(declared.name),
        ]),
      ),
    ]);
  const words =
    '`T`, `K` and `V` are any type, the same wherever the letter stands; `ANY` is any type. `...` stands behind what may come any number of times. In examples, `of` stands in front of the rows that an aggregate or window function sees, and `from` in front of what a table function is given.';
  return page('SQL functions', [words, ...parts]);
}

/** A line per overload, with the names of its parameters. */
function overloadsText({ name, overloads }: SqlFunction): string {
  const lines = overloads.map(({ signature }) => {
    const { arguments: parameters, returnType } = describedOverload(name, signature.text);
    const texts = parameters.map((one) => `${one.name} ${one.type}${one.isVariadic ? '...' : ''}`);
    return `\`(${texts.join(', ')}) → ${returnType}\``;
  });
  return lines.join('<br>');
}

/** What a test has computed. */
function exampleText(name: string): string {
  const { example, result } = documentationOf(name)!;
  return `\`${example}\` is \`${result}\``;
}

function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(headings), `|${headings.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}

function page(title: string, parts: readonly string[]): string {
  return `${[`# ${title}`, NOTE, ...parts].join('\n\n')}\n`;
}
