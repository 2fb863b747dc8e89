import type { Serde } from '../../serde/index.ts';
import { SessionWindowedSerde, TimeWindowedSerde } from '../api/windows.ts';

/** True when two serdes write the same bytes, as far as can be told without asking them to. */
export function sameSerde(a: Serde<unknown> | undefined, b: Serde<unknown> | undefined): boolean {
  if (a === b) return a !== undefined;
  if (a instanceof TimeWindowedSerde) return b instanceof TimeWindowedSerde && sameSerde(a.inner, b.inner);
  if (a instanceof SessionWindowedSerde) return b instanceof SessionWindowedSerde && sameSerde(a.inner, b.inner);
  return false;
}
