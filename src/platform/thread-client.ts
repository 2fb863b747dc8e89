// How a thread reaches the broker: as any program does where the settings name a cluster, and else through ports.
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { type Client, type ClusterOptions, createClient, dialThread } from '../client/index.ts';
import { systemEnvironment } from '../util/index.ts';

/** A client of a cluster that is elsewhere; of the broker in this process where there is none, to which `connect` hands a port. */
export function threadClient(cluster: ClusterOptions | undefined, connect: (port: MessagePort) => void): Client {
  const environment = systemEnvironment;
  if (cluster !== undefined) return createClient({ ...cluster, environment });
  const dial = () => {
    const { port1, port2 } = new MessageChannel();
    connect(port1);
    return dialThread(port2);
  };
  return createClient({ dial, environment });
}
