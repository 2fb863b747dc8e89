// A mail server on the loopback interface (RFC 5321, with AUTH PLAIN of RFC 4954), which keeps what it is sent, and refuses it when it
// is told to.
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createServer as createSecureServer, TLSSocket } from 'node:tls';

/** A mail that was taken. */
export interface TakenMail {
  readonly from: string;
  readonly to: readonly string[];
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Who a server says it is: PEM. */
export interface Identity {
  readonly key: string;
  readonly cert: string;
}

export class MailServer {
  /** Whether the last mail came over an encrypted connection. */
  isEncrypted = false;
  readonly taken: TakenMail[] = [];
  connections = 0;
  /** What the next mails are answered when they have been sent whole: `451 later`; `drop` breaks the connection off. */
  readonly answers: string[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #identity: Identity | undefined;
  readonly #server;
  #port = 0;

  /** With an identity, connections are encrypted from their beginning, or where the client asks for it (STARTTLS). */
  constructor(identity?: Identity, isSecure = false) {
    this.#identity = identity;
    this.#server = isSecure
      ? createSecureServer({ ...identity }, (socket) => this.#greet(socket))
      : createServer((socket) => this.#greet(socket));
  }

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

  #greet(socket: Socket): void {
    this.connections++;
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket)).on('error', () => {});
    this.#serve(socket);
    socket.write('220 ready\r\n');
  }

  #serve(socket: Socket): void {
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
        this.isEncrypted = socket instanceof TLSSocket;
        if (answer.startsWith('250')) this.taken.push({ ...envelope, ...read(data) });
        data = undefined;
        return;
      }
      const verb = line.slice(0, 4).toUpperCase();
      const address = /<([^>]*)>/.exec(line)?.[1] ?? '';
      switch (verb) {
        case 'EHLO':
          say('250-localhost');
          if (this.#identity !== undefined && !(socket instanceof TLSSocket)) say('250-STARTTLS');
          return say('250 AUTH PLAIN');
        case 'STAR':
          if (this.#identity === undefined) return say('502 not known here');
          say('220 go on');
          socket.removeAllListeners('data');
          return this.#serve(new TLSSocket(socket, { isServer: true, ...this.#identity }).on('error', () => {}));
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
