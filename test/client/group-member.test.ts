// Members of a group whose members are not consumers: they agree upon a protocol, the leader assigns bytes, and all hear of it when
// one comes, goes, or says nothing any more.
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  type Client,
  createClient,
  type GroupMemberSettings,
  type GroupMembership,
  type GroupPlace,
} from '../../src/client/index.ts';
import { deferred, MillraceError } from '../../src/util/index.ts';
import { type Embedded, openEmbedded } from '../suites/embedded.ts';

const SETTINGS: GroupMemberSettings = {
  groupId: 'shop',
  protocolType: 'shop',
  sessionTimeoutMs: 600,
  heartbeatIntervalMs: 50,
  rebalanceTimeoutMs: 5000,
};

let embedded: Embedded;
const clients: Client[] = [];

beforeEach(async () => {
  embedded = await openEmbedded({ 'group.min.session.timeout.ms': 100 });
});

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  await embedded.close();
});

/** A member that joins whenever it is due, and notes what it hears. */
class Clerk {
  readonly heard: string[] = [];
  readonly member: GroupMembership;
  readonly places: GroupPlace[] = [];
  #changed = deferred();
  #seen = 0;
  #isOpen = true;
  failure: unknown;

  constructor(client: Client, name: string, protocols = ['till'], settings: Partial<GroupMemberSettings> = {}) {
    this.member = client.groupMember(
      { ...SETTINGS, ...settings },
      {
        protocols: () => protocols.map((protocol) => ({ name: protocol, metadata: Buffer.from(name) })),
        assign: ({ members }) => {
          const names = members.map(({ metadata }) => Buffer.from(metadata).toString()).sort();
          return new Map(
            members.map(({ memberId, metadata }) => [
              memberId,
              Buffer.from(`${names.indexOf(Buffer.from(metadata).toString()) + 1} of ${names.length}`),
            ]),
          );
        },
        onJoining: () => this.#hear('joins again'),
        onJoined: (place) => {
          this.places.push(place);
          this.#hear(`${Buffer.from(place.assignment).toString()} in ${place.protocol}`);
        },
        onLost: () => this.#hear('lost'),
        onDue: () => void this.join(),
      },
    );
  }

  async join(): Promise<void> {
    if (!this.#isOpen) return;
    try {
      await this.member.join();
    } catch (error) {
      this.failure = error;
    }
  }

  /** Waits for something behind what was waited for before. */
  async until(what: string): Promise<void> {
    let at: number;
    while ((at = this.heard.indexOf(what, this.#seen)) < 0) await this.#changed.promise;
    this.#seen = at + 1;
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    await this.member.close();
  }

  #hear(what: string): void {
    this.heard.push(what);
    this.#changed.resolve();
    this.#changed = deferred();
  }
}

function connect(): Client {
  const client = embedded.connect();
  clients.push(client);
  return client;
}

test('a leader assigns, and all hear of it when members come and go', async () => {
  const [a, b] = [new Clerk(connect(), 'a'), new Clerk(connect(), 'b')];
  await a.join();
  expect(a.heard).toEqual(['1 of 1 in till']);
  expect(a.member.isSettled).toBe(true);
  const [place] = a.places;
  expect(place).toMatchObject({ memberId: a.member.memberId, leaderId: a.member.memberId, generationId: 1 });
  void b.join();
  await Promise.all([a.until('1 of 2 in till'), b.until('2 of 2 in till')]);
  expect(a.heard).toEqual(['1 of 1 in till', 'joins again', '1 of 2 in till']);
  expect(b.places.at(-1)).toMatchObject({ leaderId: a.member.memberId, generationId: 2 });
  await a.close();
  await b.until('1 of 1 in till');
  expect(b.places.at(-1)!.leaderId).toBe(b.member.memberId);
  await b.close();
});

test('members that leave may come again', async () => {
  const a = new Clerk(connect(), 'a');
  await a.join();
  const before = a.member.memberId;
  await a.member.leave();
  expect(a.member.memberId).toBe('');
  await a.join();
  expect(a.member.memberId).not.toBe(before);
  expect(a.heard).toEqual(['1 of 1 in till', '1 of 1 in till']);
});

test('the leader has the group formed anew', async () => {
  const [a, b] = [new Clerk(connect(), 'a'), new Clerk(connect(), 'b')];
  await a.join();
  void b.join();
  await Promise.all([a.until('1 of 2 in till'), b.until('2 of 2 in till')]);
  const { generationId } = b.places.at(-1)!;
  a.member.requestRejoin();
  await Promise.all([a.until('1 of 2 in till'), b.until('2 of 2 in till')]);
  expect(b.places.at(-1)!.generationId).toBe(generationId + 1);
});

test('members speak what all of them speak, and one that speaks nothing of it is refused', async () => {
  const [a, b] = [new Clerk(connect(), 'a', ['scanner', 'till']), new Clerk(connect(), 'b', ['till', 'pen'])];
  await a.join();
  expect(a.heard).toEqual(['1 of 1 in scanner']);
  void b.join();
  await Promise.all([a.until('1 of 2 in till'), b.until('2 of 2 in till')]);
  const c = new Clerk(connect(), 'c', ['abacus']);
  await c.join();
  expect(c.failure).toMatchObject({ code: 'INCONSISTENT_GROUP_PROTOCOL' });
  const other = new Clerk(connect(), 'd', ['till'], { protocolType: 'consumer' });
  await other.join();
  expect(other.failure).toMatchObject({ code: 'INCONSISTENT_GROUP_PROTOCOL' });
});

test('one that hears nothing takes its place for lost, before others get it', async () => {
  let isAway = false;
  const open: { close(): void }[] = [];
  const client = createClient({
    dial: async () => {
      if (isAway) throw new MillraceError('CONNECTION_FAILED', 'no way to the broker', { retriable: true });
      const transport = embedded.broker.connect();
      open.push(transport);
      return transport;
    },
  });
  clients.push(client);
  const [lonely, other] = [new Clerk(client, 'lonely', ['till'], { silenceMs: 250 }), new Clerk(connect(), 'other')];
  await lonely.join();
  void other.join();
  await Promise.all([lonely.until('1 of 2 in till'), other.until('2 of 2 in till')]);
  isAway = true;
  for (const transport of open) transport.close();
  await lonely.until('lost');
  expect(other.heard.at(-1)).toBe('2 of 2 in till');
  await other.until('1 of 1 in till');
  isAway = false;
  await Promise.all([lonely.until('1 of 2 in till'), other.until('2 of 2 in till')]);
});

test('settings that do not go together are refused', () => {
  const participant = { protocols: () => [], assign: () => new Map(), onJoined: () => {} };
  const make = (settings: object, with_: object = participant) =>
    connect().groupMember({ ...SETTINGS, ...settings }, with_ as typeof participant);
  expect(() => make({ heartbeatIntervalMs: 600 })).toThrow('must be less than sessionTimeoutMs');
  expect(() => make({ groupId: '' })).toThrow('groupId');
  expect(() => make({ colour: 'red' })).toThrow('colour');
  expect(() => make({}, { protocols: () => [] })).toThrow('participant');
});
