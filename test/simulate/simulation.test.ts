// The simulation itself: a seed is all that it depends on, and what is broken on purpose is found.
import { describe, expect, test } from 'vitest';
import type { Client, Producer } from '../../src/client/index.ts';
import { SimulatedDisk } from '../../tools/simulate/disk.ts';
import type { MakeDisk } from '../../tools/simulate/server.ts';
import { type Outcome, simulate, type SimulationOptions } from '../../tools/simulate/simulation.ts';

test('does the same again from the same seed, event by event', async () => {
  for (const seed of [1, 2, 3]) expect(await simulate(seed)).toEqual(await simulate(seed));
  expect((await simulate(1)).traceHash).not.toBe((await simulate(2)).traceHash);
});

test('a trace that is printed changes nothing', async () => {
  const lines: string[] = [];
  const printed = await simulate(4, { print: (line) => lines.push(line) });
  expect(printed).toEqual(await simulate(4));
  expect(lines.length).toBeGreaterThan(1000);
});

describe('finds', () => {
  test('a disk that says it has forced what it has not', async () => {
    const lying = diskThat((file) => ({ ...file, sync: () => Promise.resolve(), syncNow: () => {} }));
    expect((await firstFailure({ makeDisk: lying })).failure).toBeDefined();
  });

  test('a disk that writes a byte less than it was given', async () => {
    const short = diskThat((file) => ({
      ...file,
      write: (pieces, position) => file.write([Buffer.concat(pieces).subarray(0, -1)], position),
    }));
    expect((await firstFailure({ makeDisk: short })).failure).toBeDefined();
  });

  test('an abort that commits', async () => {
    const wrapClient = producersThat((producer) => {
      producer.abortTransaction = () => producer.commitTransaction();
    });
    expect((await firstFailure({ wrapClient })).failure).toMatch(/was not committed|and not what plain has there/);
  });

  test('offsets that are not part of the transaction', async () => {
    const wrapClient = producersThat((producer) => {
      producer.sendOffsetsToTransaction = () => Promise.resolve();
    });
    expect((await firstFailure({ wrapClient })).failure).toMatch(/and not what plain has there|comes next|and counts/);
  });

  test('a record that is sent twice', async () => {
    const wrapClient = producersThat((producer) => {
      const send = producer.send.bind(producer);
      producer.send = (record) => {
        void send(record).catch(() => {});
        return send(record);
      };
    });
    expect((await firstFailure({ wrapClient })).failure).toMatch(/twice|was acknowledged at|were inserted/);
  });
});

async function firstFailure(options: SimulationOptions): Promise<Outcome> {
  for (let seed = 1; ; seed++) {
    const outcome = await simulate(seed, options);
    if (outcome.failure !== undefined || seed === 20) return outcome;
  }
}

type File = ReturnType<SimulatedDisk['open']>;

function diskThat(change: (file: File) => File): MakeDisk {
  return (...given) => {
    const disk = new SimulatedDisk(...given);
    const open = disk.open.bind(disk);
    disk.open = (path) => change(open(path));
    return disk;
  };
}

function producersThat(change: (producer: Producer) => void): (client: Client) => Client {
  return (client) => {
    const make = client.producer.bind(client);
    client.producer = (settings) => {
      const producer = make(settings);
      change(producer);
      return producer;
    };
    return client;
  };
}
