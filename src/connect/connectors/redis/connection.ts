// A connection to Redis: made when it is asked for, kept as long as it holds, and made anew, with pauses between attempts, when it was
// lost. Commands are sent without waiting for the answers of those before them.
import type { Environment } from '../../../util/index.ts';
import { messageOf } from '../../../util/index.ts';
import type { ConfigProblem } from '../../api/index.ts';
import { ConnectError, RetriableError } from '../../data/errors.ts';
import { driver } from '../driver.ts';
import { type RedisConfig, serverOf } from './settings.ts';

/** A command with its arguments. */
export type RedisCommand = readonly (string | Buffer)[];
/** What Redis answers (RESP 2), with texts, or bytes where they were asked for. */
export type RedisReply = string | Buffer | number | null | readonly RedisReply[];

/** Errors of a server that is not ready now. */
const LATER = /^(LOADING|BUSY|READONLY|MASTERDOWN|TRYAGAIN|CLUSTERDOWN|NOREPLICAS|OOM|MISCONF|EXECABORT)\b/;
/** Errors about who we are. */
const WHO = /^(NOAUTH|WRONGPASS|NOPERM)\b/;

type Client = Awaited<ReturnType<typeof open>>;

const redis = () => driver('redis', () => import('redis'));

export class RedisConnection {
  readonly #config: RedisConfig;
  readonly #environment: Environment;
  #client: Client | undefined;
  #isStopped = false;
  #endWait = (): void => {};

  constructor(config: RedisConfig, environment: Environment) {
    this.#config = config;
    this.#environment = environment;
  }

  /**
   * The answers of commands, in their order; a command that the server refused has an error there. Rejects with `RetriableError`
   * when the server is away, slow or not ready: some of them may have been carried out.
   */
  async pipeline(commands: readonly RedisCommand[]): Promise<(RedisReply | Error)[]> {
    const client = await this.#connected();
    const { ErrorReply } = await redis();
    const timeoutMs = this.#config['redis.operation.timeout.ms'];
    const answers = await this.#within(timeoutMs, sendAll(client, commands));
    for (const answer of answers) {
      if (!(answer instanceof Error)) continue;
      const isReply = answer instanceof ErrorReply;
      if (!isReply || LATER.test(answer.message)) {
        if (!isReply) this.drop();
        throw new RetriableError(`Redis could not take a command: ${answer.message}`, answer);
      }
      if (WHO.test(answer.message)) throw new ConnectError(`Redis refuses us: ${answer.message}`, { cause: answer });
    }
    return answers;
  }

  /** The answer of one command; rejects also when the server refused it. */
  async send(command: RedisCommand): Promise<RedisReply> {
    const [answer] = await this.pipeline([command]);
    if (answer instanceof Error)
      throw new ConnectError(`Redis refused ${String(command[0])}: ${answer.message}`, { cause: answer });
    return answer!;
  }

  /** Connects anew for the next command. */
  drop(): void {
    const client = this.#client;
    this.#client = undefined;
    if (client?.isOpen === true) client.destroy();
  }

  /** Nothing can be sent any more. */
  stop(): void {
    this.#isStopped = true;
    this.#endWait();
    this.drop();
  }

  async #connected(): Promise<Client> {
    const { 'redis.connection.attempts': attempts, 'redis.connection.retry.delay.ms': delayMs } = this.#config;
    for (let attempt = 1; this.#client?.isReady !== true; attempt++) {
      try {
        this.#client = await open(this.#config);
      } catch (error) {
        if (!(error instanceof RetriableError) || attempt >= attempts || this.#isStopped) throw error;
        await this.#wait(delayMs);
      }
      if (!this.#isStopped) continue;
      this.drop();
      throw new RetriableError('the task was stopped while it connected to Redis');
    }
    return this.#client;
  }

  #wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#environment.after(delayMs, resolve);
      this.#endWait = () => {
        cancel();
        resolve();
      };
    });
  }

  async #within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
    let cancel = (): void => {};
    const late = new Promise<never>((_resolve, reject) => {
      cancel = this.#environment.after(timeoutMs, () => {
        this.drop();
        reject(new RetriableError(`Redis did not answer within ${timeoutMs} ms`));
      });
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      cancel();
    }
  }
}

/** Whether a connection can be had; asked when settings are validated. */
export async function connectionProblems(config: RedisConfig): Promise<ConfigProblem[]> {
  try {
    (await open(config)).destroy();
    return [];
  } catch (error) {
    return ['redis.hosts', 'redis.password', 'redis.database'].map((name) => ({ name, message: messageOf(error) }));
  }
}

/** Connects once. Rejects with `RetriableError` where that may succeed later. */
async function open(config: RedisConfig) {
  const { createClient, ErrorReply, RESP_TYPES } = await redis();
  const { host, port } = serverOf(config);
  const [username, password] = [config['millrace.redis.username'], config['redis.password'].reveal()];
  const socket = {
    host,
    port,
    connectTimeout: config['redis.socket.connect.timeout.ms'],
    noDelay: config['redis.socket.tcp.no.delay.enabled'],
    keepAlive: config['redis.socket.keep.alive.enabled'],
    reconnectStrategy: false,
  } as const;
  const client = createClient({
    RESP: 2,
    socket: config['redis.ssl.enabled'] ? { ...socket, tls: true } : socket,
    database: config['redis.database'],
    disableOfflineQueue: true,
    commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
    ...(username === '' ? {} : { username }),
    ...(password === '' ? {} : { password }),
  });
  // Whoever waits for an answer hears of it; a connection that nobody waits on is found lost by the next command.
  client.on('error', () => {});
  try {
    await client.connect();
    return client;
  } catch (error) {
    if (client.isOpen) client.destroy();
    const message = `Could not connect to Redis at ${host}:${port}: ${messageOf(error)}`;
    if (error instanceof ErrorReply && !LATER.test(error.message)) throw new ConnectError(message, { cause: error });
    throw new RetriableError(message, error);
  }
}

function sendAll(client: Client, commands: readonly RedisCommand[]): Promise<(RedisReply | Error)[]> {
  return Promise.all(
    commands.map((command) =>
      client.sendCommand<RedisReply>(command).catch((error: unknown) => {
        if (error instanceof Error) return error;
        throw error;
      }),
    ),
  );
}
