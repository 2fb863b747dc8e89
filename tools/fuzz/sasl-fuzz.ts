/**
 * Sends logins that are nearly right over TCP to listeners where one has to log in, and looks for what must not happen: somebody gets
 * in without the password, a request of somebody who is not in is answered, an exception that nobody foresaw, a message that
 * is neither answered nor the end of the connection. Time is the fuzzer's.
 */
import { createConnection, type Socket } from 'node:net';
import { Broker } from '../../src/broker/index.ts';
import {
  type Api,
  apiVersions,
  create,
  decodeResponse,
  type Draft,
  encodeRequest,
  FrameSplitter,
  FrameWriter,
  metadata,
  saslAuthenticate,
  saslHandshake,
} from '../../src/protocol/index.ts';
import { ScramClient, type ScramMechanism } from '../../src/security/index.ts';
import { ManualEnvironment, messageOf } from '../../src/util/index.ts';
import { Chance } from './chance.ts';
import { MemoryDisk, ROOT } from './memory-disk.ts';
import { mutated } from './mutations.ts';
import { attempt, type FuzzOptions, newOutcome, note, type Outcome } from './outcome.ts';

const MODULE = 'org.apache.kafka.common.security.plain.PlainLoginModule required user_alice="secret" user_b="";';
const SETTINGS = {
  durability: 'os',
  'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
  'listener.name.sasl_plaintext.plain.sasl.jaas.config': MODULE,
  'connections.max.reauth.ms': 3_600_000,
};
const MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'];
const OTHERS = ['GSSAPI', '', 'plain'];
/** Whoever has said one of these may be in. */
const RIGHT = /\0(?:alice)\0secret$/;
/** Nobody signs tokens here: whoever has one that is whole is let in. */
const ANYBODY = 'OAUTHBEARER';
const TURNS = 3000;
const TURN_MS = 100;
const LOGINS_PER_BROKER = 5000;

export async function fuzzSasl(options: FuzzOptions): Promise<Outcome> {
  const outcome = newOutcome();
  const chance = new Chance(options.random);
  while (outcome.tries < options.tries && outcome.problems.length === 0) {
    const until = Math.min(options.tries, outcome.tries + LOGINS_PER_BROKER);
    const environment = new ManualEnvironment(1_700_000_000_000);
    const log = (message: string): void => {
      if (/\n\s+at /.test(message)) outcome.problems.push(message);
    };
    const broker = await Broker.open({ dataDir: ROOT, settings: SETTINGS, environment, log, disk: new MemoryDisk() });
    const [listener] = broker.listenersIn('SASL_PLAINTEXT://127.0.0.1:0');
    const { port } = await broker.listenOn(listener!);
    while (outcome.tries < until && outcome.problems.length === 0) {
      const seen: string[] = [];
      const login = new Login(port, environment, chance, outcome, seen);
      await attempt(outcome, '', () => login.run());
      if (outcome.problems.length > 0) outcome.problems.push(`said: ${JSON.stringify(seen).slice(0, 2000)}`);
    }
    await broker.close();
    options.progress?.(outcome);
  }
  return outcome;
}

/** One connection: some steps of a login, right ones and others, in an order that is mostly right. */
class Login {
  readonly #port: number;
  readonly #environment: ManualEnvironment;
  readonly #chance: Chance;
  readonly #outcome: Outcome;
  readonly #seen: string[];
  readonly #frames: Buffer[] = [];
  #isClosed = false;
  #mechanism = '';
  /** What was said last of a login that may be right. */
  #mayBeIn = false;

  // oxlint-disable-next-line max-params -- the parts of one fuzzer
  constructor(port: number, environment: ManualEnvironment, chance: Chance, outcome: Outcome, seen: string[]) {
    this.#port = port;
    this.#environment = environment;
    this.#chance = chance;
    this.#outcome = outcome;
    this.#seen = seen;
  }

