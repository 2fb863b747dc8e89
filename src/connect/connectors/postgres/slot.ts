// The slot, from which on the server keeps its log for us, and the publication, which says what of it is streamed.
import type { Client } from 'pg';
import { ConnectError } from '../../data/errors.ts';
import { fullName, listTables, type TableName } from './catalog.ts';
import { connect, databaseError, queryTexts, where } from './connection.ts';
import { type Lsn, lsnText, parseLsn } from './pgoutput.ts';
import { quoteName } from './replication-stream.ts';
import type { Setup } from './setup.ts';

/** A slot, as the server has it. */
export interface SlotState {
  /** Changes that commit before are gone. */
  readonly confirmed: Lsn;
  readonly isLost: boolean;
}

/** The slot of that name; undefined: there is none. Throws `ConnectError` where it is another kind of slot. */
export async function readSlot(client: Client, setup: Setup): Promise<SlotState | undefined> {
  const name = setup.config['slot.name'];
  const [slot] = await queryTexts(
    client,
    `SELECT plugin, database, confirmed_flush_lsn::text, ${(await hasWalStatus(client)) ? `coalesce(wal_status, '')` : `''`}
       FROM pg_catalog.pg_replication_slots WHERE slot_name = $1`,
    [name],
  );
  if (slot === undefined) return undefined;
  const [plugin, database, confirmed, status] = slot;
  if (plugin !== 'pgoutput' || database !== setup.connection.database)
    throw new ConnectError(
      `slot ${name} is ${plugin === null ? 'a physical one' : `of plugin ${plugin} and database ${database}`}: it must be of pgoutput and of ${setup.connection.database} (see slot.name)`,
    );
  return { confirmed: confirmed === null ? 0 : parseLsn(confirmed!), isLost: status === 'lost' };
}

async function hasWalStatus(client: Client): Promise<boolean> {
  const [[version] = []] = await queryTexts(client, 'SHOW server_version_num');
  return Number(version) >= 130_000;
}

/** A slot that was just made. As long as the connection does nothing else, its snapshot may be imported. */
export interface NewSlot {
  readonly lsn: Lsn;
  readonly snapshotName: string;
  /** Closes the connection. */
  close(): Promise<void>;
}

/** Makes the slot. The server waits for all transactions that are open to end; aborted, it is not waited for any more. */
export async function createSlot(setup: Setup, signal: AbortSignal): Promise<NewSlot> {
  const client = await connect(setup.connection, { replication: true });
  const giveUp = (): void => void client.connection.stream.destroy();
  signal.addEventListener('abort', giveUp);
  try {
    const result = await client.query<{ consistent_point: string; snapshot_name: string }>(
      `CREATE_REPLICATION_SLOT "${setup.config['slot.name']}" LOGICAL pgoutput EXPORT_SNAPSHOT`,
    );
    const [slot] = result.rows;
    return {
      lsn: parseLsn(slot!.consistent_point),
      snapshotName: slot!.snapshot_name,
      close: () => client.end().catch(() => undefined),
    };
  } catch (error) {
    await client.end().catch(() => undefined);
    throw databaseError(error, `slot ${setup.config['slot.name']} cannot be made in ${where(setup.connection)}`);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

/** Drops the slot, if there is one. */
export async function dropSlot(client: Client, name: string): Promise<void> {
  await queryTexts(
    client,
    'SELECT pg_catalog.pg_drop_replication_slot(slot_name) FROM pg_catalog.pg_replication_slots WHERE slot_name = $1',
    [name],
  );
}

/** Throws where what comes behind a position is not to be had any more. */
export function checkSlot(slot: SlotState | undefined, name: string, at: Lsn): void {
  const lost = (what: string): ConnectError =>
    new ConnectError(
      `changes were lost: they were read up to ${lsnText(at)}, and ${what}; read all rows again with snapshot.mode=when_needed, or with the connector’s offsets reset`,
    );
  if (slot === undefined) throw lost(`slot ${name} is gone`);
  if (slot.isLost)
    throw lost(`slot ${name} is lost, because the server kept no more of its log (max_slot_wal_keep_size)`);
  if (slot.confirmed > at)
    throw lost(
      `slot ${name} begins at ${lsnText(slot.confirmed)} (it was made anew, or somebody else has moved it on)`,
    );
}

/** The captured tables, sorted as snapshots go through them. */
export async function capturedTables(client: Client, setup: Setup): Promise<TableName[]> {
  const all = await listTables(client, setup.config['publish.via.partition.root']);
  return all.filter((table) => setup.isCaptured(table)).sort((a, b) => (fullName(a) < fullName(b) ? -1 : 1));
}

/** Makes the publication, or brings it up to date, as `publication.autocreate.mode` says. Throws `ConnectError`. */
export async function ensurePublication(client: Client, setup: Setup): Promise<void> {
  const [name, mode] = [setup.config['publication.name'], setup.config['publication.autocreate.mode']];
  const [found] = await queryTexts(client, 'SELECT puballtables FROM pg_catalog.pg_publication WHERE pubname = $1', [
    name,
  ]);
  if (found === undefined && mode === 'disabled')
    throw new ConnectError(
      `there is no publication ${name}, and publication.autocreate.mode is disabled: make it with CREATE PUBLICATION, or choose another mode`,
    );
  if (mode === 'filtered' ? found?.[0] === 't' : found !== undefined) return;
  const viaRoot = setup.config['publish.via.partition.root'] ? ' WITH (publish_via_partition_root = true)' : '';
  const target =
    mode === 'filtered' ? await publishedTables(client, setup) : mode === 'all_tables' ? ' FOR ALL TABLES' : '';
  const statement =
    found === undefined
      ? `CREATE PUBLICATION ${quoteName(name)}${target}${viaRoot}`
      : `ALTER PUBLICATION ${quoteName(name)} SET${target.replace(' FOR', '')}`;
  try {
    await client.query(statement);
  } catch (error) {
    // Made by somebody else in the meantime.
    if (error instanceof Error && 'code' in error && error.code === '42710') return;
    throw databaseError(error, `publication ${name} cannot be made in ${where(setup.connection)}`);
  }
}

async function publishedTables(client: Client, setup: Setup): Promise<string> {
  const tables = (await capturedTables(client, setup)).map(quoteTable);
  if (setup.signalTable !== null) {
    const [schema, table] = setup.signalTable.split('.');
    const signals = quoteTable({ schema: schema!, table: table! });
    if (!tables.includes(signals)) tables.push(signals);
  }
  if (tables.length === 0)
    throw new ConnectError(
      `no table of ${where(setup.connection)} is captured: see table.include.list, table.exclude.list and those of schemas`,
    );
  return ` FOR TABLE ${tables.join(', ')}`;
}

/** A table's name as SQL writes it. */
export function quoteTable({ schema, table }: TableName): string {
  return `${quoteName(schema)}.${quoteName(table)}`;
}

/** A text as SQL writes it. */
export function quoteText(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes('\\') ? ` E${quoted.replaceAll('\\', '\\\\')}` : quoted;
}
