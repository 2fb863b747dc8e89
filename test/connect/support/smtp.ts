// A mail server on the loopback interface (RFC 5321, with AUTH PLAIN of RFC 4954), which keeps what it is sent, and refuses it when it
// is told to.
import { createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

/** A mail that was taken. */
export interface TakenMail {
  readonly from: string;
  readonly to: readonly string[];
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export class MailServer {
  readonly taken: TakenMail[] = [];
  connections = 0;
  /** What the next mails are answered when they have been sent whole: `451 later`; `drop` breaks the connection off. */
  readonly answers: string[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((socket) => this.#serve(socket));
  #port = 0;

  get port(): number {
    return this.#port;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #serve(socket: Socket): void {
    this.connections++;
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket)).on('error', () => {});
    const say = (line: string): void => void socket.write(`${line}\r\n`);
    let buffered = '';
    let isKnown = false;
    let data: string[] | undefined;
    let envelope = { from: '', to: [] as string[] };
    const hear = (line: string): void => {
      if (data !== undefined) {
        if (line !== '.') {
          data.push(line.replace(/^\./, ''));
          return;
        }
        const answer = this.answers.shift() ?? '250 taken';
        if (answer === 'drop') socket.destroy();
        else say(answer);
        if (answer.startsWith('250')) this.taken.push({ ...envelope, ...read(data) });
        data = undefined;
        return;
      }
      const verb = line.slice(0, 4).toUpperCase();
      const address = /<([^>]*)>/.exec(line)?.[1] ?? '';
      switch (verb) {
        case 'EHLO':
          say('250-127.0.0.1');
          return say('250 AUTH PLAIN');
        case 'AUTH':
          isKnown = Buffer.from(line.slice(11), 'base64').toString() === '\0me\0secret';
          return say(isKnown ? '235 welcome' : '535 who is that?');
        case 'MAIL':
          envelope = { from: address, to: [] };
          return say(isKnown ? '250 go on' : '530 log in first');
        case 'RCPT':
          if (address.startsWith('nobody')) return say('550 nobody of that name');
          envelope.to.push(address);
          return say('250 go on');
        case 'DATA':
          data = [];
          return say('354 go on');
        case 'QUIT':
          say('221 bye');
          return void socket.end();
        case 'RSET':
        case 'NOOP':
          return say('250 yes');
        default:
          return say('502 not known here');
      }
    };
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (buffered + chunk).split('\r\n');
      buffered = lines.pop()!;
      for (const line of lines) hear(line);
    });
    say('220 ready');
  }
}

function read(lines: readonly string[]): Pick<TakenMail, 'headers' | 'body'> {
  const end = lines.indexOf('');
  const unfolded = lines
    .slice(0, end)
    .join('\n')
    .replaceAll(/\n[ \t]+/g, ' ');
  const headers = Object.fromEntries(
    unfolded.split('\n').map((line) => {
      const at = line.indexOf(':');
      return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
    }),
  );
  return {
    headers,
    body: lines
      .slice(end + 1)
      .join('\n')
      .trimEnd(),
  };
}
