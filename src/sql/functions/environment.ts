// Functions whose results come from outside of their arguments: time, chance, ids.
import { type Environment, randomUuid } from '../../util/index.ts';
import { lenientDate } from '../values/lenient-date.ts';
import { DAY_MS, zoneOffsetAt } from '../values/zones.ts';
import { pure, type ScalarFunction, scalar } from './function.ts';
import { systemZone } from './date-time.ts';
import { uuidOf } from './string.ts';

export function environmentFunctions(environment: Environment): readonly ScalarFunction[] {
  return [
    scalar('PARSE_DATE', 'DATE / TIME', 'The date that a text in a pattern says.', [
      // Years of two digits are those around now.
      pure('STRING, STRING -> DATE', (text: string, pattern: string) => lenientDate(text, pattern, environment.now())),
    ]),
    scalar('RANDOM', 'MATHEMATICAL', 'A random number from 0 to 1.', [pure('-> DOUBLE', () => environment.random())]),
    scalar('UNIX_DATE', 'DATE / TIME', 'The epoch days of a date, or of today.', [
      pure('-> INT', () => {
        const now = environment.now();
        return Math.floor((now + zoneOffsetAt(systemZone(), now)) / DAY_MS);
      }),
      pure('DATE -> INT', (days: number) => days),
    ]),
    scalar('UNIX_TIMESTAMP', 'DATE / TIME', 'The epoch milliseconds of a timestamp, or the current ones.', [
      pure('-> BIGINT', () => environment.now()),
      pure('TIMESTAMP -> BIGINT', (ms: number) => ms),
    ]),
    scalar('UUID', 'STRING', 'A random UUID, or the one that 16 bytes hold.', [
      pure('-> STRING', () => randomUuid(environment)),
      pure('BYTES -> STRING', uuidOf),
    ]),
  ];
}
