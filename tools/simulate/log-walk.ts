import { BATCH_HEADER_BYTES, batchHeader, isIntactBatch } from '../../src/protocol/index.ts';
import type { Volume } from './volume.ts';

/**
 * Walks the segment files of every partition: batches are intact, offsets rise, and where nothing is compacted none is left
 * out. Returns what is wrong.
 */
export function faultInLogs(
  volume: Volume,
  dataDirectory: string,
  isCompacted: (topic: string) => boolean,
): string | undefined {
  for (const name of volume.directory(dataDirectory)?.names ?? []) {
    const directory = volume.directory(`${dataDirectory}/${name}`);
    if (directory === undefined || name.endsWith('-delete')) continue;
    const mayHaveGaps = isCompacted(name.slice(0, name.lastIndexOf('-')));
    let next: number | undefined;
    for (const file of [...directory.names].filter((entry) => /^\d{20}\.log$/.test(entry)).sort()) {
      const { bytes } = volume.file(`${dataDirectory}/${name}/${file}`)!;
      for (let at = 0; at < bytes.length; at += batchHeader.sizeInBytes(bytes, at)) {
        const where = `${name}/${file} at byte ${at}`;
        const isWhole =
          at + BATCH_HEADER_BYTES <= bytes.length && at + batchHeader.sizeInBytes(bytes, at) <= bytes.length;
        if (!isWhole || !isIntactBatch(bytes, at)) return `${where} holds no intact batch`;
        const offset = batchHeader.baseOffset(bytes, at);
        if (next !== undefined && offset < next) return `${where}: offset ${offset} where ${next} comes next`;
        if (next !== undefined && offset > next && !mayHaveGaps)
          return `${where}: offsets ${next} to ${offset - 1} are missing`;
        next = batchHeader.lastOffset(bytes, at) + 1;
      }
    }
  }
  return undefined;
}