  async run(): Promise<void> {
    const chance = this.#chance;
    const socket = createConnection({ host: '127.0.0.1', port: this.#port });
    const splitter = new FrameSplitter();
    socket.on('data', (chunk: Buffer) => this.#frames.push(...splitter.push(chunk)));
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#isClosed = true;
    });
    for (let steps = 1 + chance.below(4); steps > 0 && !this.#isClosed; steps--) {
      if (chance.oneIn(4)) await this.#ask(socket, apiVersions, chance.below(4), {});
      const version = chance.below(2);
      this.#mechanism = chance.pick(chance.oneIn(10) ? OTHERS : MECHANISMS);
      const shaken = await this.#ask(socket, saslHandshake, version, { mechanism: this.#mechanism });
      note(this.#outcome, `handshake ${shaken?.errorCode ?? 'closed'}`);
      let challenge: Buffer | undefined;
      for (let tokens = 1 + chance.below(3); tokens > 0 && !this.#isClosed; tokens--) {
        const token = await this.#token(challenge);
        this.#mayBeIn ||= RIGHT.test(token.toString('utf8')) || this.#mechanism === ANYBODY;
        challenge = await this.#say(socket, version, token);
      }
      await this.#tryToUse(socket);
      if (chance.oneIn(3)) this.#environment.advance(2000);
    }
    socket.destroy();
  }

  /** A message of the mechanism, most of the time with something changed. */
  async #token(challenge: Buffer | undefined): Promise<Buffer> {
    const chance = this.#chance;
    if (chance.oneIn(10)) return Buffer.from(Array.from({ length: chance.below(60) }, () => chance.below(256)));
    const isScram = this.#mechanism.startsWith('SCRAM');
    const mechanism = (isScram ? this.#mechanism : 'SCRAM-SHA-256') as ScramMechanism;
    const client = new ScramClient({ mechanism, username: 'alice', password: 'guess', nonce: 'nonce' });
    const final = challenge === undefined ? undefined : await client.final(challenge).catch(() => undefined);
    const token = Buffer.from('{"alg":"none"}').toString('base64url');
    const claims = Buffer.from('{"sub":"alice","exp":1700000100}').toString('base64url');
    const texts = [
      '\0alice\0secret',
      '\0alice\0wrong',
      'b\0alice\0secret',
      '\0b\0',
      client.first().toString('utf8'),
      ...(final === undefined ? [] : [final.toString('utf8')]),
      `n,,\x01auth=Bearer ${token}.${claims}.\x01\x01`,
      '\x01',
    ];
    const text = chance.pick(texts);
    return Buffer.from(chance.oneIn(4) ? text : mutated(text, texts, chance));
  }

  /** Says a message of a login; returns what comes of it. */
  async #say(socket: Socket, version: number, token: Buffer): Promise<Buffer | undefined> {
    this.#seen.push(token.toString('latin1'));
    if (version === 0) {
      const size = Buffer.alloc(4);
      size.writeInt32BE(token.length);
      socket.write(Buffer.concat([size, token]));
      return this.#next();
    }
    const answer = await this.#ask(socket, saslAuthenticate, 2, { authBytes: token });
    note(this.#outcome, `authenticate ${answer?.errorCode ?? 'closed'}`);
    return answer?.authBytes;
  }

  /** Only who is in is answered. */
  async #tryToUse(socket: Socket): Promise<void> {
    if (this.#isClosed || this.#chance.oneIn(3)) return;
    const answer = await this.#ask(socket, metadata, 9, { topics: null });
    note(this.#outcome, answer === undefined ? 'not in' : 'in');
    if (answer !== undefined && !this.#mayBeIn) this.#outcome.problems.push('somebody got in without a password');
  }

  async #ask<Req, Res>(
    socket: Socket,
    api: Api<Req, Res>,
    version: number,
    draft: Draft<Req>,
  ): Promise<Res | undefined> {
    const out = new FrameWriter();
    encodeRequest(api, version, 7, 'fuzz', create(api, draft), out);
    socket.write(Buffer.concat(out.take()));
    const frame = await this.#next();
    if (frame === undefined) return undefined;
    try {
      return decodeResponse(api, version, frame);
    } catch (error) {
      // Where tokens come without headers, so do answers.
      note(this.#outcome, `an answer of another kind: ${messageOf(error).slice(0, 20)}`);
      return undefined;
    }
  }

  /** The next answer; undefined when the connection ends instead. One of both has to come. */
  async #next(): Promise<Buffer | undefined> {
    for (let turn = 0; turn < TURNS; turn++) {
      const frame = this.#frames.shift();
      if (frame !== undefined || this.#isClosed) return frame;
      await new Promise<void>((resolve) => {
        this.#environment.soon(resolve);
      });
      if (turn > 20) this.#environment.advance(TURN_MS);
    }
    this.#outcome.problems.push(`nothing came of ${this.#seen.at(-1) ?? 'a handshake'}`);
    return undefined;
  }
}
