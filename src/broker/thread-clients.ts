// Clients in other threads of this process: streams of bytes over ports on one side, `Connection`s on the other.
import type { MessagePort } from 'node:worker_threads';
import { type BrokerAddress, PortStream } from '../protocol/index.ts';
import { Connection } from './connection.ts';
import type { Core } from './core.ts';
import { IN_PROCESS_HOST } from './groups/group-member.ts';
import { platformSession } from './security/session.ts';

export class ThreadClients {
  readonly #core: Core;
  readonly #endpoint: () => BrokerAddress;
  readonly #streams = new Set<PortStream>();

  constructor(core: Core, endpoint: () => BrokerAddress) {
    this.#core = core;
    this.#endpoint = endpoint;
  }

  /** Serves the client at the other end of a port, until either side closes it. */
  accept(port: MessagePort): void {
    const stream = new PortStream(port, {
      receive: (chunk) => connection.receive(chunk),
      drained: () => connection.drained(),
      closed: () => {
        this.#streams.delete(stream);
        connection.closed();
        // Nobody is left who could come back: others need not wait for the session to end.
        for (const [memberId, groupId] of joined) this.#core.groups.forgetMember(groupId, memberId);
      },
    });
    const joined = new Map<string, string>();
    const socket = {
      send(pieces: Buffer[], sent?: () => void) {
        const isFlowing = stream.send(pieces);
        // They were copied.
        sent?.();
        return isFlowing;
      },
      pause: () => stream.pause(),
      resume: () => stream.resume(),
      // What was posted before arrives.
      end: () => stream.destroy(),
      destroy: () => stream.destroy(),
    };
    const connection = new Connection(this.#core, socket, {
      session: platformSession(this.#core.scramUsers, this.#core.environment),
      clientHost: IN_PROCESS_HOST,
      clientPort: 0,
      endpoint: this.#endpoint(),
      joined,
    });
    this.#streams.add(stream);
  }

  close(): void {
    for (const stream of this.#streams) stream.destroy();
  }
}
