// Access rules: how they are judged, kept, changed over the wire, and what is told of denials.
import fc from 'fast-check';
import { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } from 'kafkajs';
import { describe, expect, test } from 'vitest';
import type { StoredAcl } from '../../../src/broker/metadata/cluster-metadata.ts';
import { ClusterMetadata } from '../../../src/broker/metadata/cluster-metadata.ts';
import { Audit } from '../../../src/broker/security/audit.ts';
import { Authorizer } from '../../../src/broker/security/authorizer.ts';
import { nodeDisk } from '../../../src/broker/log/disk.ts';
import { readBrokerSettings } from '../../../src/broker/settings.ts';
import {
  AclOperation,
  AclPatternType,
  AclPermission,
  AclResourceType,
  create,
  createAcls,
  deleteAcls,
  describeAcls,
  ErrorCode,
} from '../../../src/protocol/index.ts';
import { ManualEnvironment } from '../../../src/util/index.ts';
import { openBroker, temporaryDirectory } from '../support.ts';
import { kafkaJs, listen } from './support.ts';

const STANDARD = 'org.apache.kafka.metadata.authorizer.StandardAuthorizer';
const { ALLOW, DENY } = AclPermission;
const { LITERAL, PREFIXED } = AclPatternType;

function authorizer(acls: readonly StoredAcl[], settings: Record<string, string | boolean> = {}) {
  const metadata = ClusterMetadata.open(nodeDisk, temporaryDirectory());
  metadata.change({ acls });
  return { metadata, authorizer: new Authorizer(readBrokerSettings(settings), metadata) };
}

const rule = (more: Partial<StoredAcl>): StoredAcl => ({
  resourceType: AclResourceType.TOPIC,
  resourceName: 't',
  patternType: LITERAL,
  principal: 'User:alice',
  host: '*',
  operation: AclOperation.READ,
  permissionType: ALLOW,
  ...more,
});
const action = (more: Partial<Parameters<Authorizer['decide']>[0]> = {}) => ({
  principal: 'User:alice',
  host: '10.0.0.1',
  operation: AclOperation.READ as number,
  resourceType: AclResourceType.TOPIC as number,
  resourceName: 't',
  ...more,
});

describe('a decision', () => {
  test('is for whom, where and what a rule says', () => {
    const { authorizer: judge } = authorizer([rule({}), rule({ principal: 'User:bob', host: '10.0.0.2' })]);
    expect(judge.decide(action())).toEqual({ isAllowed: true, rule: rule({}) });
    expect(judge.decide(action({ operation: AclOperation.DESCRIBE })).isAllowed).toBe(true);
    expect(judge.decide(action({ operation: AclOperation.WRITE }))).toEqual({ isAllowed: false, rule: 'DefaultDeny' });
    expect(judge.decide(action({ resourceName: 'tt' })).isAllowed).toBe(false);
    expect(judge.decide(action({ resourceType: AclResourceType.GROUP })).isAllowed).toBe(false);
    expect(judge.decide(action({ principal: 'User:bob' })).isAllowed).toBe(false);
    expect(judge.decide(action({ principal: 'User:bob', host: '10.0.0.2' })).isAllowed).toBe(true);
  });

  test('changes with the rules', () => {
    const { metadata, authorizer: judge } = authorizer([]);
    expect(judge.decide(action()).isAllowed).toBe(false);
    metadata.change({ acls: [rule({ principal: 'User:*', patternType: PREFIXED, resourceName: '' })] });
    expect(judge.decide(action()).isAllowed).toBe(true);
    metadata.change({ acls: [] });
    expect(judge.decide(action()).isAllowed).toBe(false);
  });

  test('without a rule about the resource is what is set', () => {
    const { authorizer: judge } = authorizer([rule({ principal: 'User:bob' })], {
      'allow.everyone.if.no.acl.found': true,
      'super.users': 'User:root; User:CN=op,O=Example',
    });
    expect(judge.decide(action({ resourceName: 'other' }))).toEqual({ isAllowed: true, rule: 'DefaultAllow' });
    expect(judge.decide(action())).toEqual({ isAllowed: false, rule: 'DefaultDeny' });
    expect(judge.decide(action({ principal: 'User:CN=op,O=Example' }))).toEqual({ isAllowed: true, rule: 'SuperUser' });
    expect(judge.decide(action({ principal: 'User:root' })).isAllowed).toBe(true);
  });

  test('is that of a judge who looks at all rules, one after the other', () => {
    const name = fc.constantFrom('a', 'ab', 'abc', 'b', '*', '');
    const acl = fc.record({
      resourceType: fc.constantFrom(AclResourceType.TOPIC, AclResourceType.GROUP),
      resourceName: name,
      patternType: fc.constantFrom(LITERAL, PREFIXED),
      principal: fc.constantFrom('User:alice', 'User:bob', 'User:*'),
      host: fc.constantFrom('*', 'h'),
      operation: fc.constantFrom(...Object.values(AclOperation).filter((each) => each !== AclOperation.ANY)),
      permissionType: fc.constantFrom(ALLOW, DENY),
    });
    const asked = fc.record({
      principal: fc.constantFrom('User:alice', 'User:bob'),
      host: fc.constantFrom('h', 'i'),
      operation: fc.constantFrom(...Object.values(AclOperation).filter((each) => each > AclOperation.ALL)),
      resourceType: fc.constantFrom(AclResourceType.TOPIC, AclResourceType.GROUP),
      resourceName: name,
    });
    fc.assert(
      fc.property(fc.array(acl, { maxLength: 8 }), fc.array(asked, { maxLength: 8 }), (acls, actions) => {
        const { authorizer: judge } = authorizer(acls);
        for (const each of [...actions, ...actions]) expect(judge.decide(each).isAllowed).toBe(isAllowed(acls, each));
      }),
      { numRuns: 200 },
    );
  });
});

