// Logins over SASL as clients see them: kafkajs, and bytes of our own where it matters what comes when.
import { createConnection, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import {
  type Api,
  apiVersions,
  create,
  decodeResponse,
  type Draft,
  encodeRequest,
  ErrorCode,
  FrameSplitter,
  FrameWriter,
  metadata,
  saslAuthenticate,
  saslHandshake,
} from '../../../src/protocol/index.ts';
import { ManualEnvironment } from '../../../src/util/index.ts';
import { openBroker } from '../support.ts';
import { addScramUser, kafkaJs, listen } from './support.ts';

const PLAIN = 'org.apache.kafka.common.security.plain.PlainLoginModule required';
const OAUTH = 'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;';
const SETTINGS = {
  'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
  'listener.security.protocol.map': 'LOGIN:SASL_PLAINTEXT,PLAINTEXT:PLAINTEXT',
  'listener.name.login.plain.sasl.jaas.config': `${PLAIN} user_alice="alice's" user_bob="bob's";`,
  'listener.name.login.oauthbearer.sasl.jaas.config': OAUTH,
  'connection.failed.authentication.delay.ms': 1,
};
const LISTENERS = 'LOGIN://127.0.0.1:0,PLAINTEXT://127.0.0.1:0';

async function opened(settings: Record<string, string | number> = {}, environment?: ManualEnvironment) {
  const told: string[] = [];
  const broker = await openBroker({
    settings: { ...SETTINGS, ...settings },
    log: (message) => told.push(message),
    ...(environment === undefined ? {} : { environment }),
  });
  const addresses = await listen(broker, LISTENERS);
  return { broker, told, login: addresses['LOGIN']!, plain: addresses['PLAINTEXT']! };
}

/** A client that writes what it likes. */
async function connect(address: string) {
  const [host, port] = address.split(':');
  const socket: Socket = createConnection({ host: host!, port: Number(port) });
  const splitter = new FrameSplitter();
  const frames: Buffer[] = [];
  const state = { isClosed: false, wake: () => {} };
  socket.on('data', (chunk: Buffer) => {
    frames.push(...splitter.push(chunk));
    state.wake();
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    state.isClosed = true;
    state.wake();
  });
  await new Promise<void>((resolve) => {
    socket.once('connect', () => resolve());
  });
  const next = async (): Promise<Buffer | undefined> => {
    while (frames.length === 0 && !state.isClosed) {
      await new Promise<void>((resolve) => {
        state.wake = resolve;
      });
    }
    return frames.shift();
  };
  const post = <Req, Res>(api: Api<Req, Res>, version: number, draft: Draft<Req>): void => {
    const out = new FrameWriter();
    encodeRequest(api, version, 1, 'test', create(api, draft), out);
    socket.write(Buffer.concat(out.take()));
  };
  return {
    socket,
    next,
    post,
    /** The answer; undefined when the broker closed the connection instead. */
    async ask<Req, Res>(api: Api<Req, Res>, version: number, draft: Draft<Req>): Promise<Res | undefined> {
      post(api, version, draft);
      const frame = await next();
      return frame === undefined ? undefined : decodeResponse(api, version, frame);
    },
    raw(token: Buffer | string): void {
      const bytes = Buffer.from(token);
      const size = Buffer.alloc(4);
      size.writeInt32BE(bytes.length);
      socket.write(Buffer.concat([size, bytes]));
    },
  };
}

const plainToken = (user: string, password: string, as = ''): Buffer => Buffer.from(`${as}\0${user}\0${password}`);

describe('kafkajs', () => {
  test.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)('logs in with %s', async (mechanism) => {
    const { broker, login } = await opened();
    await addScramUser(broker, 'alice', "alice's");
    const kafka = kafkaJs(login, { sasl: { mechanism, username: 'alice', password: "alice's" } as never });
    const producer = kafka.producer();
    await producer.connect();
    await producer.send({ topic: 't', messages: [{ value: 'one' }] });
    await producer.disconnect();
    const wrong = kafkaJs(login, { sasl: { mechanism, username: 'alice', password: 'wrong' } as never }).admin();
    await expect(wrong.connect()).rejects.toThrow(
      mechanism === 'plain'
        ? 'Authentication failed: Invalid username or password'
        : `due to invalid credentials with SASL mechanism ${mechanism.toUpperCase()}`,
    );
    const stranger = kafkaJs(login, { sasl: { mechanism, username: 'carol', password: 'x' } as never }).admin();
    await expect(stranger.connect()).rejects.toThrow(/Invalid username or password|due to invalid credentials/);
  });

  test('logs in with tokens that nobody signed, where nobody says whose keys would sign them', async () => {
    const { login, told } = await opened();
    const token = (claims: object): string =>
      `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.`;
    const inAnHour = Math.floor(Date.now() / 1000) + 3600;
    const adminWith = (value: string) =>
      kafkaJs(login, { sasl: { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value }) } }).admin();
    const admin = adminWith(token({ sub: 'alice', exp: inAnHour }));
    await admin.connect();
    expect(await admin.listTopics()).toEqual([]);
    await admin.disconnect();
    const client = await connect(login);
    await client.ask(saslHandshake, 1, { mechanism: 'OAUTHBEARER' });
    const authBytes = Buffer.from(`n,,\x01auth=Bearer ${token({ sub: 'alice', exp: 1000 })}\x01\x01`);
    const answer = await client.ask(saslAuthenticate, 2, { authBytes });
    expect(answer).toMatchObject({ errorCode: 0, authBytes: Buffer.from('{"status":"invalid_token"}') });
    expect(await client.ask(saslAuthenticate, 2, { authBytes: Buffer.from('\x01') })).toMatchObject({
      errorCode: ErrorCode.SASL_AUTHENTICATION_FAILED,
      errorMessage: '{"status":"invalid_token"}',
    });
    expect(told.join('\n')).toContain('tokens that nobody signed');
  });

  test('is told which broker answers where it came in', async () => {
    const { broker, login, plain } = await opened();
    await addScramUser(broker, 'alice', 'pw');
    const sasl = { mechanism: 'scram-sha-512', username: 'alice', password: 'pw' } as const;
    for (const [address, config] of [
      [login, { sasl }],
      [plain, {}],
    ] as const) {
      const admin = kafkaJs(address, config).admin();
      await admin.connect();
      const { brokers } = await admin.describeCluster();
      expect(brokers.map(({ host, port }) => `${host}:${port}`)).toEqual([address]);
      await admin.disconnect();
    }
  });
});

