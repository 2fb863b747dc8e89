// A processor that keeps a global store: it runs on every instance, for every record of the store's topic.
import { checkProcessor } from '../api/checks.ts';
import { TaskContext } from '../api/context.ts';
import type { ProcessorContext, ProcessorSupplier } from '../api/processor.ts';
import type { AnySerde, GlobalUpdating } from '../graph/node.ts';
import { MillraceError } from '../../util/index.ts';
import { answerNow } from './answer-now.ts';
import { connectedStores } from './process.ts';

export function globalProcessor(
  supplier: ProcessorSupplier<unknown, unknown, never, never>,
  { key: keySerde, value: valueSerde }: { readonly key: AnySerde; readonly value: AnySerde },
): GlobalUpdating {
  return {
    key: keySerde,
    value: valueSerde,
    build: ({ applicationId, environment, state }) => {
      const { spec } = state;
      const record = new TaskContext();
      let streamTime = -1;
      const refuse = (what: string) => (): never => {
        throw new MillraceError('INVALID_TOPOLOGY', `the processor of the global store ${spec.name} can’t ${what}`);
      };
      const scope = { store: <S>(): S => state as S, globalStore: () => undefined };
      const context: ProcessorContext<never, never> = {
        applicationId,
        taskId: 'global',
        record,
        forward: refuse('forward'),
        ...connectedStores(scope, { name: `the processor of ${spec.name}`, stores: [spec] }, () => record.timestamp),
        schedule: refuse('schedule'),
        commit: () => {},
        currentStreamTimeMs: () => streamTime,
        currentSystemTimeMs: () => environment.now(),
      };
      const processor = supplier(context);
      checkProcessor(spec.name, processor);
      return {
        decode: (view) => {
          const { bytes, keyStart, keyEnd, valueStart, valueEnd } = view;
          return {
            key: keyStart < 0 ? null : keySerde.decode(bytes, keyStart, keyEnd),
            value: valueStart < 0 ? null : valueSerde.decode(bytes, valueStart, valueEnd),
          };
        },
        process: ({ key, value }, view, { topic, partition }) => {
          const { timestamp } = view;
          record.topic = topic;
          record.partition = partition;
          record.moveTo(view, timestamp);
          streamTime = Math.max(streamTime, timestamp);
          answerNow({ name: spec.name }, processor.process({ key, value, timestamp, headers: record.headers }));
        },
        close: () => processor.close?.(),
      };
    },
  };
}