function isAllowed(acls: readonly StoredAcl[], asked: ReturnType<typeof action>): boolean {
  const about = acls.filter(
    (acl) =>
      acl.resourceType === asked.resourceType &&
      (acl.patternType === PREFIXED
        ? asked.resourceName.startsWith(acl.resourceName)
        : [asked.resourceName, '*'].includes(acl.resourceName)) &&
      ['User:*', asked.principal].includes(acl.principal) &&
      ['*', asked.host].includes(acl.host),
  );
  const { READ, WRITE, DELETE, ALTER, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS, ALL } = AclOperation;
  const exact: number[] = [ALL, asked.operation];
  const implied: number[] =
    asked.operation === DESCRIBE
      ? [READ, WRITE, DELETE, ALTER]
      : asked.operation === DESCRIBE_CONFIGS
        ? [ALTER_CONFIGS]
        : [];
  if (about.some((acl) => acl.permissionType === DENY && exact.includes(acl.operation))) return false;
  return about.some((acl) => acl.permissionType === ALLOW && [...exact, ...implied].includes(acl.operation));
}

describe('something with any resource of a type', () => {
  const { WRITE } = AclOperation;
  const write = action({ operation: WRITE });
  const allow = (more: Partial<StoredAcl>) => rule({ operation: WRITE, ...more });
  const deny = (more: Partial<StoredAcl>) => rule({ operation: WRITE, permissionType: DENY, ...more });
  test.each<[string, StoredAcl[], boolean]>([
    ['no rule', [], false],
    ['one topic', [allow({})], true],
    ['a topic that is denied', [allow({}), deny({})], false],
    [
      'a topic whose prefix is denied',
      [allow({ resourceName: 'abc' }), deny({ resourceName: 'ab', patternType: PREFIXED })],
      false,
    ],
    [
      'a prefix of which a longer one is denied',
      [allow({ resourceName: 'a', patternType: PREFIXED }), deny({ resourceName: 'ab', patternType: PREFIXED })],
      true,
    ],
    [
      'a prefix within a denied one',
      [allow({ resourceName: 'ab', patternType: PREFIXED }), deny({ resourceName: 'a', patternType: PREFIXED })],
      false,
    ],
    ['all, but one', [allow({ resourceName: '*' }), deny({})], true],
    ['one, where all are denied', [allow({}), deny({ resourceName: '*' })], false],
    ['another operation', [rule({})], false],
    ['everything', [rule({ operation: AclOperation.ALL })], true],
    ['another user', [allow({ principal: 'User:bob' })], false],
  ])('%s', (_, acls, expected) => {
    expect(authorizer(acls).authorizer.mayWithAny(write)).toBe(expected);
  });
});

test('the same denial is told once in a while, and how often it came', () => {
  const environment = new ManualEnvironment();
  const told: string[] = [];
  const audit = new Audit(environment, (message) => told.push(message));
  const denied = { isAllowed: false, rule: 'DefaultDeny' } as const;
  for (let i = 0; i < 5; i++) audit.denied(action(), denied, 'Fetch');
  const text =
    'Principal = User:alice is Denied operation = READ from host = 10.0.0.1 on resource = Topic:LITERAL:t for request = Fetch with resourceRefCount = 1 based on rule DefaultDeny';
  expect(told).toEqual([text]);
  const byRule = { isAllowed: false, rule: rule({ permissionType: DENY }) };
  audit.denied(action({ resourceType: AclResourceType.TRANSACTIONAL_ID }), byRule, 'EndTxn');
  expect(told[1]).toContain(
    'on resource = TransactionalId:LITERAL:t for request = EndTxn with resourceRefCount = 1 based on rule ' +
      'MatchingAcl(acl=StandardAcl(resourceType=TOPIC, resourceName=t, patternType=LITERAL, principal=User:alice, host=*, operation=READ, permissionType=DENY))',
  );
  for (let i = 0; i < 200; i++) audit.denied(action({ resourceName: `t${i}` }), denied, 'Fetch');
  expect(told).toHaveLength(100);
  environment.advance(60_000);
  audit.denied(action(), denied, 'Fetch');
  expect(told.slice(100)).toEqual([`${text} (4 times more)`, '102 other requests were denied.', text]);
  expect(audit.denials).toBe(207);
});

