/**
 * Nexmark's events, always the same: persons, auctions and bids at 1 : 3 : 46, 10,000 of them per second of event time, with
 * the published generator's fields and distributions as flat JSON. Event time is the record's timestamp and the field
 * `dateTime`, in milliseconds.
 */
export interface Person {
  readonly id: number;
  readonly name: string;
  readonly emailAddress: string;
  readonly creditCard: string;
  readonly city: string;
  readonly state: string;
  readonly dateTime: number;
  readonly extra: string;
}

export interface Auction {
  readonly id: number;
  readonly itemName: string;
  readonly description: string;
  readonly initialBid: number;
  readonly reserve: number;
  readonly dateTime: number;
  readonly expires: number;
  readonly seller: number;
  readonly category: number;
  readonly extra: string;
}

export interface Bid {
  readonly auction: number;
  readonly bidder: number;
  readonly price: number;
  readonly channel: string;
  readonly url: string;
  readonly dateTime: number;
  readonly extra: string;
}

export interface Visitor {
  person(person: Person): void;
  auction(auction: Auction): void;
  /** `ordinal` counts bids from 0: they are written to partitions in turn. */
  bid(bid: Bid, ordinal: number): void;
}

export const BASE_TIME = Date.UTC(2024, 0, 1, 8, 0, 0);
const EVENTS_PER_SECOND = 10_000;

const int = Math.trunc;

/** Visits the first `events` events in their order. Every walk sees the same ones. */
export function visitEvents(events: number, visitor: Visitor): void {
  const make = eventMaker();
  let bids = 0;
  for (let n = 1; n <= events; n++) {
    const id = 1 + n;
    const ts = timeOf(n);
    const kind = id % 50;
    if (kind === 0) visitor.person(make.person(id, ts));
    else if (kind <= 3) visitor.auction(make.auction(id, n, ts));
    else visitor.bid(make.bid(id, ts), bids++);
  }
}

const FIRST = ['Peter', 'Paul', 'Luke', 'John', 'Saul', 'Vicky', 'Kate', 'Julie', 'Sarah', 'Deiter', 'Walter'];
const LAST = ['Shultz', 'Abrams', 'Spencer', 'White', 'Bartels', 'Walton', 'Smith', 'Jones', 'Noris'];
const CITIES = [
  'Phoenix',
  'Los Angeles',
  'San Francisco',
  'Boise',
  'Portland',
  'Bend',
  'Redmond',
  'Seattle',
  'Kent',
  'Cheyenne',
];
const STATES = ['AZ', 'CA', 'ID', 'OR', 'WA', 'WY'];
const HOT_CHANNELS = ['Google', 'Facebook', 'Baidu', 'Apple'];

const timeOf = (n: number): number => BASE_TIME + int((n * 1000) / EVENTS_PER_SECOND);

