import type { Scenario } from '../scenario.ts';
import { administration } from './administration.ts';
import { groups } from './groups.ts';
import { records } from './records.ts';
import { security } from './security.ts';
import { topics } from './topics.ts';
import { transactions } from './transactions.ts';

export const SCENARIOS: readonly Scenario[] = [
  ...topics,
  ...records,
  ...groups,
  ...transactions,
  ...administration,
  ...security,
];
