// Requests that only another worker can carry out go on to it: to the leader, and from there to who has the task. Twice at most;
// after that workers do not agree on who is who, which is over in a moment.
import { HerderRefusal } from '../herder/refusals.ts';
import type { WorkerClient } from '../herder/worker-client.ts';
import { Answer, type Call, queryText } from './call.ts';
import { RestError } from './errors.ts';

/** Only the first worker is asked without this in the query. */
const FORWARD = 'forward';

/** What `work` resolves with, or the other worker's answer to the same request. */
export async function completeOrForward(
  client: WorkerClient,
  call: Call,
  work: () => Promise<unknown>,
): Promise<unknown> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof HerderRefusal) || error.kind !== 'elsewhere') throw error;
    return forward(client, call, error.url);
  }
}

async function forward(client: WorkerClient, call: Call, url: string | null): Promise<Answer> {
  const hop = queryText(call, FORWARD)?.toLowerCase();
  if (hop !== undefined && hop !== 'true') {
    throw new RestError(409, 'Cannot complete request because of a conflicting operation (e.g. worker rebalance)');
  }
  if (url === null || url === '') {
    throw new RestError(
      409,
      'Cannot complete request momentarily due to no known leader URL, likely because a rebalance was underway.',
    );
  }
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(call.query)) {
    if (name !== FORWARD) for (const each of [value ?? []].flat()) query.append(name, each);
  }
  query.append(FORWARD, String(hop === undefined));
  const { status, text } = await client.ask(url.replace(/\/+$/, ''), {
    method: call.method,
    path: `${call.path}?${query.toString()}`,
    body: call.body === '' ? undefined : call.body,
    authorization: [call.headers['authorization']].flat()[0],
  });
  if (status >= 400) throw refusalOf(status, text);
  return new Answer(status, text === '' ? undefined : text);
}

function refusalOf(status: number, text: string): RestError {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    return new RestError(status, String(message));
  } catch {
    return new RestError(status, text);
  }
}
