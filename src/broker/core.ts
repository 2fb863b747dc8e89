import type { BufferPool, Environment, Steps, Turns } from '../util/index.ts';
import type { BrokerAddress } from '../protocol/index.ts';
import type { FetchSessions } from './fetch-sessions.ts';
import type { Flusher } from './flusher.ts';
import type { GroupCoordinator } from './groups/group-coordinator.ts';
import type { Disk } from './log/disk.ts';
import type { ClusterMetadata } from './metadata/cluster-metadata.ts';
import type { LiveSettings } from './metadata/live-settings.ts';
import type { CoordinatorMemory } from './coordinator-memory.ts';
import type { RecordSchemas } from './record-schemas.ts';
import type { ClientQuotas } from './quotas/client-quotas.ts';
import type { RequestMemory } from './request-memory.ts';
import type { Audit } from './security/audit.ts';
import type { Authorizer } from './security/authorizer.ts';
import type { ConnectionLimits } from './security/connection-limits.ts';
import type { ScramUsers } from './security/scram-users.ts';
import type { Session } from './security/session.ts';
import type { BrokerSettings } from './settings.ts';
import type { ShareSessions } from './share/share-sessions.ts';
import type { ShareStates } from './share/share-states.ts';
import type { ClientTelemetry } from './telemetry/client-telemetry.ts';
import type { Topics } from './topics.ts';
import type { TransactionCoordinator } from './transactions/transaction-coordinator.ts';

/** What handlers work on: the parts of one broker. */
export interface Core {
  readonly clusterId: string;
  readonly dataDirectory: string;
  /** Of the data directory, made up at the first start. */
  readonly directoryId: string;
  /** As they are now: some change while the broker runs. */
  readonly settings: BrokerSettings;
  /** Where the settings come from. */
  readonly liveSettings: LiveSettings;
  readonly environment: Environment;
  /** Of all requests that take several. */
  readonly turns: Turns;
  readonly disk: Disk;
  /** For what comes and goes with requests: frames that are put together, and what logs lend to fetches. */
  readonly memory: BufferPool;
  readonly topics: Topics;
  /** What is kept beside topics: rules, credentials, quotas, changed configs, features. */
  readonly metadata: ClusterMetadata;
  /** Missing where nobody knows schemas. */
  readonly recordSchemas: RecordSchemas | undefined;
  readonly scramUsers: ScramUsers;
  /** Undefined: everybody may do everything. */
  readonly authorizer: Authorizer | undefined;
  readonly audit: Audit;
  readonly connectionLimits: ConnectionLimits;
  readonly quotas: ClientQuotas;
  readonly flusher: Flusher;
  readonly fetchSessions: FetchSessions;
  readonly groups: GroupCoordinator;
  /** Where share groups are, and the sessions in which their members read. */
  readonly shares: ShareStates;
  readonly shareSessions: ShareSessions;
  readonly transactions: TransactionCoordinator;
  readonly requestMemory: RequestMemory;
  readonly coordinatorMemory: CoordinatorMemory;
  /** What clients tell of themselves. */
  readonly telemetry: ClientTelemetry;
  readonly report: (message: string) => void;
}

/** What a client says of itself with ApiVersions (KIP-511). */
export interface ClientSoftware {
  name: string;
  version: string;
}

/** Of a client that has not said it. */
export function unknownSoftware(): ClientSoftware {
  return { name: 'unknown', version: 'unknown' };
}

/** Who asks, and how. */
export interface RequestContext {
  readonly core: Core;
  readonly version: number;
  readonly clientId: string;
  readonly clientHost: string;
  /** 0 where there is no socket. */
  readonly clientPort: number;
  /** Of the connection: ApiVersions fills it in. */
  readonly software: ClientSoftware;
  readonly session: Session;
  /** What the broker calls itself towards this client. */
  readonly endpoint: BrokerAddress;
  /**
   * Holds back the requests behind this one until what is returned is called: for work that takes so long that others have
   * their turn in between. Missing where requests may not wait.
   */
  readonly hold?: () => () => void;
  /** The same for work in steps; rejects when the client goes away before the last of them. */
  readonly inTurns?: <T>(steps: Steps<T>) => Promise<T>;
  /** Called when the client goes away: what waits for it need not wait any longer. Who is done takes itself out. */
  readonly onClose: Set<() => void>;
  /** The groups of members that end with the connection, by member id. Missing where members may come back over another one. */
  readonly joined?: Map<string, string> | undefined;
}
