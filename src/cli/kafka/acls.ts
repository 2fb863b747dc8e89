// kafka-acls: who may do what. The convenience flags (--producer, --consumer) are rules that others would have to spell out.
import { createInterface } from 'node:readline';
import type { AccessOperation, AccessRule, AccessRuleFilter, Admin } from '../../client/index.ts';
import { type Arguments, UsageError } from './arguments.ts';
import { BOOTSTRAP_FLAGS, type Tool, ToolError, type ToolIo, withAdmin } from './tool.ts';

type ResourceType = AccessRule['resourceType'];
type PatternType = Exclude<AccessRuleFilter['patternType'], undefined>;

/** What can be done with resources of each type, in Kafka's words (`ALL` goes with each). */
const OPERATIONS: Readonly<Record<ResourceType, readonly AccessOperation[]>> = {
  TOPIC: ['READ', 'WRITE', 'CREATE', 'DESCRIBE', 'DELETE', 'ALTER', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS', 'ALL'],
  GROUP: ['READ', 'DESCRIBE', 'DELETE', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS', 'ALL'],
  CLUSTER: [
    'CREATE',
    'CLUSTER_ACTION',
    'DESCRIBE_CONFIGS',
    'ALTER_CONFIGS',
    'IDEMPOTENT_WRITE',
    'ALTER',
    'DESCRIBE',
    'ALL',
  ],
  TRANSACTIONAL_ID: ['DESCRIBE', 'WRITE', 'TWO_PHASE_COMMIT', 'ALL'],
  DELEGATION_TOKEN: ['DESCRIBE', 'ALL'],
  USER: ['CREATE_TOKENS', 'DESCRIBE_TOKENS', 'ALL'],
};

const RESOURCES = {
  topic: 'TOPIC',
  group: 'GROUP',
  'transactional-id': 'TRANSACTIONAL_ID',
  'delegation-token': 'DELEGATION_TOKEN',
  'user-principal': 'USER',
} as const satisfies Readonly<Record<string, ResourceType>>;

const PATTERNS: readonly PatternType[] = ['ANY', 'MATCH', 'LITERAL', 'PREFIXED'];
const ACTIONS = ['list', 'add', 'remove'];

export const acls: Tool = {
  summary: 'This tool helps to manage acls on kafka.',
  onError: () => 'Error while executing ACL command: ',
  flags: {
    ...BOOTSTRAP_FLAGS,
    'bootstrap-controller': { takes: 'controller', now: 'bootstrap-server', text: '' },
    list: { text: 'List the rules, of the resources that are named or of all.' },
    add: { text: 'Add rules.' },
    remove: { text: 'Remove rules.' },
    topic: { takes: 'topic', text: 'A topic that rules are about; * for all. May be repeated, like all that follow.' },
    group: { takes: 'group', text: 'A consumer group; * for all.' },
    'transactional-id': { takes: 'transactional-id', text: 'A transactional id; * for all.' },
    'delegation-token': { takes: 'delegation-token', text: 'A delegation token; * for all.' },
    'user-principal': { takes: 'user-principal', text: 'A user as a resource, for CreateTokens and DescribeTokens.' },
    cluster: { text: 'The cluster.' },
    'resource-pattern-type': {
      takes: 'ANY|MATCH|LITERAL|PREFIXED',
      text: 'How names are meant: as they are (literal, the default), or as beginnings (prefixed). To list and remove also any (either), and match (all rules that apply to the name).',
    },
    'allow-principal': { takes: 'allow-principal', text: 'Who may: User:name, User:* for everybody.' },
    'deny-principal': { takes: 'deny-principal', text: 'Who may not: that overrules what is allowed.' },
    'allow-host': { takes: 'allow-host', text: 'The host from which they may. Default: * (each).' },
    'deny-host': { takes: 'deny-host', text: 'The host from which they may not. Default: * (each).' },
    principal: { takes: 'principal', text: 'With --list: only rules about this one.' },
    operation: {
      takes: 'operation',
      text: 'What may, or may not, be done: Read, Write, Create, Delete, Alter, Describe, ClusterAction, DescribeConfigs, AlterConfigs, IdempotentWrite, CreateTokens, DescribeTokens, TwoPhaseCommit, All (default).',
    },
    producer: { text: 'Short for the rules that a producer needs: Write, Describe, Create on --topic.' },
    consumer: { text: 'Short for those that a consumer needs: Read, Describe on --topic, Read on --group.' },
    idempotent: { text: 'With --producer: IdempotentWrite on the cluster.' },
    force: { text: 'Ask nothing.' },
  },
  async run(args, io) {
    check(args);
    await withAdmin(args, async (admin) => {
      if (args.has('list')) await list(admin, args, io);
      else if (args.has('add')) await add(admin, args, io);
      else await remove(admin, args, io);
    });
  },
};

function check(args: Arguments): void {
  args.action(ACTIONS, 'Command must include exactly one action: --list, --add, --remove. ');
  args.forbids('list', ['producer', 'consumer', 'allow-host', 'allow-principal', 'deny-host', 'deny-principal']);
  args.forbids('producer', ['operation', 'deny-principal', 'deny-host']);
  args.forbids('consumer', ['operation', 'deny-principal', 'deny-host']);
  if (args.has('principal') && !args.has('list')) {
    throw new UsageError('The --principal option is only available if --list is set');
  }
  if (args.has('producer') && !args.has('topic')) throw new UsageError('With --producer you must specify a --topic');
  if (args.has('idempotent') && !args.has('producer')) {
    throw new UsageError('The --idempotent option is only available if --producer is set');
  }
  const isOddConsumer =
    !args.has('topic') ||
    !args.has('group') ||
    (!args.has('producer') && (args.has('cluster') || args.has('transactional-id')));
  if (args.has('consumer') && isOddConsumer) {
    throw new UsageError(
      'With --consumer you must specify a --topic and a --group and no --cluster or --transactional-id option should be specified.',
    );
  }
}

// ── What is meant ─────────────────────────────────────────────────────────────────────────────────────────────────

/** A resource as the flags name it. */
interface Named {
  readonly resourceType: ResourceType;
  readonly resourceName: string;
  readonly patternType: PatternType;
}

type Entry = Pick<AccessRule, 'principal' | 'host' | 'operation' | 'permission'>;

interface Granted {
  readonly resource: Named;
  readonly entries: readonly Entry[];
}

function resourcesOf(args: Arguments): Named[] {
  const given = args.get('resource-pattern-type') ?? 'LITERAL';
  const patternType = PATTERNS.find((pattern) => pattern === given.toUpperCase());
  if (patternType === undefined) {
    throw new UsageError(`Cannot parse argument '${given}' of option resource-pattern-type`);
  }
  const named = Object.entries(RESOURCES).flatMap(([flag, resourceType]) =>
    args.all(flag).map((name) => ({ resourceType, resourceName: name.trim(), patternType })),
  );
  return args.has('cluster') ? [...named, clusterItself()] : named;
}

function clusterItself(): Named {
  return { resourceType: 'CLUSTER', resourceName: 'kafka-cluster', patternType: 'LITERAL' };
}

/** Everybody who is named may, or may not, from each of the hosts, do each of the operations. */
function entriesOf(args: Arguments, operations: readonly AccessOperation[]): Entry[] {
  return (['allow', 'deny'] as const).flatMap((kind) => {
    const hosts = args.has(`${kind}-host`) ? args.all(`${kind}-host`) : ['*'];
    const permission = kind === 'allow' ? 'ALLOW' : 'DENY';
    return principalsOf(args, `${kind}-principal`).flatMap((principal) =>
      hosts.flatMap((host) =>
        operations.map((operation) => ({ principal, host: host.trim(), operation, permission }) as const),
      ),
    );
  });
}

function principalsOf(args: Arguments, flag: string): string[] {
  return args.all(flag).map((text) => {
    const principal = text.trim();
    if (!/^[^:]+:./s.test(principal)) {
      throw new Error(`expected a string in format principalType:principalName but got ${principal}`);
    }
    return principal;
  });
}

/** `DescribeConfigs` and `DESCRIBE_CONFIGS` are the same. */
function operationsOf(args: Arguments, resourceType: ResourceType): AccessOperation[] {
  const known = OPERATIONS[resourceType];
  const given = args.has('operation') ? args.all('operation') : ['ALL'];
  return given.map((text) => {
    const plain = text.trim().replaceAll('_', '').toUpperCase();
    const operation = known.find((each) => each.replaceAll('_', '') === plain);
    if (operation === undefined) {
      throw new UsageError(`ResourceType ${resourceType} only supports operations [${known.join(', ')}]`);
    }
    return operation;
  });
}

/** The rules that the flags stand for, resource by resource. */
function grantedBy(args: Arguments): Granted[] {
  const resources = resourcesOf(args);
  if (resources.length === 0) {
    throw new UsageError(
      'You must provide at least one resource: --topic <topic> or --cluster or --group <group> or --delegation-token <Delegation Token ID>',
    );
  }
  const [producer, consumer] = [args.has('producer'), args.has('consumer')];
  if (!producer && !consumer) {
    return resources.map((resource) => ({
      resource,
      entries: entriesOf(args, operationsOf(args, resource.resourceType)),
    }));
  }
  const needs = (resourceType: ResourceType): Set<AccessOperation> => {
    const operations = new Set<AccessOperation>();
    if (producer && resourceType === 'TOPIC')
      for (const each of ['WRITE', 'DESCRIBE', 'CREATE'] as const) operations.add(each);
    if (producer && resourceType === 'TRANSACTIONAL_ID')
      for (const each of ['WRITE', 'DESCRIBE'] as const) operations.add(each);
    if (consumer && resourceType === 'TOPIC') for (const each of ['READ', 'DESCRIBE'] as const) operations.add(each);
    if (consumer && resourceType === 'GROUP') operations.add('READ');
    return operations;
  };
  const granted = resources
    .filter(({ resourceType }) => needs(resourceType).size > 0)
    .map((resource) => ({ resource, entries: entriesOf(args, [...needs(resource.resourceType)]) }));
  if (args.has('idempotent')) {
    granted.push({ resource: clusterItself(), entries: entriesOf(args, ['IDEMPOTENT_WRITE']) });
  }
  return granted;
}

// ── The actions ───────────────────────────────────────────────────────────────────────────────────────────────────

async function add(admin: Admin, args: Arguments, io: ToolIo): Promise<void> {
  if (!args.has('allow-principal') && !args.has('deny-principal')) {
    throw new UsageError('You must specify one of: --allow-principal, --deny-principal when trying to add ACLs.');
  }
  const granted = grantedBy(args);
  for (const { resource, entries } of granted) {
    const { patternType } = resource;
    if (patternType !== 'LITERAL' && patternType !== 'PREFIXED') {
      throw new UsageError(`A '--resource-pattern-type' value of '${patternType}' is not valid when adding acls.`);
    }
    io.out(`Adding ACLs for resource \`${textOf(resource)}\`: \n ${linesOf(entries)}\n`);
    await admin.createAcls(entries.map((entry) => ({ ...resource, patternType, ...entry })));
  }
}

async function list(admin: Admin, args: Arguments, io: ToolIo): Promise<void> {
  const resources = resourcesOf(args);
  const filters: readonly AccessRuleFilter[] = resources.length === 0 ? [{}] : resources;
  const found = (await Promise.all(filters.map((filter) => admin.describeAcls(filter)))).flat();
  const principals = principalsOf(args, 'principal');
  if (principals.length === 0) {
    print(found, io);
    return;
  }
  for (const principal of principals) {
    io.out(`ACLs for principal \`${principal}\`\n`);
    print(
      found.filter((rule) => rule.principal === principal),
      io,
    );
  }
}

/** Resource by resource; a rule that several filters have found is printed once. */
function print(rules: readonly AccessRule[], io: ToolIo): void {
  const byResource = Map.groupBy(rules, textOf);
  for (const [resource, list] of byResource) {
    io.out(`Current ACLs for resource \`${resource}\`:\n${linesOf(list)}\n`);
  }
}

async function remove(admin: Admin, args: Arguments, io: ToolIo): Promise<void> {
  for (const { resource, entries } of grantedBy(args)) {
    const question =
      entries.length === 0
        ? `Are you sure you want to delete all ACLs for resource filter \`${textOf(resource)}\`? (y/n)`
        : `Are you sure you want to remove ACLs: \n ${linesOf(entries)} from resource filter \`${textOf(resource)}\`? (y/n)`;
    if (!args.has('force') && !(await agreedTo(question, io))) continue;
    await admin.deleteAcls(entries.length === 0 ? [resource] : entries.map((entry) => ({ ...resource, ...entry })));
  }
}

async function agreedTo(question: string, io: ToolIo): Promise<boolean> {
  io.out(`${question}\n`);
  const lines = createInterface({ input: io.input });
  try {
    for await (const line of lines) return line.trim().toLowerCase() === 'y';
  } finally {
    lines.close();
  }
  throw new ToolError('Nobody answers: use --force where there is nobody to ask.');
}

function textOf({ resourceType, resourceName, patternType }: Named | AccessRule): string {
  return `ResourcePattern(resourceType=${resourceType}, name=${resourceName}, patternType=${patternType})`;
}

function linesOf(entries: readonly Entry[]): string {
  const lines = entries.map(
    ({ principal, host, operation, permission }) =>
      `\t(principal=${principal}, host=${host}, operation=${operation}, permissionType=${permission})\n`,
  );
  return [...new Set(lines)].join('');
}
