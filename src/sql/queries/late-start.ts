import type { Client } from '../../client/index.ts';
import { codeOf } from '../../util/index.ts';
import type { DataSource } from '../catalog.ts';
import type { Settings } from '../statements/context.ts';

const EARLIEST = -2;
const LATEST = -1;

/**
 * What to tell whoever starts a query that, by ksqlDB's default, begins behind the records which its sources hold already:
 * without a word an empty result looks like a fault. Undefined where it leaves nothing out.
 */
export async function lateStart(
  client: Client,
  sources: readonly DataSource[],
  setting: Settings,
): Promise<string | undefined> {
  if (setting('auto.offset.reset') === 'earliest') return undefined;
  const passed: string[] = [];
  for (const { name, topic, start } of sources)
    if (start === undefined && (await holdsRecords(client, topic))) passed.push(name);
  if (passed.length === 0) return undefined;
  const names = [...new Set(passed)].join(', ');
  return `the query starts behind the records that ${names} holds already. To have them in it, say SET 'auto.offset.reset'='earliest'; and start it anew.`;
}

async function holdsRecords(client: Client, topic: string): Promise<boolean> {
  const admin = client.admin();
  try {
    const description = (await admin.describeTopics([topic])).get(topic);
    const offsets = (timestamp: number) =>
      admin.listOffsets((description?.partitions ?? []).map(({ partition }) => ({ topic, partition, timestamp })));
    const sum = (list: readonly { readonly offset: number }[]): number =>
      list.reduce((total, { offset }) => total + offset, 0);
    return sum(await offsets(EARLIEST)) < sum(await offsets(LATEST));
  } catch (error) {
    // A word of advice is not worth a refusal: what is wrong with the topic, its query says better.
    if (codeOf(error) === undefined) throw error;
    return false;
  }
}
