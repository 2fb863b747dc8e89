// Operators that keep nothing: each answers the closure that stands between its input and what comes behind it.
import type { RecordContext } from '../api/context.ts';
import { ByteWriter } from '../../util/index.ts';
import type { AnySerde, Emit, EmitChange, GraphNode } from '../graph/node.ts';
import type { TaskScope } from '../graph/node.ts';
import { answerNow } from './answer-now.ts';

type Build = (scope: TaskScope, node: GraphNode) => Emit;
type BuildChange = (scope: TaskScope, node: GraphNode) => EmitChange;
type Mapper = (key: unknown, value: unknown, context: RecordContext) => unknown;

export const passThrough: Build = (scope, node) => scope.forward(node);

export function filter(predicate: Mapper, wanted: boolean): Build {
  return (scope, node) => {
    const next = scope.forward(node);
    return (key, value, timestamp, context) => {
      context.timestamp = timestamp;
      let passes: boolean;
      try {
        passes = Boolean(answerNow(node, predicate(key, value, context)));
      } catch (error) {
        scope.failed(error, node);
        return;
      }
      if (passes === wanted) next(key, value, timestamp, context);
    };
  };
}

export function map(
  mapper: (key: unknown, value: unknown, context: RecordContext) => readonly [unknown, unknown],
): Build {
  return (scope, node) => {
    const next = scope.forward(node);
    return (key, value, timestamp, context) => {
      context.timestamp = timestamp;
      let pair: readonly [unknown, unknown];
      try {
        pair = answerNow(node, mapper(key, value, context));
      } catch (error) {
        scope.failed(error, node);
        return;
      }
      next(pair[0], pair[1], timestamp, context);
    };
  };
}

export function selectKey(mapper: Mapper): Build {
  return (scope, node) => {
    const next = scope.forward(node);
    return (key, value, timestamp, context) => {
      context.timestamp = timestamp;
      let selected: unknown;
      try {
        selected = answerNow(node, mapper(key, value, context));
      } catch (error) {
        scope.failed(error, node);
        return;
      }
      next(selected, value, timestamp, context);
    };
  };
}

export function mapValues(mapper: Mapper): Build {
  return (scope, node) => {
    const next = scope.forward(node);
    return (key, value, timestamp, context) => {
      context.timestamp = timestamp;
      let mapped: unknown;
      try {
        mapped = answerNow(node, mapper(key, value, context));
      } catch (error) {
        scope.failed(error, node);
        return;
      }
      next(key, mapped, timestamp, context);
    };
  };
}

/** The value's bytes stand in for it: they are put into the context for those behind, and taken back afterwards. */
export function mapValueBytes(
  transform: (bytes: Buffer, start: number, end: number, out: ByteWriter, context: RecordContext) => boolean,
  before: AnySerde,
  behind: AnySerde,
): Build {
  return (scope, node) => {
    const next = scope.forward(node);
    const lieAtHand = scope.plan.hasValueBytes(node);
    const isDecodedBehind = scope.plan.childrenNeedValue(node);
    const given = new ByteWriter();
    const out = new ByteWriter();
    return (key, value, timestamp, context) => {
      context.timestamp = timestamp;
      if (value === null || (lieAtHand && context.valueStart < 0)) {
        next(key, null, timestamp, context);
        return;
      }
      const { valueBytes, valueStart, valueEnd } = context;
      let passes: boolean;
      let decoded: unknown;
      out.reset();
      try {
        if (lieAtHand) {
          passes = transform(valueBytes, valueStart, valueEnd, out, context);
        } else {
          given.reset();
          before.encode(value, given);
          passes = transform(given.buffer, 0, given.position, out, context);
        }
        if (passes && isDecodedBehind) decoded = behind.decode(out.buffer, 0, out.position);
      } catch (error) {
        scope.failed(error, node);
        return;
      }
      if (!passes) return;
      context.valueBytes = out.buffer;
      context.valueStart = 0;
      context.valueEnd = out.position;
      next(key, decoded, timestamp, context);
      context.valueBytes = valueBytes;
      context.valueStart = valueStart;
      context.valueEnd = valueEnd;
    };
  };
}

export function flatMap(
  mapper: (key: unknown, value: unknown, context: RecordContext) => Iterable<readonly [unknown, unknown]>,
): Build {
  return (scope, node) => {
    const next = scope.forward(node);
    return (key, value, timestamp, context) => {
      context.timestamp = timestamp;
      let pairs: Iterable<readonly [unknown, unknown]>;
      try {
        pairs = asArray(node, mapper(key, value, context));
      } catch (error) {
        scope.failed(error, node);
        return;
      }
      for (const pair of pairs) next(pair[0], pair[1], timestamp, context);
    };
  };
}

export function flatMapValues(
  mapper: (key: unknown, value: unknown, context: RecordContext) => Iterable<unknown>,
): Build {
  return (scope, node) => {
    const next = scope.forward(node);
    return (key, value, timestamp, context) => {
      context.timestamp = timestamp;
      let values: Iterable<unknown>;
      try {
        values = asArray(node, mapper(key, value, context));
      } catch (error) {
        scope.failed(error, node);
        return;
      }
      for (const each of values) next(key, each, timestamp, context);
    };
  };
}

export function peek(action: Mapper): Build {
  return (scope, node) => {
    const next = scope.forward(node);
    return (key, value, timestamp, context) => {
      context.timestamp = timestamp;
      try {
        answerNow(node, action(key, value, context));
      } catch (error) {
        scope.failed(error, node);
        return;
      }
      next(key, value, timestamp, context);
    };
  };
}

/** Sends each record to the first branch whose predicate holds; the last child takes the rest when there is a default. */
export function branch(predicates: readonly Mapper[], hasDefault: () => boolean): Build {
  return (scope, node) => {
    const inputs = node.children.map((child) => scope.inputOf(child));
    const tests = [...predicates];
    const rest = hasDefault() ? inputs[inputs.length - 1] : undefined;
    return (key, value, timestamp, context) => {
      context.timestamp = timestamp;
      for (let i = 0; i < tests.length; i++) {
        let passes: unknown;
        try {
          passes = answerNow(node, tests[i]!(key, value, context));
        } catch (error) {
          scope.failed(error, node);
          return;
        }
        if (passes) {
          inputs[i]!(key, value, timestamp, context);
          return;
        }
      }
      rest?.(key, value, timestamp, context);
    };
  };
}

/** From a table's changes to a stream of its new values. */
export function toStream(): BuildChange {
  return (scope, node) => {
    const next = scope.forward(node);
    return (key, value, _old, timestamp, context) => {
      // A stream's records are no versions of anything.
      const { isLatest } = context;
      context.isLatest = true;
      next(key, value, timestamp, context);
      context.isLatest = isLatest;
    };
  };
}

/** A generator's errors belong to the mapper, so it is run to its end before anything is forwarded. */
function asArray<T>(node: GraphNode, values: Iterable<T>): Iterable<T> {
  answerNow(node, values);
  return Array.isArray(values) ? values : [...values];
}
