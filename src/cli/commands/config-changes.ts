// Configs that change, with what they were before: for topics and for everything else that has some.
import type { Admin, ConfigResource } from '../../client/index.ts';
import { column, type Column } from './output.ts';

export interface ConfigChange {
  readonly name: string;
  readonly before: string | null;
  readonly after: string | null;
}

export const CONFIG_CHANGE: readonly Column<ConfigChange>[] = [column('name'), column('before'), column('after')];

/** Null takes away what was set. `dryRun`: the broker only checks, and what would come after a removal is not known. */
export async function alterConfigs(
  admin: Admin,
  resource: ConfigResource,
  set: Readonly<Record<string, string | null>>,
  dryRun: boolean,
): Promise<ConfigChange[]> {
  const before = await valuesOf(admin, resource);
  await admin.alterConfigs(resource, set, { validateOnly: dryRun });
  const after = dryRun ? new Map(Object.entries(set)) : await valuesOf(admin, resource);
  return Object.keys(set).map((name) => ({
    name,
    before: before.get(name) ?? null,
    after: after.get(name) ?? null,
  }));
}

async function valuesOf(admin: Admin, resource: ConfigResource): Promise<Map<string, string | null>> {
  return new Map((await admin.describeConfigs(resource)).map(({ name, value }) => [name, value]));
}
