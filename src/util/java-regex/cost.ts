// How many steps an engine that goes back may take for a pattern, at most: what decides whether it may be asked.
import type { Node } from './tree.ts';

/** Steps grow like `factor · lengthᵈᵉᵍʳᵉᵉ` from each place where a match may begin. */
interface Cost {
  readonly factor: number;
  readonly degree: number;
}

const WAYS = 6;
const UNBOUNDED: Cost = { factor: Number.POSITIVE_INFINITY, degree: 0 };

/** The most steps for a text of this length. */
export function stepsAtMost(node: Node): (length: number) => number {
  const { factor, degree } = costOf(node);
  // Without a bound, every character may be taken in several ways, and all of them are tried.
  if (factor === Number.POSITIVE_INFINITY) return (length) => WAYS ** length;
  return (length) => factor * (length + 1) ** (degree + 1);
}

function costOf(node: Node): Cost {
  switch (node.kind) {
    case 'sequence':
      return node.parts.map(costOf).reduce(times, { factor: 1, degree: 0 });
    case 'choice':
      return node.options
        .map(costOf)
        .reduce((a, b) => ({ factor: a.factor + b.factor, degree: Math.max(a.degree, b.degree) }));
    case 'capture':
    case 'atomic':
    case 'look':
      return costOf(node.body);
    case 'repeat': {
      const body = costOf(node.body);
      if (node.max <= 1) return { factor: body.factor + 1, degree: body.degree };
      if (node.body.kind !== 'set') return UNBOUNDED;
      return node.max === Number.POSITIVE_INFINITY
        ? { factor: 1, degree: 1 }
        : { factor: node.max - node.min + 1, degree: 0 };
    }
    case 'backreference':
      return { factor: 1, degree: 1 };
    default:
      return { factor: 1, degree: 0 };
  }
}

function times(a: Cost, b: Cost): Cost {
  return { factor: a.factor * b.factor, degree: a.degree + b.degree };
}
