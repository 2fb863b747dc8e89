// The connector's only task. What it does next depends on nothing but an offset: that of the last record that poll returned,
// or, at the start, the one that is stored. So a lost connection and a killed process are one and the same: everything is
// closed, and opened anew from there. With an offset of a snapshot, or none, a snapshot is read; then, or with an offset of the
// stream, the stream. Nothing is opened before the first poll, which says by its errors what is tried again.
import type { Client } from 'pg';
import { type Environment, messageOf } from '../../../util/index.ts';
import type { RawConfig } from '../../api/config-def.ts';
import type { SourceTask, SourceTaskContext } from '../../api/plugins.ts';
import { ConnectError, RetriableError } from '../../data/errors.ts';
import type { SourceOffset, SourceRecord } from '../../data/record.ts';
import { HEARTBEAT_KEY, HEARTBEAT_VALUE } from '../debezium/envelope.ts';
import { ChangeStream } from './change-stream.ts';
import { connect, databaseError, where } from './connection.ts';
import { IncrementalSnapshots } from './incremental-snapshots.ts';
import { before, readOffset, type Resume } from './positions.ts';
import { ReplicationStream } from './replication-stream.ts';
import type { PostgresSettings } from './settings.ts';
import { contextHeaders, type Setup, setUp, type TaskParts } from './setup.ts';
import { checkSlot, createSlot, dropSlot, ensurePublication, readSlot } from './slot.ts';
import { Snapshot, type SnapshotBegin } from './snapshot.ts';

type StreamResume = Extract<Resume, { phase: 'stream' }>;

/** What is open. */
type Session =
  | { readonly phase: 'snapshot'; readonly snapshot: Snapshot; readonly begin: SnapshotBegin; readonly client: Client }
  | {
      readonly phase: 'stream';
      readonly stream: ReplicationStream;
      readonly changes: ChangeStream;
      readonly incremental: IncrementalSnapshots;
      readonly client: Client;
    }
  | { readonly phase: 'over'; readonly client: Client };

const FIRST_BACKOFF_MS = 100;

/** Reads a database. */
export class PostgresTask implements SourceTask<PostgresSettings> {
  #context!: SourceTaskContext;
  #parts!: TaskParts;
  #session: Session | undefined;
  /** Of the last record that poll returned. */
  #returned: SourceOffset | undefined;
  /** The same, when the worker said that everything was stored. */
  #stored: SourceOffset | undefined;
  /** A snapshot of `snapshot.mode=always` has been begun. */
  #begunAlways = false;
  #failures = 0;
  #slotInUseSinceMs: number | undefined;
  #heartbeatAtMs = 0;

  start(config: PostgresSettings, context: SourceTaskContext, raw: RawConfig): void {
    const setup = setUp(config, raw);
    const { environment, log } = context;
    this.#context = context;
    this.#parts = { setup, environment, log, headers: contextHeaders(setup, context.taskId, environment) };
    this.#heartbeatAtMs = environment.now() + config['heartbeat.interval.ms'];
  }

  async poll(signal: AbortSignal): Promise<readonly SourceRecord[]> {
    try {
      this.#confirm();
      const records = await this.#read(signal);
      const last = records.at(-1);
      if (last !== undefined) this.#returned = last.sourceOffset;
      this.#failures = 0;
      return records;
    } catch (error) {
      this.#close();
      throw await this.#fault(error, signal);
    }
  }

  commit(): void {
    this.#stored = this.#returned;
  }

  /**
   * The server may forget what is stored. It is told so by the next poll, not at once: a worker that ends in the middle of a batch
   * stores what it has written of it, and polls no more.
   */
  #confirm(): void {
    const stored = this.#stored;
    this.#stored = undefined;
    if (this.#session?.phase !== 'stream' || stored === undefined || !this.#parts.setup.movesSlot) return;
    const resume = readOffset(stored);
    if (resume?.phase === 'stream') this.#session.stream.confirm(resume.position.at);
  }

  async stop(): Promise<void> {
    this.#close();
    const { setup } = this.#parts;
    if (!setup.config['slot.drop.on.stop']) return;
    const client = await connect(setup.connection);
    try {
      await dropSlot(client, setup.config['slot.name']);
    } catch (error) {
      this.#parts.log.warn(`slot ${setup.config['slot.name']} could not be dropped: ${messageOf(error)}`);
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  #close(): void {
    const session = this.#session;
    this.#session = undefined;
    if (session === undefined) return;
    session.client.end().catch(() => undefined);
    if (session.phase === 'snapshot') session.snapshot.close();
    if (session.phase === 'stream') session.stream.close();
  }

  // ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────

  async #read(signal: AbortSignal): Promise<SourceRecord[]> {
    const max = this.#parts.setup.config['max.batch.size'];
    for (;;) {
      if (signal.aborted) return [];
      const session = (this.#session ??= await this.#open(signal));
      switch (session.phase) {
        case 'snapshot': {
          const records = await session.snapshot.take(max);
          if (records.length > 0) return records;
          this.#session = await this.#behindSnapshot(session, signal);
          break;
        }
        case 'stream':
          return this.#readStream(session, max, signal);
        case 'over':
          await this.#context.pause(this.#parts.setup.config['poll.interval.ms'], signal);
          return [];
      }
    }
  }

  async #readStream(
    session: Extract<Session, { phase: 'stream' }>,
    max: number,
    signal: AbortSignal,
  ): Promise<SourceRecord[]> {
    await this.#beat(session);
    await session.incremental.proceed();
    const records = await session.changes.take(max);
    if (records.length > 0) return records;
    await this.#arrival(session.stream, signal);
    return signal.aborted ? [] : session.changes.take(max);
  }

