// Asks a worker what a table says, and compares.
import { expect } from 'vitest';
import { type Exchange, WORKER } from './exchanges.ts';

export interface Said {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
  /** The JSON of the answer. */
  // oxlint-disable-next-line typescript/no-explicit-any -- compared with what is expected
  readonly body: any;
}

export async function ask(
  url: string,
  what: string,
  { body, headers = {} }: Pick<Exchange, 'body' | 'headers'> = {},
): Promise<Said> {
  const [method, path] = what.split(' ') as [string, string];
  const answer = await fetch(`${url}${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await answer.text();
  const isJson = text !== '' && (answer.headers.get('content-type')?.includes('json') === true || text.startsWith('{'));
  return {
    status: answer.status,
    text,
    headers: answer.headers,
    body: isJson ? (JSON.parse(text) as unknown) : undefined,
  };
}

/** Asks until what is answered is what is wanted, or the time is over: then the last answer is. */
export async function until<T>(
  look: () => Promise<T> | T,
  isRight: (value: T) => boolean,
  timeoutMs = 20_000,
): Promise<T> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const value = await look();
    if (isRight(value) || performance.now() > end) return value;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** What of an answer is compared. */
function compared(said: Said, workerId: string, { answer, message, status, location }: Exchange, url: string) {
  const text = said.text.replaceAll(workerId, WORKER);
  const body = said.body === undefined ? undefined : (JSON.parse(text) as { error_code?: number; message?: string });
  return {
    status: said.status,
    ...(answer === undefined ? {} : { answer: body }),
    ...(message === undefined ? {} : { message: body?.message?.slice(0, message.length) }),
    ...(status >= 400 ? { code: body?.error_code } : {}),
    ...(location === undefined ? {} : { location: said.headers.get('location')?.replace(url, '') }),
  };
}

function wanted({ answer, message, status, location }: Exchange) {
  return {
    status,
    ...(answer === undefined ? {} : { answer }),
    ...(message === undefined ? {} : { message }),
    ...(status >= 400 ? { code: status } : {}),
    ...(location === undefined ? {} : { location }),
  };
}

/** Asks, and expects what the table says. */
export async function expectExchange(
  url: string,
  workerId: string,
  given: Exchange,
  comparesMessages = true,
): Promise<void> {
  const exchange: Exchange = comparesMessages ? given : withoutMessage(given);
  const right = JSON.stringify(sorted(wanted(exchange)));
  const look = async () => compared(await ask(url, exchange.ask, exchange), workerId, exchange, url);
  const isRight = (value: unknown) => JSON.stringify(sorted(value)) === right;
  // A worker may be about to share out its work anew: that is over in a moment, and is asked again as every client does.
  const isNow = ({ status }: { readonly status: number }) => status !== 409 || exchange.status === 409;
  const found = exchange.soon === true ? await until(look, isRight) : await until(look, isNow);
  const note = { ask: exchange.ask, body: exchange.body };
  expect({ ...note, ...found }).toEqual({ ...note, ...wanted(exchange) });
}

function withoutMessage({ ask: what, body, headers, status }: Exchange): Exchange {
  return { ask: what, body, ...(headers === undefined ? {} : { headers }), status };
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, each]) => [name, sorted(each)] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}
