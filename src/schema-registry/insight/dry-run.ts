// A registration without the registration: what would be answered, what would change, and which queries would break.
import { checkCompatibility, type Comparison, refusalOf } from '../compatibility.ts';
import { RegistryError } from '../errors.ts';
import type { Proposal, SchemaRegistry } from '../registry.ts';
import type { SchemaRequest } from '../schema-reader.ts';
import type { AffectedQuery, SchemaUsers } from '../schema-users.ts';
import type { StoredSchema } from '../storage/schema-records.ts';
import { type SchemaChange, schemaChanges } from './diff.ts';
import { type Explanation, explanationsOf, type Remedy, remediesFor } from './explain.ts';

export interface DryRun {
  readonly subject: string;
  /** Whether registering would be accepted. */
  readonly wouldRegister: boolean;
  /** The schema is there already: registering would write nothing and answer its id. */
  readonly existing?: true;
  /** What it would get, when it would be accepted. */
  readonly id?: number;
  readonly version?: number;
  readonly isCompatible: boolean;
  /** As a check of compatibility answers them. */
  readonly messages: readonly string[];
  readonly explanations: readonly Explanation[];
  readonly remedies: readonly Remedy[];
  /** Since the latest version; empty when there is none. */
  readonly changes: readonly SchemaChange[];
  /** The running queries that the schema would break; missing where nobody knows of queries. */
  readonly queries?: readonly AffectedQuery[];
}

/** Rejects with what registering would be rejected with, except when that is for incompatibility. */
export async function dryRun(
  registry: SchemaRegistry,
  requestedSubject: string,
  request: SchemaRequest,
  users: SchemaUsers | undefined,
): Promise<DryRun> {
  const planned = plan(registry, requestedSubject, request);
  const proposal = registry.proposal(requestedSubject, request);
  const { candidate, latest, comparison } = proposal;
  const subject = planned?.stored.subject ?? proposal.subject;
  // What is there already is not compared, and what is forced in is registered nevertheless.
  const messages = planned?.isNew === false ? [] : checkCompatibility(comparison);
  const before = latest && { parsed: registry.parsed(latest), content: latest };
  return {
    subject,
    wouldRegister: planned !== undefined,
    ...(planned?.isNew === false ? { existing: true } : {}),
    ...(planned === undefined ? {} : { id: planned.stored.id, version: planned.stored.version }),
    isCompatible: messages.length === 0,
    messages,
    ...(messages.length === 0 ? { explanations: [], remedies: [] } : explained(registry, proposal)),
    changes: before === undefined ? [] : schemaChanges(before, { parsed: candidate.parsed, content: candidate }),
    ...(users === undefined ? {} : { queries: await brokenQueries(registry, subject, proposal, users) }),
  };
}

export function explained(
  registry: SchemaRegistry,
  { subject, comparison }: Proposal,
): Pick<DryRun, 'explanations' | 'remedies'> {
  const { compatibilityGroup } = registry.config(subject);
  return { explanations: explanationsOf(comparison), remedies: remediesFor(comparison, compatibilityGroup) };
}

/** Undefined when the schema is not compatible. */
function plan(
  registry: SchemaRegistry,
  subject: string,
  request: SchemaRequest,
): { readonly stored: StoredSchema; readonly isNew: boolean } | undefined {
  try {
    return registry.plan(subject, request);
  } catch (error) {
    if (error instanceof RegistryError && error.status === 409) return undefined;
    throw error;
  }
}

async function brokenQueries(
  registry: SchemaRegistry,
  subject: string,
  { candidate, comparison }: Proposal,
  users: SchemaUsers,
): Promise<AffectedQuery[]> {
  const { parsed, schema, references } = candidate;
  const reading = await users.affectedBy(subject, { schemaType: parsed.schemaType, schema, references });
  const writing = users.writersOf(subject).flatMap(({ queryId, sql, source, ...own }): AffectedQuery[] => {
    const refused = refusedAfter(registry, subject, own, candidate, comparison);
    if (!refused) return [];
    const reason = `the query writes ${source} with a schema of its own, which this registry would refuse once the new one is registered: the query could not start again`;
    return [{ queryId, sql, source, reason, breaks: true }];
  });
  return [...reading, ...writing];
}

/** Whether a schema that a query registers would be refused, were the candidate the latest version. */
function refusedAfter(
  registry: SchemaRegistry,
  subject: string,
  own: SchemaRequest,
  candidate: Proposal['candidate'],
  { earlier }: Comparison,
): boolean {
  const { candidate: written, comparison } = registry.proposal(subject, own);
  if (written.schema === candidate.schema || isThere(registry, subject, own)) return false;
  const latest = {
    version: (earlier.at(-1)?.version ?? 0) + 1,
    schema: candidate.parsed,
    metadata: candidate.metadata,
  };
  return refusalOf({ ...comparison, earlier: [...comparison.earlier, latest] }) !== undefined;
}

function isThere(registry: SchemaRegistry, subject: string, request: SchemaRequest): boolean {
  try {
    registry.lookup(subject, request);
    return true;
  } catch (error) {
    if (error instanceof RegistryError && error.status === 404) return false;
    throw error;
  }
}
