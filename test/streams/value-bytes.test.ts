import { describe, expect, test } from 'vitest';
import { bytesSerde, stringSerde } from '../../src/serde/index.ts';
import { StreamsBuilder, TopologyTestDriver } from '../../src/streams/index.ts';

const shout = (bytes: Buffer, start: number, end: number, out: { utf8(text: string): void }): boolean => {
  const text = bytes.toString('utf8', start, end);
  if (text === '') return false;
  out.utf8(text.toUpperCase());
  return true;
};

function run(build: (builder: StreamsBuilder) => void, values: readonly (string | null)[]): (string | null)[] {
  const builder = new StreamsBuilder();
  build(builder);
  const driver = new TopologyTestDriver(builder.build());
  for (const [i, value] of values.entries())
    driver.pipe('in', Buffer.from(`k${i}`), value === null ? null : Buffer.from(value), i);
  return driver.readTyped('out', { key: stringSerde, value: stringSerde }).map(({ key, value }) => `${key}=${value}`);
}

describe('mapValueBytes', () => {
  const source = { key: stringSerde, value: bytesSerde };
  const target = { key: stringSerde, value: stringSerde };

  test('from bytes to bytes: records are left out, nulls stay', () => {
    const records = run(
      (b) =>
        b
          .stream<string, Uint8Array | null>('in', source)
          .mapValueBytes<string>(shout, { value: stringSerde })
          .to('out', target),
      ['a', '', null, 'ö'],
    );
    expect(records).toEqual(['k0=A', 'k2=null', 'k3=Ö']);
  });

  test('what is written is decoded for those behind, and the value before is untouched for its other readers', () => {
    const records = run(
      (b) => {
        const stream = b.stream<string, string>('in', target);
        stream
          .mapValueBytes<string>(shout, { value: stringSerde })
          .mapValues((_k, v) => `${v}!`, { value: stringSerde })
          .to('out', target);
        stream.to('out', { ...target, name: 'second' });
      },
      ['a', 'b'],
    );
    expect(records).toEqual(['k0=A!', 'k0=a', 'k1=B!', 'k1=b']);
  });

  test('behind an operator that made a value of its own, its bytes are made first', () => {
    const records = run(
      (b) => {
        b.stream<string, string>('in', target)
          .mapValues((_k, v) => `${v}${v}`, { value: stringSerde })
          .mapValueBytes<string>(shout, { value: stringSerde })
          .to('out', target);
      },
      ['x'],
    );
    expect(records).toEqual(['k0=XX']);
  });
});
