import type { FormatInfo } from '../formats/traits.ts';
import type { Step } from './plan.ts';

/** The format in which the keys of a step's rows are there already; undefined: in none. */
export function keyFormatOf(step: Step): FormatInfo | undefined {
  switch (step.kind) {
    case 'source':
    case 'derived':
    case 'join':
    case 'aggregate':
    case 'distinct':
    case 'rank':
      return step.keyFormat;
    case 'selectKey':
    case 'hashJoin':
      return undefined;
    case 'over':
      return step.rekeys ? undefined : keyFormatOf(step.input);
    default:
      return keyFormatOf(step.input);
  }
}

export function sameFormat(a: FormatInfo, b: FormatInfo): boolean {
  return a.format === b.format && JSON.stringify(a.properties) === JSON.stringify(b.properties);
}
