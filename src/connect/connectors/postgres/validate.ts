// What the database says to the settings, before anything is begun: asked for by PUT …/config/validate and by a new
// configuration. Looks only.
import type { Client } from 'pg';
import { messageOf } from '../../../util/index.ts';
import type { ConfigProblem } from '../../api/config-def.ts';
import { connect, queryTexts } from './connection.ts';
import type { PostgresSettings } from './settings.ts';
import { connectionOf } from './setup.ts';

/** Nothing before this version has pgoutput. */
const OLDEST_VERSION = 100_000;

/** What is wrong, under the setting that has to do with it. */
export async function problemsOf(config: PostgresSettings): Promise<ConfigProblem[]> {
  let client: Client;
  try {
    client = await connect(connectionOf(config));
  } catch (error) {
    return [{ name: 'database.hostname', message: `Unable to connect: ${messageOf(error)}` }];
  }
  try {
    return await asked(client, config);
  } catch (error) {
    return [{ name: 'database.hostname', message: `The database could not be asked: ${messageOf(error)}` }];
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function asked(client: Client, config: PostgresSettings): Promise<ConfigProblem[]> {
  const problems: ConfigProblem[] = [];
  const [[version, walLevel, canReplicate] = []] = await queryTexts(
    client,
    `SELECT current_setting('server_version_num'), current_setting('wal_level'),
            (SELECT rolreplication OR rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)
            OR EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname IN ('rds_superuser', 'rds_replication', 'azure_pg_admin', 'alloydbsuperuser')
                          AND pg_catalog.pg_has_role(current_user, oid, 'MEMBER'))`,
  );
  if (Number(version) < OLDEST_VERSION)
    problems.push({
      name: 'database.hostname',
      message: `The server is of version ${version}: 10 is the oldest that streams by pgoutput`,
    });
  if (config['snapshot.mode'] === 'initial_only') return problems;
  if (walLevel !== 'logical')
    problems.push({
      name: 'database.hostname',
      message: `Postgres server wal_level property must be 'logical' but is: '${walLevel}'`,
    });
  if (canReplicate !== 't')
    problems.push({
      name: 'database.user',
      message: `User ${config['database.user']} has not the right to replicate: ALTER USER … REPLICATION`,
    });
  const [publication] = await queryTexts(client, 'SELECT 1 FROM pg_catalog.pg_publication WHERE pubname = $1', [
    config['publication.name'],
  ]);
  if (publication === undefined && config['publication.autocreate.mode'] === 'disabled')
    problems.push({
      name: 'publication.name',
      message: `There is no publication ${config['publication.name']}, and publication.autocreate.mode is disabled`,
    });
  problems.push(...(await slotProblems(client, config)));
  return problems;
}

async function slotProblems(client: Client, config: PostgresSettings): Promise<ConfigProblem[]> {
  const name = config['slot.name'];
  const [slot] = await queryTexts(
    client,
    'SELECT plugin, database, current_database() FROM pg_catalog.pg_replication_slots WHERE slot_name = $1',
    [name],
  );
  if (slot !== undefined) {
    if (slot[0] === 'pgoutput' && slot[1] === slot[2]) return [];
    return [
      { name: 'slot.name', message: `Slot ${name} is of another plugin, or of another database: choose another name` },
    ];
  }
  const [[used, max] = []] = await queryTexts(
    client,
    `SELECT count(*), current_setting('max_replication_slots') FROM pg_catalog.pg_replication_slots`,
  );
  if (Number(used) < Number(max)) return [];
  return [
    { name: 'slot.name', message: `All ${max} replication slots of the server are taken: see max_replication_slots` },
  ];
}
