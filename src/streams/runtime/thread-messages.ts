// What an instance and its threads say to each other. Besides what is declared here they call each other's functions
// (`PortCalls`): `thread-work.ts` has those of a thread, `stream-thread.ts` those of the instance.
import type { MessagePort } from 'node:worker_threads';
import type { ClusterOptions } from '../../client/index.ts';
import type { Fault } from '../../util/index.ts';
import { UNCAUGHT_RESPONSES } from '../api/checks.ts';
import type { UncaughtResponse } from '../api/options.ts';
import type { HostTasks } from './instances.ts';
import type { StreamsSettings } from './settings.ts';

/** Settings that are plain data. */
export type PlainSettings = Omit<
  StreamsSettings,
  | 'client'
  | 'environment'
  | 'numStreamThreads'
  | 'isHeldBack'
  | 'onDecodeError'
  | 'onDrop'
  | 'onError'
  | 'onLate'
  | 'onProcessingError'
  | 'onProductionError'
  | 'onUncaughtError'
  | 'upstreamApplications'
>;

/** What a thread is given. */
export interface ThreadData {
  /** The address of the module with the topology. */
  readonly module: string;
  readonly settings: PlainSettings;
  /** Undefined: the instance hands out connections. */
  readonly cluster: ClusterOptions | undefined;
  /** For calls. */
  readonly port: MessagePort;
  /** Set where the thread is there to tell all instances that they are to stop. */
  readonly endsAll: Fault | undefined;
}

/** What a thread says beside its calls. */
export type FromThread =
  | { readonly kind: 'connect'; readonly port: MessagePort }
  /** It waits, with all that it does, until `answer` holds an answer. */
  | { readonly kind: 'uncaught'; readonly fault: Fault; readonly answer: Int32Array };

export interface WhoHasWhat {
  readonly hosts: HostTasks;
  readonly counts: ReadonlyMap<string, number>;
}

/** Answers as numbers; 0 is none yet. */
export const toNumber = (response: UncaughtResponse): number => UNCAUGHT_RESPONSES.indexOf(response) + 1;
export const fromNumber = (answer: number): UncaughtResponse => UNCAUGHT_RESPONSES[answer - 1] ?? 'shutdownClient';
