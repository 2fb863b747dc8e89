// Reads of a socket go to memory that is ours, again and again, as `onread` of net.connect does for sockets that connect. For
// those that a server accepts Node has no such option, only the same fields; a Node that has them no more reads as always.
import type { Socket } from 'node:net';

interface ReadingHandle {
  useUserBuffer(buffer: Uint8Array): void;
}

/**
 * Has everything that arrives read into `buffer`, which may be that of many sockets: `received` is told of what is in it, and
 * must be done with it when it returns. False where that is not possible: then nothing has changed.
 */
export function readInto(socket: Socket, buffer: Buffer, received: (bytes: Buffer) => void): boolean {
  const field = (name: string): symbol | undefined =>
    Object.getOwnPropertySymbols(socket).find(({ description }) => description === name);
  const [memory, callback] = [field('kBuffer'), field('kBufferCb')];
  const fields = socket as unknown as { [name: symbol]: unknown; readonly _handle?: Partial<ReadingHandle> | null };
  const handle = fields._handle;
  if (memory === undefined || callback === undefined || typeof handle?.useUserBuffer !== 'function') return false;
  handle.useUserBuffer(buffer);
  fields[memory] = buffer;
  fields[callback] = (count: number) => {
    received(buffer.subarray(0, count));
  };
  return true;
}