describe('before a login', () => {
  test('only versions and mechanisms are answered', async () => {
    const { login, told } = await opened();
    const client = await connect(login);
    expect(await client.ask(apiVersions, 3, { clientSoftwareName: 'x', clientSoftwareVersion: '1' })).toMatchObject({
      errorCode: 0,
    });
    expect(await client.ask(saslHandshake, 1, { mechanism: 'PLAIN' })).toEqual({
      errorCode: 0,
      mechanisms: ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'],
    });
    const early = await connect(login);
    expect(await early.ask(metadata, 9, { topics: null })).toBeUndefined();
    expect(told.join('\n')).toContain('API 3 was asked for before a login');
  });

  test('a request that is not part of it ends the connection', async () => {
    const { login } = await opened();
    const client = await connect(login);
    await client.ask(saslHandshake, 1, { mechanism: 'PLAIN' });
    expect(await client.ask(apiVersions, 0, {})).toBeUndefined();
    const token = await connect(login);
    expect(await token.ask(saslAuthenticate, 2, { authBytes: plainToken('alice', "alice's") })).toBeUndefined();
  });

  test('a mechanism that is not there is answered with those that are, and the end', async () => {
    const { login } = await opened();
    const client = await connect(login);
    expect(await client.ask(saslHandshake, 1, { mechanism: 'GSSAPI' })).toEqual({
      errorCode: ErrorCode.UNSUPPORTED_SASL_MECHANISM,
      mechanisms: ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'],
    });
    expect(await client.next()).toBeUndefined();
  });

  test('a large request ends the connection before it is read', async () => {
    const { login, told } = await opened({ 'sasl.server.max.receive.size': 1000 });
    const client = await connect(login);
    client.raw(Buffer.alloc(1001));
    expect(await client.next()).toBeUndefined();
    expect(told.join('\n')).toContain('A frame of 1001 bytes exceeds the limit of 1000');
  });
});

