// ASSERT: waits for what it asserts, and fails when that does not come true in time.
import { codeOf, type Environment, MillraceError } from '../../util/index.ts';
import type { Duration, Statement } from '../parser/ast.ts';
import { milliseconds } from '../parser/durations.ts';
import { quoteName } from '../parser/print.ts';
import type { EngineContext, Settings } from './context.ts';
import type { Entity } from './entities.ts';

/** How often it is looked again. */
const AGAIN_MS = 100;

/** What an assertion sees, and waits with. */
export interface Asserting {
  readonly engine: EngineContext;
  readonly setting: Settings;
  readonly environment: Environment;
}

type AssertTopic = Extract<Statement, { kind: 'assertTopic' }>;
type AssertSchema = Extract<Statement, { kind: 'assertSchema' }>;

export async function assertTopic(asserting: Asserting, statement: AssertTopic): Promise<Entity> {
  const { topic, exists, timeout } = statement;
  await comesTrue(asserting, { timeout, property: 'ksql.assert.topic.default.timeout.ms' }, async () => {
    const found = await asserting.engine.topics.describe(topic);
    if (exists !== (found !== undefined)) return `Topic ${topic} ${exists ? 'does not exist' : 'exists'}.`;
    return found === undefined ? undefined : mismatches(statement, found);
  });
  return { '@type': 'assert_topic', topicName: topic, exists };
}

/** What the WITH clause says that the topic is not. */
function mismatches(
  { topic, properties }: AssertTopic,
  found: { readonly partitions: number; readonly replicas: number },
): string | undefined {
  const faults = [...properties].flatMap(([name, wanted]) => {
    const config = name.toLowerCase();
    if (config !== 'partitions' && config !== 'replicas') return [`Cannot assert unknown topic property: ${name}`];
    const actual = found[config];
    return wanted === actual
      ? []
      : [`Mismatched configuration for topic ${topic}: For config ${config}, expected ${String(wanted)} got ${actual}`];
  });
  return faults.length === 0 ? undefined : faults.join('\n');
}

export async function assertSchema(asserting: Asserting, statement: AssertSchema): Promise<Entity> {
  const { subject, id, exists, timeout } = statement;
  await comesTrue(asserting, { timeout, property: 'ksql.assert.schema.default.timeout.ms' }, async () => {
    if (exists === (await isRegistered(asserting.engine, statement))) return undefined;
    const names = subject === undefined ? [] : [`subject name ${quoteName(subject)}`];
    const ids = id === undefined ? [] : [`id ${id}`];
    return `Schema with ${[...names, ...ids].join(' and ')} ${exists ? 'does not exist' : 'exists'}.`;
  });
  return { '@type': 'assert_schema', subject: subject ?? null, id: id ?? null, exists };
}

async function isRegistered({ schemas }: EngineContext, { subject, id }: AssertSchema): Promise<boolean> {
  if (schemas === undefined) return false;
  if (id === undefined) return (await schemas.latest(subject!)) !== undefined;
  try {
    const schema = await schemas.byId(id, subject);
    return subject === undefined || (await schemas.lookup(subject, schema)) === id;
  } catch (error) {
    if (codeOf(error) === 'SCHEMA_NOT_FOUND') return false;
    throw error;
  }
}

/** Looks until nothing is wrong any more; throws `SQL_ASSERTION` with what is wrong when the time is over. */
async function comesTrue(
  { setting, environment }: Asserting,
  { timeout, property }: { readonly timeout: Duration | undefined; readonly property: string },
  fault: () => Promise<string | undefined>,
): Promise<void> {
  const end = environment.now() + (timeout === undefined ? Number(setting(property)) : milliseconds(timeout));
  for (;;) {
    const wrong = await fault();
    if (wrong === undefined) return;
    if (environment.now() >= end) throw new MillraceError('SQL_ASSERTION', wrong);
    await new Promise<void>((resolve) => void environment.after(AGAIN_MS, resolve));
  }
}
