// The same results by plain loops over the events: an independent computation to compare with.
import { type Auction, BASE_TIME, type Bid, type Person, visitEvents } from './events.ts';
import { line } from './queries.ts';

export interface Events {
  readonly persons: Person[];
  readonly auctions: Auction[];
  readonly bids: Bid[];
}

export function collectEvents(events: number): Events {
  const all: Events = { persons: [], auctions: [], bids: [] };
  visitEvents(events, {
    person: (person) => all.persons.push(person),
    auction: (auction) => all.auctions.push(auction),
    bid: (bid) => all.bids.push(bid),
  });
  return all;
}

const WINDOW_MS = 10_000;
const windowOf = (time: number, sizeMs = WINDOW_MS): number => time - (time % sizeMs);
const key = (...parts: readonly (string | number)[]): string => parts.join('|');

function count<K>(counts: Map<K, number>, of: K): void {
  counts.set(of, (counts.get(of) ?? 0) + 1);
}

const auctionsById = ({ auctions }: Events): Map<number, Auction> => new Map(auctions.map((each) => [each.id, each]));

/** Bids made while their auction was open. */
function* timelyBids(events: Events): Generator<readonly [Bid, Auction]> {
  const auctions = auctionsById(events);
  for (const bid of events.bids) {
    const auction = auctions.get(bid.auction);
    if (auction !== undefined && bid.dateTime >= auction.dateTime && bid.dateTime <= auction.expires)
      yield [bid, auction];
  }
}

/** Windows have closed when the last bid's time has passed their end and grace. */
const lastTime = ({ bids }: Events): number => bids.reduce((most, { dateTime }) => Math.max(most, dateTime), 0);

function countPerWindow({ bids }: Events, sizeMs: number, advanceMs: number): Map<number, Map<number, number>> {
  const windows = new Map<number, Map<number, number>>();
  for (const { auction, dateTime } of bids) {
    for (let start = windowOf(dateTime, advanceMs); start > dateTime - sizeMs; start -= advanceMs) {
      let counts = windows.get(start);
      if (counts === undefined) windows.set(start, (counts = new Map()));
      count(counts, auction);
    }
  }
  return windows;
}