describe('rules over the wire', () => {
  test('are made, found and removed by kafkajs, and are there after a restart', async () => {
    const dataDir = temporaryDirectory();
    const settings = { 'authorizer.class.name': STANDARD, 'super.users': 'User:ANONYMOUS' };
    const broker = await openBroker({ dataDir, settings });
    const { PLAINTEXT } = await listen(broker, 'PLAINTEXT://127.0.0.1:0');
    const admin = kafkaJs(PLAINTEXT!).admin();
    await admin.connect();
    const acl = {
      resourceType: AclResourceTypes.TOPIC,
      resourceName: 'orders',
      resourcePatternType: ResourcePatternTypes.PREFIXED,
      principal: 'User:alice',
      host: '*',
      operation: AclOperationTypes.READ,
      permissionType: AclPermissionTypes.ALLOW,
    };
    const other = { ...acl, resourceName: '*', resourcePatternType: ResourcePatternTypes.LITERAL };
    await admin.createAcls({ acl: [acl, other, acl] });
    const find = (more: object) =>
      admin.describeAcls({
        resourceType: AclResourceTypes.ANY,
        resourcePatternType: ResourcePatternTypes.MATCH,
        operation: AclOperationTypes.ANY,
        permissionType: AclPermissionTypes.ANY,
        ...more,
      } as never);
    const namesOf = async (more: object) => (await find(more)).resources.map(({ resourceName }) => resourceName).sort();
    expect(await namesOf({ resourceName: 'orders-1' })).toEqual(['*', 'orders']);
    expect(await namesOf({ resourceName: 'order' })).toEqual(['*']);
    expect(await namesOf({ principal: 'User:bob' })).toEqual([]);
    expect(await namesOf({ resourcePatternType: ResourcePatternTypes.ANY, resourceName: 'orders' })).toEqual([
      'orders',
    ]);
    const { filterResponses } = await admin.deleteAcls({ filters: [{ ...other }] });
    expect(filterResponses[0]!.matchingAcls).toHaveLength(1);
    await admin.disconnect();
    await broker.close();
    const again = await openBroker({ dataDir, settings });
    const request = create(describeAcls, {
      resourceTypeFilter: AclResourceType.ANY,
      resourceNameFilter: null,
      patternTypeFilter: AclPatternType.ANY,
      principalFilter: null,
      hostFilter: null,
      operation: AclOperation.ANY,
      permissionType: AclPermission.ANY,
    });
    expect((await again.connect().request(describeAcls, request)).resources).toEqual([
      {
        resourceType: 2,
        resourceName: 'orders',
        patternType: PREFIXED,
        acls: [expect.objectContaining({ principal: 'User:alice', host: '*', operation: 3, permissionType: ALLOW })],
      },
    ]);
  });

  test('are refused one by one where they can not be', async () => {
    const broker = await openBroker({ settings: { 'authorizer.class.name': STANDARD } });
    const good = {
      resourceType: AclResourceType.TOPIC,
      resourceName: 'x',
      resourcePatternType: LITERAL,
      principal: 'User:x',
      host: '*',
      operation: AclOperation.READ,
      permissionType: ALLOW,
    };
    const bad = [
      { resourceType: AclResourceType.ANY },
      { resourceType: 99 },
      { resourcePatternType: AclPatternType.MATCH },
      { operation: AclOperation.ANY },
      { permissionType: AclPermission.ANY },
      { resourceName: '' },
      { resourceType: AclResourceType.CLUSTER },
      { principal: 'x' },
      { host: '' },
    ];
    const creations = [good, ...bad.map((more) => ({ ...good, ...more }))];
    const transport = broker.connect();
    const { results } = await transport.request(createAcls, create(createAcls, { creations }));
    expect(results.map(({ errorCode }) => errorCode)).toEqual([0, ...bad.map(() => ErrorCode.INVALID_REQUEST)]);
    const filter = { resourceTypeFilter: 99, patternTypeFilter: 1, operation: 1, permissionType: 1 };
    const deleted = await transport.request(deleteAcls, create(deleteAcls, { filters: [filter] }));
    expect(deleted.filterResults[0]).toMatchObject({ errorCode: ErrorCode.INVALID_REQUEST, matchingAcls: [] });
  });

  test('are refused where there is no authorizer', async () => {
    const transport = (await openBroker()).connect();
    const disabled = { errorCode: ErrorCode.SECURITY_DISABLED, errorMessage: 'No Authorizer is configured.' };
    expect(await transport.request(describeAcls, create(describeAcls, {}))).toMatchObject(disabled);
    const created = await transport.request(createAcls, create(createAcls, { creations: [{}, {}] }));
    expect(created.results).toEqual([disabled, disabled]);
    const deleted = await transport.request(deleteAcls, create(deleteAcls, { filters: [{}] }));
    expect(deleted.filterResults).toMatchObject([disabled]);
  });
});
