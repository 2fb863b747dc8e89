// Asks a broker for its versions and SQL for its name every 10 ms, from a process of its own, and tells the longest waits.
import { Agent, get } from 'node:http';
import { connect } from 'node:net';
import { apiVersions, create, encodeRequest, FrameSplitter, FrameWriter } from '../src/protocol/index.ts';

const EVERY_MS = 10;
const [port, sqlUrl] = [Number(process.argv[2]), process.argv[3]!];
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const socket = connect({ host: '127.0.0.1', port, noDelay: true });
const splitter = new FrameSplitter();
/** When the requests were sent that wait for their answer. */
const waiting: number[] = [];
let longestMs = 0;
/** Of SQL, which is asked one thing after the other. */
let sqlLongestMs = 0;
let sqlAskedAt: number | undefined;

socket.on('data', (chunk) => {
  for (const askedAt of waiting.splice(0, splitter.push(chunk).length))
    longestMs = Math.max(longestMs, performance.now() - askedAt);
});
socket.on('error', (error) => {
  console.error(error);
  process.exit(1);
});
setInterval(() => {
  const out = new FrameWriter();
  encodeRequest(apiVersions, 0, 1, 'probe', create(apiVersions, {}), out);
  waiting.push(performance.now());
  socket.write(Buffer.concat(out.take()));
  askSql();
}, EVERY_MS);

function askSql(): void {
  if (sqlAskedAt !== undefined) return;
  const askedAt = performance.now();
  sqlAskedAt = askedAt;
  get(`${sqlUrl}/info`, { agent }, (response) => {
    response.resume().on('end', () => {
      sqlLongestMs = Math.max(sqlLongestMs, performance.now() - askedAt);
      sqlAskedAt = undefined;
    });
  }).on('error', () => {
    sqlAskedAt = undefined;
  });
}

// Whoever asks is told about the time since he asked last; what is not answered yet counts as far as it has waited.
process.on('message', () => {
  const now = performance.now();
  process.send!({
    broker: Math.max(longestMs, waiting.length === 0 ? 0 : now - waiting[0]!),
    sql: Math.max(sqlLongestMs, sqlAskedAt === undefined ? 0 : now - sqlAskedAt),
  });
  longestMs = 0;
  sqlLongestMs = 0;
});
process.on('disconnect', () => process.exit(0));