export const EXPECTED: Readonly<Record<string, (events: Events) => string[]>> = {
  q3({ persons, auctions }) {
    const byId = new Map(persons.map((person) => [person.id, person]));
    return auctions.flatMap(({ id, seller, category }) => {
      const person = byId.get(seller);
      const matches = category === 10 && person !== undefined && ['OR', 'ID', 'CA'].includes(person.state);
      return matches ? [line([person.name, person.city, person.state, id])] : [];
    });
  },
  q4(events) {
    const finals = new Map<Auction, number>();
    for (const [{ price }, auction] of timelyBids(events))
      finals.set(auction, Math.max(finals.get(auction) ?? 0, price));
    const sums = new Map<number, { sum: number; count: number }>();
    for (const [{ category }, final] of finals) {
      const { sum, count: n } = sums.get(category) ?? { sum: 0, count: 0 };
      sums.set(category, { sum: sum + final, count: n + 1 });
    }
    return [...sums].map(([category, { sum, count: n }]) => line([category, Math.trunc(sum / n)]));
  },
  q5(events) {
    const end = lastTime(events);
    return [...countPerWindow(events, WINDOW_MS, 2000)].flatMap(([start, counts]) => {
      if (start + WINDOW_MS + 4000 > end) return [];
      const most = Math.max(...counts.values());
      return [...counts].filter(([, n]) => n === most).map(([auction, n]) => line([auction, n, start]));
    });
  },
  q7(events) {
    const end = lastTime(events);
    const highest = new Map<number, number>();
    for (const { price, dateTime } of events.bids) {
      const start = windowOf(dateTime);
      highest.set(start, Math.max(highest.get(start) ?? 0, price));
    }
    return events.bids.flatMap(({ auction, price, bidder, dateTime, extra }) => {
      // A window's end belongs to the next window as well.
      const starts = [windowOf(dateTime), ...(dateTime % WINDOW_MS === 0 ? [dateTime - WINDOW_MS] : [])];
      return starts
        .filter((start) => start + WINDOW_MS + 4000 <= end && highest.get(start) === price)
        .map(() => line([auction, price, bidder, dateTime, extra]));
    });
  },
  q8({ persons, auctions }) {
    const sellers = new Set(auctions.map(({ seller, dateTime }) => key(seller, windowOf(dateTime))));
    return persons
      .filter(({ id, dateTime }) => sellers.has(key(id, windowOf(dateTime))))
      .map(({ id, name, dateTime }) => line([id, name, windowOf(dateTime)]));
  },
  q9(events) {
    const best = new Map<Auction, Bid>();
    for (const [bid, auction] of timelyBids(events)) {
      const known = best.get(auction);
      if (known === undefined || bid.price > known.price) best.set(auction, bid);
    }
    return [...best].map(([{ id, itemName, seller, category }, { bidder, price, dateTime }]) =>
      line([id, itemName, seller, category, bidder, price, dateTime]),
    );
  },
  q11({ bids }) {
    const lines: string[] = [];
    const sessions = new Map<number, { start: number; end: number; count: number }>();
    for (const { bidder, dateTime } of bids) {
      const session = sessions.get(bidder);
      if (session !== undefined && dateTime - session.end <= WINDOW_MS) {
        session.end = dateTime;
        session.count++;
        continue;
      }
      if (session !== undefined) lines.push(line([bidder, session.count, session.start]));
      sessions.set(bidder, { start: dateTime, end: dateTime, count: 1 });
    }
    for (const [bidder, session] of sessions) lines.push(line([bidder, session.count, session.start]));
    return lines;
  },
  q12e({ bids }) {
    const counts = new Map<string, number>();
    for (const { bidder, dateTime } of bids) count(counts, key(bidder, windowOf(dateTime)));
    return [...counts].map(([of, n]) => of.replace('|', `|${n}|`));
  },
  q13({ bids }) {
    return bids.map(({ auction, bidder, price, dateTime }) =>
      line([auction, bidder, price, dateTime, auction % 10_000]),
    );
  },
  q17({ bids }) {
    const groups = new Map<string, number[]>();
    for (const { auction, price, dateTime } of bids) {
      const of = key(auction, new Date(dateTime).toISOString().slice(0, 10));
      const prices = groups.get(of);
      if (prices === undefined) groups.set(of, [price]);
      else prices.push(price);
    }
    return [...groups].map(([of, prices]) => {
      const low = prices.filter((price) => price < 10_000).length;
      const high = prices.filter((price) => price >= 1_000_000).length;
      const sum = prices.reduce((all, price) => all + price, 0);
      const extremes = [prices.reduce((a, b) => Math.min(a, b)), prices.reduce((a, b) => Math.max(a, b))];
      const ranks = [low, prices.length - low - high, high];
      return line([of, prices.length, ...ranks, ...extremes, Math.trunc(sum / prices.length), sum]);
    });
  },
  /** The last by event time. Of several in one millisecond the order is that of the partitions, each in its own order. */
  q18({ bids }) {
    const last = new Map<string, { readonly bid: Bid; readonly partition: number }>();
    bids.forEach((bid, ordinal) => {
      const of = key(bid.auction, bid.bidder);
      const partition = ordinal % BID_PARTITIONS;
      const known = last.get(of);
      const isLater =
        known === undefined ||
        bid.dateTime > known.bid.dateTime ||
        (bid.dateTime === known.bid.dateTime && partition >= known.partition);
      if (isLater) last.set(of, { bid, partition });
    });
    return [...last.values()].map(({ bid: { auction, bidder, price, channel, dateTime, extra } }) =>
      line([auction, bidder, price, channel, dateTime, extra]),
    );
  },
  q20(events) {
    const auctions = auctionsById(events);
    return events.bids.flatMap(({ auction: id, bidder, price, channel, dateTime, extra }) => {
      const auction = auctions.get(id);
      if (auction?.category !== 10 || Math.abs(auction.dateTime - dateTime) > 10_000) return [];
      const { itemName, dateTime: opened, seller, category } = auction;
      return [line([id, bidder, price, channel, dateTime, extra, itemName, opened, seller, category])];
    });
  },
  late(events) {
    const end = lastTime(events);
    return [...countPerWindow(events, 2000, 2000)].flatMap(([start, counts]) =>
      start + 6000 > end ? [] : [...counts].map(([auction, n]) => line([auction, n, start])),
    );
  },
};

/** Bids are written to this many partitions in turn. */
export const BID_PARTITIONS = 4;
export const FIRST_EVENT_TIME = BASE_TIME;
