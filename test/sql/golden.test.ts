// Every script of test/sql/golden against the plans and topologies that it should give. `vitest run -u` writes them anew.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { explainPlan } from '../../src/sql/plan/explain.ts';
import { plainEngine } from './support.ts';

const folder = join(import.meta.dirname, 'golden');
const scripts = readdirSync(folder).filter((file) => file.endsWith('.sql'));

describe('plans', () => {
  test('there are scripts', () => {
    expect(scripts.length).toBeGreaterThan(2);
  });

  test.each(scripts)('%s', async (file) => {
    const { engine, queries } = plainEngine();
    await engine.execute(readFileSync(join(folder, file), 'utf8'));
    const text = [...queries.values()]
      .map(
        ({ queryId, plan, topology }) =>
          `## ${queryId}\n${plan.text}\n\n${explainPlan(plan)}\n\n${topology.describe()}`,
      )
      .join('\n\n');
    await expect(`${text.trimEnd()}\n`).toMatchFileSnapshot(join(folder, file.replace('.sql', '.plan')));
  });
});