function eventMaker() {
  // sfc32
  let [a, b, c, d] = [0x9e3779b9 ^ 1, 0x243f6a88, 0xb7e15162, 1];
  function next32(): number {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    return t | 0;
  }
  for (let i = 0; i < 20; i++) next32();
  const random = () => (next32() >>> 0) / 4294967296;
  const rand = (n: number) => Math.floor(random() * n);
  function str(max: number, special = ' '): string {
    const length = 3 + rand(max - 3);
    let text = '';
    for (let i = 0; i < length; i++) text += rand(13) === 0 ? special : String.fromCharCode(97 + rand(26));
    return text.trim();
  }
  const POOL = (() => {
    const codes = Buffer.alloc(1 << 20);
    for (let i = 0; i < codes.length; ) {
      let r = next32();
      for (let k = 0; k < 6 && i < codes.length; k++) {
        codes[i++] = 97 + (r % 26);
        r = int(r / 26);
      }
    }
    return codes.toString('latin1');
  })();
  function extra(current: number, average: number): string {
    if (current > average) return '';
    const size = average - current;
    const spread = Math.round(size * 0.2);
    const length = size - spread + (spread === 0 ? 0 : rand(2 * spread));
    const at = rand(POOL.length - length);
    return POOL.slice(at, at + length);
  }
  const price = () => Math.round(10 ** (random() * 6) * 100);
  const pick = <T>(list: readonly T[]): T => list[rand(list.length)]!;

  const baseUrl = () => `https://www.nexmark.com/${str(5, '_')}/${str(5, '_')}/${str(5, '_')}/item.htm?query=1`;
  const HOT_URLS = HOT_CHANNELS.map(baseUrl);
  function reversed(value: number): number {
    let r = 0;
    for (let i = 0; i < 32; i++) r = (r << 1) | ((value >>> i) & 1);
    return r === -2147483648 ? r : Math.abs(r);
  }
  const URLS = Array.from({ length: 10_000 }, (_, i) => baseUrl() + (rand(10) > 0 ? `&channel_id=${reversed(i)}` : ''));

  const epoch = (id: number) => int(id / 50);
  const lastPerson = epoch;
  function lastAuction(id: number): number {
    const e = epoch(id);
    const o = id % 50;
    return o < 1 ? (e - 1) * 3 + 2 : o >= 4 ? e * 3 + 2 : e * 3 + (o - 1);
  }
  function anyPerson(id: number): number {
    const people = lastPerson(id) + 1;
    const active = Math.min(people, 1000);
    return people - active + rand(active + 10);
  }
  function anyAuction(id: number): number {
    const last = lastAuction(id);
    const low = Math.max(last - 100, 0);
    return low + rand(last - low + 1 + 10);
  }

  function person(id: number, ts: number): Person {
    const name = `${pick(FIRST)} ${pick(LAST)}`;
    const emailAddress = `${str(7)}@${str(5)}.com`;
    const four = () => String(rand(10000)).padStart(4, '0');
    const creditCard = `${four()} ${four()} ${four()} ${four()}`;
    const city = pick(CITIES);
    const state = pick(STATES);
    const size = 8 + name.length + emailAddress.length + creditCard.length + city.length + state.length;
    return {
      id: 1000 + lastPerson(id),
      name,
      emailAddress,
      creditCard,
      city,
      state,
      dateTime: ts,
      extra: extra(size, 200),
    };
  }
  function auction(id: number, n: number, ts: number): Auction {
    const itemName = str(20);
    const description = str(100);
    const initialBid = price();
    const reserve = initialBid + price();
    const horizon = timeOf(n + int((100 * 50) / 3)) - ts;
    const expires = ts + 1 + rand(Math.max(2 * horizon, 1));
    const seller = (rand(4) > 0 ? int(lastPerson(id) / 100) * 100 : anyPerson(id)) + 1000;
    const category = 10 + rand(5);
    return {
      id: 1000 + lastAuction(id),
      itemName,
      description,
      initialBid,
      reserve,
      dateTime: ts,
      expires,
      seller,
      category,
      extra: extra(48 + itemName.length + description.length, 500),
    };
  }
  function bid(id: number, ts: number): Bid {
    const auctionId = (rand(2) > 0 ? int(lastAuction(id) / 100) * 100 : anyAuction(id)) + 1000;
    const bidder = (rand(4) > 0 ? int(lastPerson(id) / 100) * 100 + 1 : anyPerson(id)) + 2000;
    const amount = price();
    let channel: string;
    let url: string;
    if (rand(2) > 0) {
      const i = rand(4);
      channel = HOT_CHANNELS[i]!;
      url = HOT_URLS[i]!;
    } else {
      const i = rand(10_000);
      channel = `channel-${i}`;
      url = URLS[i]!;
    }
    return { auction: auctionId, bidder, price: amount, channel, url, dateTime: ts, extra: extra(32, 100) };
  }

  return { person, auction, bid };
}
