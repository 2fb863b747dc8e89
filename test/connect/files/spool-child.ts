// A process with a task that reads a folder: says each record with its offset, whole lines at a time, until there is nothing left.
import { spoolLines } from '../../../src/connect/connectors/files/index.ts';
import type { SourceOffset } from '../../../src/connect/index.ts';
import { driveSource } from './driven-source.ts';

const settings = JSON.parse(process.argv[2]!) as Record<string, string>;
const stored = JSON.parse(process.argv[3]!) as Record<string, SourceOffset>;
const { task, poll } = await driveSource(
  spoolLines,
  { ...settings, 'batch.size': '7' },
  new Map(Object.entries(stored)),
);
for (let records = await poll(); records.length > 0; records = await poll()) {
  for (const { value, sourcePartition: partition, sourceOffset: offset } of records) {
    const line = `${JSON.stringify({ value, partition, offset })}\n`;
    await new Promise<void>((resolve) => process.stdout.write(line, () => resolve()));
  }
  await task.commit!();
}
await task.stop();
