// How far a connector is, asked for and altered by users (KIP-875): a source's offsets are in the offsets topic, a sink's are those
// of its consumer group. Altering is for connectors that are stopped: nobody writes offsets meanwhile.
import type { Client, OffsetToCommit } from '../../client/index.ts';
import { codeOf } from '../../util/index.ts';
import { parseConfig, type RawConfig } from '../api/config-def.ts';
import type { SinkPlugin, SourceOffsetEntry, SourcePlugin } from '../api/plugins.ts';
import { ConnectError } from '../data/errors.ts';
import type { OffsetStore } from '../storage/offset-store.ts';
import { groupOf } from './client-settings.ts';
import type { StoredOffset } from './worker-port.ts';

/** A connector's offsets, and what is needed to change them. */
export interface OffsetAccess {
  readonly client: Client;
  readonly plugin: SourcePlugin | SinkPlugin;
  readonly config: RawConfig;
  /** Of a sink. */
  readonly groupId: string | undefined;
  /** Of a source: where its offsets are written, and behind it where those of before may be. */
  readonly stores: readonly OffsetStore[];
}

/** In Kafka's words: a connector that looks at offsets knows of all that it has. */
function sentence(done: 'altered' | 'reset', isAllThereIs: boolean): string {
  if (isAllThereIs) return `The offsets for this connector have been ${done} successfully`;
  return `The Connect framework-managed offsets for this connector have been ${done} successfully. However, if this connector manages offsets externally, they will need to be manually ${done} in the system that the connector uses.`;
}

/** All offsets of a connector. */
export async function offsetsOf(access: OffsetAccess, name: string): Promise<readonly StoredOffset[]> {
  if (access.plugin.kind === 'sink') {
    const committed = await access.client.admin().committedOffsets(access.groupId ?? groupOf(name));
    return committed
      .filter(({ offset }) => offset >= 0)
      .map(({ topic, partition, offset }) => ({
        partition: { kafka_topic: topic, kafka_partition: partition },
        offset: { kafka_offset: offset },
      }));
  }
  return [...(await sourceOffsets(access, name)).values()];
}

/** Null resets all. The sentence is what REST answers. */
export async function alterOffsets(
  access: OffsetAccess,
  name: string,
  offsets: readonly StoredOffset[] | null,
): Promise<string> {
  if (access.plugin.kind === 'sink') await alterSink(access, access.plugin, name, offsets);
  else await alterSource(access, access.plugin, name, offsets);
  return sentence(offsets === null ? 'reset' : 'altered', access.plugin.checkOffsets !== undefined);
}

/** By the JSON of partitions; those of the connector's own store go before older ones. */
async function sourceOffsets({ stores }: OffsetAccess, name: string): Promise<Map<string, SourceOffsetEntry>> {
  await Promise.all(stores.map((store) => store.refresh()));
  const found = stores.toReversed().flatMap((store) => store.offsetsOf(name));
  return new Map(found.map(({ partition, offset }) => [JSON.stringify(partition), { partition, offset }]));
}

async function alterSource(
  access: OffsetAccess,
  plugin: SourcePlugin,
  name: string,
  offsets: readonly StoredOffset[] | null,
): Promise<void> {
  const all = await sourceOffsets(access, name);
  const entries = offsets ?? [...all.values()].map(({ partition }) => ({ partition, offset: null }));
  await plugin.checkOffsets?.(parseConfig(plugin.config, access.config), entries);
  for (const store of access.stores) {
    // What an older store has would come back to light when the connector's own forgets it.
    const concerned = store === access.stores[0] ? entries : entries.filter(({ offset }) => offset === null);
    if (concerned.length > 0) await store.write(name, concerned);
  }
}

async function alterSink(
  { client, config, groupId }: OffsetAccess,
  plugin: SinkPlugin,
  name: string,
  offsets: readonly StoredOffset[] | null,
): Promise<void> {
  const group = groupId ?? groupOf(name);
  const admin = client.admin();
  const altered =
    offsets?.map(asTopicOffset) ??
    (await admin.committedOffsets(group)).map(({ topic, partition }) => ({ topic, partition, offset: null }));
  await plugin.checkOffsets?.(parseConfig(plugin.config, config), altered);
  const set = altered.filter((entry): entry is OffsetToCommit => entry.offset !== null);
  const forgotten = altered.filter(({ offset }) => offset === null);
  try {
    if (set.length > 0) await admin.alterOffsets(group, set);
    if (forgotten.length > 0) await admin.deleteOffsets(group, forgotten);
  } catch (error) {
    if (codeOf(error) === 'GROUP_ID_NOT_FOUND' && set.length === 0) return;
    throw new ConnectError(
      `Failed to alter consumer group offsets for connector ${name} either because its tasks haven't stopped completely yet or the resources on the Kafka cluster have changed: ${codeOf(error) ?? ''}`,
      { cause: error },
    );
  }
}

function asTopicOffset({ partition, offset }: StoredOffset) {
  const { kafka_topic: topic, kafka_partition: index } = partition;
  if (typeof topic !== 'string' || topic === '')
    throw new ConnectError(
      "The partition for a sink connector offset must be specified as a JSON object with the key 'kafka_topic', whose value is the name of a topic",
    );
  const number = Number(index);
  if (index === undefined || index === null || !Number.isInteger(number) || number < 0)
    throw new ConnectError(
      `The partition for a sink connector offset must have the key 'kafka_partition', with a partition's number; '${String(index)}' is none`,
    );
  if (offset === null) return { topic, partition: number, offset: null };
  const next = Number(offset['kafka_offset']);
  if (!Number.isSafeInteger(next) || next < 0)
    throw new ConnectError(
      `The offset for a sink connector should either be null or have the key 'kafka_offset', with a number from 0 on; '${String(offset['kafka_offset'])}' is none`,
    );
  return { topic, partition: number, offset: next };
}
