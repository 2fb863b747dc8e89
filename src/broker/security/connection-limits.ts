// How many connections there may be from one address, over all listeners.
import { MillraceError } from '../../util/index.ts';
import type { BrokerSettings } from '../settings.ts';

export class ConnectionLimits {
  readonly #max: number;
  readonly #overrides: ReadonlyMap<string, number>;
  readonly #open = new Map<string, number>();

  constructor(settings: BrokerSettings) {
    this.#max = settings['max.connections.per.ip'];
    this.#overrides = overridesIn(settings['max.connections.per.ip.overrides']);
  }

  /** True when an address may open one more, which is then counted until `closed`. */
  opens(address: string): boolean {
    const open = this.#open.get(address) ?? 0;
    if (open >= (this.#overrides.get(address) ?? this.#max)) return false;
    this.#open.set(address, open + 1);
    return true;
  }

  closed(address: string): void {
    const left = (this.#open.get(address) ?? 1) - 1;
    if (left === 0) this.#open.delete(address);
    else this.#open.set(address, left);
  }
}

/** `address:number`, separated by commas. */
function overridesIn(text: string): ReadonlyMap<string, number> {
  const entries = text.split(',').flatMap((each) => each.trim() || []);
  return new Map(
    entries.map((entry): [string, number] => {
      const [, address, count] = /^(.+):(\d+)$/.exec(entry) ?? [];
      if (address === undefined) {
        const message = `"max.connections.per.ip.overrides" has "${entry}": it is an address, a colon and a number.`;
        throw new MillraceError('INVALID_CONFIG', message);
      }
      return [plainAddress(address.replace(/^\[|\]$/g, '')), Number(count)];
    }),
  );
}

/** An address of IPv4 is the same when it comes as one of IPv6. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');
}
