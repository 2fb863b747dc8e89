// What the parts of a platform share while it starts.
import type { Environment } from '../util/index.ts';
import type { CheckPassword } from '../rim/index.ts';
import type { splitSettings } from './settings.ts';

/** A service that answers. */
export interface RunningService {
  /** Which one it is. */
  readonly name: 'broker' | 'schema-registry' | 'sql' | 'rest-proxy' | 'connect';
  /** `host:port` of the broker, the URL of the others. */
  readonly url: string;
}

/** What is known, and what has been started so far, while a platform starts. */
export interface Start {
  readonly settings: ReturnType<typeof splitSettings>;
  readonly environment: Environment;
  /** Whether a user of the broker has a password; undefined where the brokers are elsewhere. */
  readonly checkPassword: CheckPassword | undefined;
  readonly log: (message: string) => void;
  readonly services: RunningService[];
  /** To be done in the opposite order. */
  readonly stop: (() => Promise<void>)[];
}
