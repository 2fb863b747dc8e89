/** More different ones than all clients together send; no client can make more be kept. */
const ACCEPT_HEADERS_MAX = 100;

/** Which of the media types that a service answers a client wants (RFC 9110). Clients send the same few headers all the time. */
export class Negotiation {
  readonly #produced: readonly string[];
  readonly #known = new Map<string, string | undefined>();

  /** `produced`: what is answered, the preferred one first. */
  constructor(produced: readonly string[]) {
    this.#produced = produced;
  }

  /** What is answered to a client with this `Accept` header; undefined when it wants nothing that there is. */
  mediaType(header = ''): string | undefined {
    if (this.#known.has(header)) return this.#known.get(header);
    const found = this.#acceptable(header);
    if (this.#known.size < ACCEPT_HEADERS_MAX) this.#known.set(header, found);
    return found;
  }

  #acceptable(header: string): string | undefined {
    const ranges = (header.trim() || '*/*').split(',').map((range) => {
      const [type, ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
      const quality = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
      return { type, quality: quality === undefined ? 1 : Number(quality) };
    });
    const qualityOf = (produced: string) =>
      Math.max(0, ...ranges.filter(({ type }) => matches(type, produced)).map(({ quality }) => quality));
    const best = Math.max(...this.#produced.map(qualityOf));
    return best > 0 ? this.#produced.find((produced) => qualityOf(produced) === best) : undefined;
  }
}

function matches(range: string | undefined, type: string): boolean {
  return range === '*/*' || range === type || (range?.endsWith('/*') === true && type.startsWith(range.slice(0, -1)));
}
