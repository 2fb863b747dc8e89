import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  isScramPassword,
  saltedPassword,
  SCRAM_MECHANISMS,
  ScramClient,
  type ScramCredential,
  scramCredential,
  type ScramMechanism,
  ScramServer,
} from '../../src/security/index.ts';

const ITERATIONS = 4096;

async function credential(mechanism: ScramMechanism, password: string, salt: Buffer): Promise<ScramCredential> {
  return scramCredential(mechanism, await saltedPassword(mechanism, password, salt, ITERATIONS), salt, ITERATIONS);
}

function serverWith(mechanism: ScramMechanism, users: Readonly<Record<string, ScramCredential>>, nonce = 'server') {
  return new ScramServer({
    mechanism,
    nonce,
    credentialOf: (name) => (Object.hasOwn(users, name) ? users[name] : undefined),
  });
}

test('the exchange of RFC 7677, section 3, byte by byte', async () => {
  const mechanism = 'SCRAM-SHA-256';
  const client = new ScramClient({ mechanism, username: 'user', password: 'pencil', nonce: 'rOprNGfwEbeRWgbNEkqO' });
  const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');
  const known = { user: await credential(mechanism, 'pencil', salt) };
  const server = serverWith(mechanism, known, '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0');
  expect(client.first().toString()).toBe('n,,n=user,r=rOprNGfwEbeRWgbNEkqO');
  const first = server.first(client.first());
  const nonce = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0';
  expect(first.toString()).toBe(`r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`);
  const final = await client.final(first);
  expect(final.toString()).toBe(`c=biws,r=${nonce},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`);
  const proof = server.final(final);
  expect(proof.toString()).toBe('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');
  client.verify(proof);
  expect(server.authenticatedUser).toBe('user');
});

describe.each(SCRAM_MECHANISMS)('%s', (mechanism) => {
  const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).filter((each) => !/[\0\uFFFD]/.test(each));

  test('agrees with itself for whatever user and password', async () => {
    await fc.assert(
      fc.asyncProperty(text, text, text, fc.uint8Array({ minLength: 1 }), async (username, password, other, bytes) => {
        const known = { [username]: await credential(mechanism, password, Buffer.from(bytes)) };
        expect(await isScramPassword(mechanism, known[username]!, password)).toBe(true);
        for (const given of [password, other]) {
          const client = new ScramClient({ mechanism, username, password: given, nonce: 'client' });
          const server = serverWith(mechanism, known);
          const final = await client.final(server.first(client.first()));
          if (given === password) {
            client.verify(server.final(final));
            expect(server.authenticatedUser).toBe(username);
          } else {
            expect(() => server.final(final)).toThrow('The password is wrong.');
            expect(server.authenticatedUser).toBeUndefined();
          }
        }
      }),
      { numRuns: 20 },
    );
  });

  test('takes a login whose authorization id is its user, and extensions that it does not know', async () => {
    const known = { 'a,b=c': await credential(mechanism, 'pw', Buffer.from('salt')) };
    const server = serverWith(mechanism, known);
    server.first(Buffer.from('y,a=a=2Cb=3Dc,n=a=2Cb=3Dc,r=n,x=y,longer=z=1'));
    expect(server.authenticatedUser).toBeUndefined();
    expect(() => serverWith(mechanism, known).first(Buffer.from('n,a=b,n=a=2Cb=3Dc,r=n'))).toThrow('another user');
  });

  test.each([
    ['p=tls-unique,,n=u,r=n', 'Channels can not be bound'],
    ['n,,n=u', 'malformed'],
    ['n,,n=u,r=', 'malformed'],
    ['n,,m=x,n=u,r=n', 'malformed'],
    ['n,,n=,r=n', 'malformed'],
    ['n,,n=u=2,r=n', 'malformed'],
    ['n,,n=u,r=n,x', 'malformed'],
    ['z,,n=u,r=n', 'malformed'],
    ['', 'malformed'],
    ['n,,n=stranger,r=n', 'There is no credential'],
    ['n,,n=u,r=n,tokenauth=true', 'no delegation tokens'],
  ])('refuses the first message %s', async (message, why) => {
    const known = { u: await credential(mechanism, 'pw', Buffer.from('salt')) };
    expect(() => serverWith(mechanism, known).first(Buffer.from(message))).toThrow(why);
  });

  test.each([
    [(final: string) => final.replace('c=biws', `c=${Buffer.from('y,,').toString('base64')}`), 'another channel'],
    [(final: string) => final.replace('r=client', 'r=Client'), 'The nonce'],
    [(final: string) => final.replace(/p=.{4}/, 'p=AAAA'), 'The password is wrong.'],
    [(final: string) => final.replace(/p=.*/, 'p=AAAA'), 'The password is wrong.'],
    [(final: string) => final.replace(/,p=.*/, ''), 'malformed'],
    [() => '', 'malformed'],
  ])('refuses a last message that is not the right one (%#)', async (changed, why) => {
    const known = { u: await credential(mechanism, 'pw', Buffer.from('salt')) };
    const client = new ScramClient({ mechanism, username: 'u', password: 'pw', nonce: 'client' });
    const server = serverWith(mechanism, known);
    const final = await client.final(server.first(client.first()));
    expect(() => server.final(Buffer.from(changed(final.toString())))).toThrow(why);
    // A second try needs a new exchange.
    expect(() => server.final(final)).toThrow('came first');
    expect(server.authenticatedUser).toBeUndefined();
  });

  test.each([
    ['r=clientX,s=AAAA,i=4095', '4095 iterations'],
    ['r=clientX,s=AAAA,i=2000000000', '2000000000 iterations'],
    ['r=client,s=AAAA,i=4096', 'nonce'],
    ['r=other,s=AAAA,i=4096', 'nonce'],
    ['r=clientX,s=???,i=4096', 'malformed'],
    ['r=clientX,s=AAAA,i=x', 'malformed'],
    ['', 'malformed'],
  ])('of a client refuses a server that says %s', async (message, why) => {
    const client = new ScramClient({ mechanism, username: 'u', password: 'pw', nonce: 'client' });
    await expect(client.final(Buffer.from(message))).rejects.toThrow(why);
  });

  test('of a client refuses a server that does not know the credential', async () => {
    const known = { u: await credential(mechanism, 'pw', Buffer.from('salt')) };
    const client = new ScramClient({ mechanism, username: 'u', password: 'pw', nonce: 'client' });
    await client.final(serverWith(mechanism, known).first(client.first()));
    expect(() => client.verify(Buffer.from('v=AAAA'))).toThrow('does not prove');
    expect(() => client.verify(Buffer.from('e=invalid-proof'))).toThrow('refuses the login: invalid-proof');
    expect(() => client.verify(Buffer.from(''))).toThrow('does not prove');
  });

  test('of any bytes is a refusal', async () => {
    const known = { u: await credential(mechanism, 'pw', Buffer.from('salt')) };
    fc.assert(
      fc.property(fc.uint8Array(), fc.string(), (bytes, tail) => {
        for (const message of [Buffer.from(bytes), Buffer.from(`n,,n=u,r=n${tail}`)]) {
          const server = serverWith(mechanism, known);
          try {
            server.first(message);
            server.final(message);
          } catch (error) {
            expect(error).toMatchObject({ code: 'SASL_AUTHENTICATION_FAILED' });
          }
          expect(server.authenticatedUser).toBeUndefined();
        }
      }),
    );
  });
});
