/**
 * Whether a topology may go on with what an earlier one has left behind. Changelogs outlive the program, under names that
 * another operator may have by now; beside its offsets the group keeps what their rows mean (commit-metadata.ts), so that
 * it is refused at the start, before anything is read.
 */
import type { Admin } from '../../client/index.ts';
import { MillraceError } from '../../util/index.ts';
import { ownerOf } from '../graph/fingerprints.ts';
import type { Topology } from '../graph/topology.ts';
import { type StoreFingerprint, whatChanged } from '../state/fingerprint.ts';
import type { StoreSpec } from '../state/store.ts';
import { decodeMetadata } from './commit-metadata.ts';
import { changelogTopic } from './internal-topics.ts';

/** Refuses stores whose rows in the changelog were written for others (`STORE_CHANGED`). */
export async function checkStores(topology: Topology, applicationId: string, admin: Admin): Promise<void> {
  const noted = (await admin.committedOffsets(applicationId)).flatMap(({ metadata }) => [
    ...decodeMetadata(metadata).stores,
  ]);
  for (const [name, before] of noted) {
    const store = topology.stores.get(name);
    if (store === undefined || !topology.hasChangelog(store)) continue;
    const refusal = refusalOf(topology, store, before);
    if (refusal !== undefined && (await hasRows(admin, changelogTopic(applicationId, store)))) throw refusal;
  }
}

/** Why a store can't go on with rows that were written for the store that it was before; undefined when it can. */
export function refusalOf(topology: Topology, store: StoreSpec, before: StoreFingerprint): MillraceError | undefined {
  const now = topology.fingerprints.get(store.name);
  const change = now === undefined ? undefined : whatChanged(before, now);
  if (change === undefined) return undefined;
  const owner = ownerOf(topology, store)!;
  const keep = now!.input === '' ? '' : `name the store ${store.name} to go on with its rows, or `;
  return new MillraceError(
    'STORE_CHANGED',
    `the rows of the state store ${store.name} (operator ${owner.name}) were written for another one: ${change}; ` +
      `${keep}give it a name that was never used, or reset the application (millrace streams reset)`,
  );
}

/** Names of what outlives the program have to be given where the application asks for it. */
export function checkNames(topology: Topology, applicationId: string): void {
  const owned = topology.subTopologies.flatMap(({ stores }) => stores);
  const stores = owned.filter(({ name }) => topology.derivedNames.has(name));
  const changelogs = stores.filter((store) => topology.hasChangelog(store));
  const lists = [
    ['state stores', stores.map(({ name }) => name)],
    ['changelog topics', changelogs.map((store) => changelogTopic(applicationId, store))],
    [
      'internal topics',
      [...topology.internalTopics.keys()]
        .filter((name) => topology.derivedNames.has(name))
        .map((name) => `${applicationId}-${name}`),
    ],
  ] as const;
  const text = lists.flatMap(([what, names]) => (names.length === 0 ? [] : [`${what} ${names.join(', ')}`])).join('; ');
  if (text === '') return;
  throw new MillraceError(
    'NAME_NEEDED',
    `ensureExplicitInternalResourceNaming: nobody has named what these come from: ${text}; ` +
      'give their operators names (groupings and joins for topics, `name` of what is materialized for stores)',
  );
}

async function hasRows(admin: Admin, topic: string): Promise<boolean> {
  const description = (await admin.describeTopics([topic])).get(topic);
  if (description === undefined) return false;
  const ask = description.partitions.map(({ partition }) => ({ topic, partition, timestamp: -1 }));
  return (await admin.listOffsets(ask)).some(({ offset }) => offset > 0);
}
