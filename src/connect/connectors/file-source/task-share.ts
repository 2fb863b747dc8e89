// How tasks share files: each takes those whose names' hashes are its own, so that nothing has to be told when files come.
import { murmur2 } from '../../../util/index.ts';
import { type ConfigOf, defineConfig, type RawConfig } from '../../api/config-def.ts';

/** What a connector tells its tasks. */
export const shareConfig = defineConfig({
  'task.index': { type: 'INT', default: 0, importance: 'LOW', doc: 'Which task this is.', internal: true },
  'task.count': { type: 'INT', default: 1, importance: 'LOW', doc: 'How many tasks there are.', internal: true },
});

/** The settings of so many tasks. */
export function shares(raw: RawConfig, count: number): RawConfig[] {
  return Array.from({ length: count }, (_, i) => ({ ...raw, 'task.index': String(i), 'task.count': String(count) }));
}

/** Whether what has a name is this task's. */
export function isMine(config: ConfigOf<typeof shareConfig>, name: string): boolean {
  return (murmur2(Buffer.from(name)) >>> 0) % config['task.count'] === config['task.index'];
}