describe('a login', () => {
  test('that fails is answered when its time has come, and ends the connection; what came behind it is not looked at', async () => {
    const { login, told } = await opened({ 'connection.failed.authentication.delay.ms': 60 });
    const client = await connect(login);
    await client.ask(saslHandshake, 1, { mechanism: 'PLAIN' });
    const before = performance.now();
    client.post(saslAuthenticate, 2, { authBytes: plainToken('alice', 'wrong') });
    client.post(saslAuthenticate, 2, { authBytes: plainToken('alice', "alice's") });
    expect(decodeResponse(saslAuthenticate, 2, (await client.next())!)).toMatchObject({
      errorCode: ErrorCode.SASL_AUTHENTICATION_FAILED,
      errorMessage: 'Authentication failed: Invalid username or password',
    });
    expect(performance.now() - before).toBeGreaterThan(50);
    expect(await client.next()).toBeUndefined();
    expect(told.join('\n')).toContain('login failed: Authentication failed: Invalid username or password');
    expect(told.join('\n')).not.toContain('wrong');
  });

  test('may have its messages without headers', async () => {
    const { login } = await opened();
    const client = await connect(login);
    expect(await client.ask(saslHandshake, 0, { mechanism: 'PLAIN' })).toMatchObject({ errorCode: 0 });
    client.raw(plainToken('alice', "alice's"));
    expect(await client.next()).toEqual(Buffer.alloc(0));
    expect(await client.ask(metadata, 9, { topics: null })).toMatchObject({ errorCode: 0 });
    const wrong = await connect(login);
    await wrong.ask(saslHandshake, 0, { mechanism: 'PLAIN' });
    wrong.raw(plainToken('alice', 'wrong'));
    expect(await wrong.next()).toBeUndefined();
  });

  test('as somebody else than who logs in is refused', async () => {
    const { login } = await opened();
    const client = await connect(login);
    await client.ask(saslHandshake, 1, { mechanism: 'PLAIN' });
    const authBytes = plainToken('alice', "alice's", 'bob');
    expect(await client.ask(saslAuthenticate, 2, { authBytes })).toMatchObject({
      errorCode: ErrorCode.SASL_AUTHENTICATION_FAILED,
      errorMessage: expect.stringContaining('an authorization id that is different from username'),
    });
  });

  test('where there is none is told that this is not the state for it', async () => {
    const { login, plain } = await opened();
    const open = await connect(plain);
    expect(await open.ask(saslHandshake, 1, { mechanism: 'PLAIN' })).toEqual({
      errorCode: ErrorCode.ILLEGAL_SASL_STATE,
      mechanisms: [],
    });
    expect(await open.ask(saslAuthenticate, 2, {})).toMatchObject({ errorCode: ErrorCode.ILLEGAL_SASL_STATE });
    // Without sessions that end there is nothing to log in again for.
    const client = await connect(login);
    await client.ask(saslHandshake, 1, { mechanism: 'PLAIN' });
    await client.ask(saslAuthenticate, 2, { authBytes: plainToken('alice', "alice's") });
    expect(await client.ask(saslHandshake, 1, { mechanism: 'PLAIN' })).toMatchObject({
      errorCode: ErrorCode.ILLEGAL_SASL_STATE,
    });
    expect(await client.ask(saslAuthenticate, 2, {})).toMatchObject({ errorCode: ErrorCode.ILLEGAL_SASL_STATE });
    expect(await client.ask(metadata, 9, { topics: null })).toMatchObject({ errorCode: 0 });
  });
});