  /** Waits until something comes, a heartbeat is due, or it has been long enough. */
  async #arrival(stream: ReplicationStream, signal: AbortSignal): Promise<void> {
    const { config } = this.#parts.setup;
    const toHeartbeat = this.#heartbeatAtMs - this.#parts.environment.now();
    const interval = config['heartbeat.interval.ms'] > 0 ? Math.max(1, toHeartbeat) : Number.POSITIVE_INFINITY;
    const enough = new AbortController();
    const pause = this.#context.pause(
      Math.min(config['poll.interval.ms'], interval),
      AbortSignal.any([signal, enough.signal]),
    );
    await Promise.race([stream.arrival, pause]);
    enough.abort();
    await pause;
  }

  async #beat({ changes, client }: Extract<Session, { phase: 'stream' }>): Promise<void> {
    const { setup, environment, log } = this.#parts;
    const intervalMs = setup.config['heartbeat.interval.ms'];
    if (intervalMs === 0 || environment.now() < this.#heartbeatAtMs) return;
    this.#heartbeatAtMs = environment.now() + intervalMs;
    const query = setup.config['heartbeat.action.query'];
    if (query !== null) {
      try {
        await client.query(query);
      } catch (error) {
        const fault = databaseError(error, 'heartbeat.action.query');
        if (fault instanceof RetriableError) throw fault;
        log.error(fault.message);
      }
    }
    changes.add({
      topic: setup.topics.heartbeat,
      partition: 0,
      keySchema: HEARTBEAT_KEY,
      key: { serverName: setup.prefix },
      valueSchema: HEARTBEAT_VALUE,
      value: { ts_ms: BigInt(environment.now()) },
      timestamp: null,
      headers: [],
      sourcePartition: setup.partition,
      sourceOffset: changes.offset('HEARTBEAT'),
    });
  }

  // ── Opening ───────────────────────────────────────────────────────────────────────────────────────────────────

  async #open(signal: AbortSignal): Promise<Session> {
    const { setup } = this.#parts;
    const offset = this.#returned ?? (await this.#context.offset(setup.partition));
    const resume = offset === null ? undefined : readOffset(offset);
    const client = await connect(setup.connection);
    client.once('error', (error) => this.#parts.log.debug(`${where(setup.connection)}: ${messageOf(error)}`));
    try {
      if (setup.snapshotMode === 'initial_only') return await this.#openOnly(client, resume);
      await ensurePublication(client, setup);
      if (resume === undefined) return await this.#openFirst(client, signal);
      const at = resume.phase === 'stream' ? resume.position.at : (resume.state.stream?.at ?? resume.state.slotLsn);
      const slot = await readSlot(client, setup);
      try {
        checkSlot(slot, setup.config['slot.name'], at);
      } catch (error) {
        if (setup.snapshotMode !== 'when_needed') throw error;
        this.#parts.log.warn(`${messageOf(error)}: all rows are read again`);
        if (slot?.isLost === true) await dropSlot(client, setup.config['slot.name']);
        return await this.#openFirst(client, signal);
      }
      if (resume.phase === 'snapshot') {
        const { state } = resume;
        return await this.#openSnapshot(client, {
          slotLsn: state.slotLsn,
          slot: undefined,
          state,
          stream: state.stream,
        });
      }
      if (setup.snapshotMode !== 'always' || this.#begunAlways) return await this.#openStream(client, resume);
      const { position } = resume;
      return await this.#openSnapshot(client, {
        slotLsn: position.at,
        slot: undefined,
        state: undefined,
        stream: position,
      });
    } catch (error) {
      client.end().catch(() => undefined);
      throw error;
    }
  }

  /** Nothing was read before, or nothing that counts. */
  async #openFirst(client: Client, signal: AbortSignal): Promise<Session> {
    const { setup, log } = this.#parts;
    const delayMs = setup.config['snapshot.delay.ms'];
    if (setup.snapshotMode !== 'no_data' && delayMs > 0) await this.#context.pause(delayMs, signal);
    const found = await readSlot(client, setup);
    const slot = found === undefined ? await createSlot(setup, signal) : undefined;
    const slotLsn = slot?.lsn ?? found!.confirmed;
    log.info(`slot ${setup.config['slot.name']} ${slot === undefined ? 'is there' : 'was made'}`);
    if (setup.snapshotMode !== 'no_data')
      return this.#openSnapshot(client, { slotLsn, slot, state: undefined, stream: null });
    await slot?.close();
    return this.#openStream(client, firstOfStream(slotLsn));
  }

  /** A snapshot and nothing else: without a slot. */
  async #openOnly(client: Client, resume: Resume | undefined): Promise<Session> {
    if (resume?.phase === 'stream') return { phase: 'over', client };
    const state = resume?.state;
    return this.#openSnapshot(client, { slotLsn: state?.slotLsn ?? 0, slot: undefined, state, stream: null });
  }

  async #openSnapshot(client: Client, begin: SnapshotBegin): Promise<Session> {
    this.#begunAlways = true;
    return { phase: 'snapshot', snapshot: await Snapshot.open(this.#parts, begin), begin, client };
  }

  async #behindSnapshot(session: Extract<Session, { phase: 'snapshot' }>, signal: AbortSignal): Promise<Session> {
    const { setup, log } = this.#parts;
    const { snapshot, begin, client } = session;
    snapshot.close();
    log.info('snapshot: everything has been read');
    if (setup.snapshotMode === 'initial_only') return { phase: 'over', client };
    const delayMs = setup.config['streaming.delay.ms'];
    if (delayMs > 0) await this.#context.pause(delayMs, signal);
    const { position } = firstOfStream(begin.slotLsn);
    const resume = { ...firstOfStream(begin.slotLsn), position: begin.stream ?? position, segments: snapshot.segments };
    return this.#openStream(client, resume);
  }

  async #openStream(client: Client, resume: StreamResume): Promise<Session> {
    const { setup, environment, log } = this.#parts;
    const replication = await connect(setup.connection, { replication: true });
    const stream = await ReplicationStream.open(replication, {
      slot: setup.config['slot.name'],
      publication: setup.config['publication.name'],
      from: resume.position.at,
      parameters: setup.streamParameters,
      statusIntervalMs: setup.config['status.update.interval.ms'],
      maxItems: setup.config['max.queue.size'],
      maxBytes: setup.maxQueueBytes,
      environment,
      where: where(setup.connection),
    });
    this.#slotInUseSinceMs = undefined;
    log.info(`streaming from ${JSON.stringify(resume.position)}`);
    const changes = new ChangeStream(this.#parts, client, stream, resume);
    const incremental = new IncrementalSnapshots(this.#parts, client, changes, resume.incremental);
    return { phase: 'stream', stream, changes, incremental, client };
  }

  // ── Faults ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** What is thrown: behind a pause that grows from one time to the next, if it is to be tried again. */
  async #fault(thrown: unknown, signal: AbortSignal): Promise<Error> {
    const { setup, environment, log } = this.#parts;
    const error = thrown instanceof ConnectError ? thrown : databaseError(thrown, where(setup.connection));
    if (!(error instanceof RetriableError)) return error;
    const stays = staysInUse(error, this.#slotInUse(error, environment), setup, environment);
    if (stays !== undefined) return stays;
    const limit = setup.config['errors.max.retries'];
    if (limit >= 0 && this.#failures >= limit)
      return new ConnectError(`${error.message} (tried ${limit} times: see errors.max.retries)`, { cause: error });
    const delayMs = Math.min(
      FIRST_BACKOFF_MS * 2 ** this.#failures++,
      setup.config['retriable.restart.connector.wait.ms'],
    );
    log.warn(`${error.message}; trying again`);
    await this.#context.pause(delayMs, signal);
    return error;
  }

  /** Since when somebody else has had the slot. */
  #slotInUse(error: RetriableError, environment: Environment): number | undefined {
    const cause = error.cause;
    const inUse = cause instanceof Error && 'code' in cause && cause.code === '55006';
    this.#slotInUseSinceMs = inUse ? (this.#slotInUseSinceMs ?? environment.now()) : undefined;
    return this.#slotInUseSinceMs;
  }
}

/** A server may need a while to notice that who used the slot is gone; then somebody else does. */
function staysInUse(
  error: RetriableError,
  sinceMs: number | undefined,
  { config }: Setup,
  environment: Environment,
): ConnectError | undefined {
  const patienceMs = config['slot.max.retries'] * config['slot.retry.delay.ms'];
  if (sinceMs === undefined || environment.now() - sinceMs < patienceMs) return undefined;
  return new ConnectError(`${error.message}: give each connector a slot of its own (slot.name)`, { cause: error });
}

function firstOfStream(slotLsn: number): StreamResume {
  return { phase: 'stream', position: before(slotLsn), segments: [], incremental: null, lastCommitLsn: undefined };
}
