// How answers go out over a socket: pieces in one gathered write; over TLS a large answer in parts, since all of a write is
// encrypted at once: the client would wait for its first byte meanwhile, and all others for their turn.
import type { Socket } from 'node:net';
import type { ConnectionSocket } from './connection.ts';

/** How much is encrypted at a time. */
const PART_BYTES = 256 * 1024;

/** The socket's side of a connection. `drained` is told when what made `send` answer false is gone. */
export function plainSocket(socket: Socket, drained: () => void): ConnectionSocket {
  socket.on('drain', drained);
  return {
    ...controlsOf(socket),
    send: (pieces, sent) => writeTogether(socket, pieces, sent),
  };
}

/** The same over TLS. */
export function encryptedSocket(socket: Socket, drained: () => void): ConnectionSocket {
  const controls = controlsOf(socket);
  const parts: { readonly pieces: Buffer[]; readonly sent: (() => void) | undefined }[] = [];
  let isEnding = false;
  const sendNext = (): void => {
    const { pieces, sent } = parts[0]!;
    writeTogether(socket, pieces, () => {
      parts.shift();
      sent?.();
      if (parts.length > 0) sendNext();
      else if (isEnding) controls.end();
      else drained();
    });
  };
  socket.on('drain', () => {
    if (parts.length === 0) drained();
  });
  return {
    ...controls,
    end() {
      isEnding = true;
      if (parts.length === 0) controls.end();
    },
    send(pieces, sent) {
      const cut = partsOf(pieces);
      if (parts.length === 0 && cut.length === 1) return writeTogether(socket, pieces, sent);
      const isFirst = parts.length === 0;
      for (const [i, part] of cut.entries())
        parts.push({ pieces: part, sent: i === cut.length - 1 ? sent : undefined });
      if (isFirst) sendNext();
      return false;
    },
  };
}

function controlsOf(socket: Socket): Omit<ConnectionSocket, 'send'> {
  return {
    pause: () => {
      socket.pause();
    },
    resume: () => {
      socket.resume();
    },
    end: () => {
      socket.destroySoon();
    },
    destroy: () => {
      socket.destroy();
    },
  };
}

function writeTogether(socket: Socket, pieces: readonly Buffer[], sent: (() => void) | undefined): boolean {
  const done = sent && ((error?: Error | null) => (error ? undefined : sent()));
  if (pieces.length === 1) return socket.write(pieces[0]!, done);
  socket.cork();
  let isFlowing = true;
  const last = pieces.length - 1;
  for (const [i, piece] of pieces.entries()) isFlowing = socket.write(piece, i === last ? done : undefined);
  socket.uncork();
  return isFlowing;
}

/** The same bytes, so many at a time. */
function partsOf(pieces: readonly Buffer[]): Buffer[][] {
  const parts: Buffer[][] = [[]];
  let left = PART_BYTES;
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; ) {
      if (left === 0) {
        parts.push([]);
        left = PART_BYTES;
      }
      const taken = piece.subarray(at, at + left);
      parts.at(-1)!.push(taken);
      at += taken.length;
      left -= taken.length;
    }
  }
  return parts;
}