describe('a session', () => {
  const SESSION_MS = 60_000;
  const open = async () => {
    const environment = new ManualEnvironment(1_000_000);
    const { login, told } = await opened({ 'connections.max.reauth.ms': SESSION_MS }, environment);
    const client = await connect(login);
    await client.ask(saslHandshake, 1, { mechanism: 'PLAIN' });
    const answer = await client.ask(saslAuthenticate, 2, { authBytes: plainToken('alice', "alice's") });
    expect(answer).toMatchObject({ errorCode: 0, sessionLifetimeMs: SESSION_MS });
    return { environment, client, told };
  };

  test('that nobody renews ends the connection at the next request', async () => {
    const { environment, client, told } = await open();
    environment.advance(SESSION_MS);
    expect(await client.ask(metadata, 9, { topics: null })).toMatchObject({ errorCode: 0 });
    environment.advance(1);
    expect(await client.ask(metadata, 9, { topics: null })).toBeUndefined();
    expect(told.join('\n')).toContain('the session ended without a new login');
  });

  test('is renewed on the same connection, but not more often than once a second', async () => {
    const { environment, client } = await open();
    expect(await client.ask(saslHandshake, 1, { mechanism: 'PLAIN' })).toMatchObject({ errorCode: 34 });
    environment.advance(SESSION_MS + 1);
    expect(await client.ask(saslHandshake, 1, { mechanism: 'PLAIN' })).toMatchObject({ errorCode: 0 });
    const authBytes = plainToken('alice', "alice's");
    expect(await client.ask(saslAuthenticate, 2, { authBytes })).toMatchObject({ sessionLifetimeMs: SESSION_MS });
    expect(await client.ask(metadata, 9, { topics: null })).toMatchObject({ errorCode: 0 });
  });

  test('stays that of its user', async () => {
    const { environment, client } = await open();
    environment.advance(1000);
    await client.ask(saslHandshake, 1, { mechanism: 'PLAIN' });
    client.post(saslAuthenticate, 2, { authBytes: plainToken('bob', "bob's") });
    // The answer waits for its time, which is the test's.
    const answer = await waitingFor(environment, client.next());
    expect(decodeResponse(saslAuthenticate, 2, answer!)).toMatchObject({
      errorCode: ErrorCode.SASL_AUTHENTICATION_FAILED,
      errorMessage: 'Cannot change principals during re-authentication from User.alice: User.bob',
    });
    expect(await client.next()).toBeUndefined();
  });

  test('is renewed with the mechanism that it began with', async () => {
    const { environment, client } = await open();
    environment.advance(1000);
    expect(await client.ask(saslHandshake, 1, { mechanism: 'SCRAM-SHA-256' })).toMatchObject({ errorCode: 0 });
    client.post(saslAuthenticate, 2, { authBytes: Buffer.from('n,,n=alice,r=x') });
    const answer = await waitingFor(environment, client.next());
    expect(decodeResponse(saslAuthenticate, 2, answer!)).toMatchObject({
      errorMessage:
        "SASL mechanism 'SCRAM-SHA-256' requested by client is not supported for re-authentication of mechanism 'PLAIN'",
    });
  });
});

/** Lets time pass until something has come. */
async function waitingFor<T>(environment: ManualEnvironment, promise: Promise<T>): Promise<T> {
  let isDone = false;
  const done = promise.finally(() => {
    isDone = true;
  });
  while (!isDone) {
    environment.advance(1);
    await new Promise<void>((resolve) => {
      environment.soon(resolve);
    });
  }
  return done;
}
