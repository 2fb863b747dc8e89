// Signed tokens against keys in a file and behind a URL.
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkSignedToken, checkUnsignedToken, Jwks, type TokenRules } from '../../src/security/index.ts';
import { ManualEnvironment } from '../../src/util/index.ts';

const NOW = 1_700_000_000_000;
const RULES: TokenRules = {
  userClaim: 'sub',
  scopeClaim: 'scope',
  requiredScopes: [],
  audiences: [],
  issuer: undefined,
  clockSkewMs: 30_000,
};
const GOOD = { sub: 'alice', exp: NOW / 1000 + 60 };

let directory: string;
let environment: ManualEnvironment;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-tokens-'));
  environment = new ManualEnvironment(NOW);
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const curve = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' } as const;
const base64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const jwk = (key: KeyObject, kid?: string) => ({
  ...key.export({ format: 'jwk' }),
  ...(kid === undefined ? {} : { kid }),
});

function tokenOf(claims: object, header: { alg: string; kid?: string }, key: KeyObject): string {
  const text = `${base64(header)}.${base64(claims)}`;
  const hash = header.alg === 'EdDSA' ? null : `sha${header.alg.slice(2)}`;
  const padding = header.alg.startsWith('PS') ? { padding: 6, saltLength: Number(header.alg.slice(2)) / 8 } : {};
  const signature = sign(hash, Buffer.from(text), { key, dsaEncoding: 'ieee-p1363', ...padding });
  return `${text}.${signature.toString('base64url')}`;
}

function keysInFile(keys: readonly object[], options: { refreshMs?: number } = {}): Jwks {
  const file = join(directory, 'keys.json');
  writeFileSync(file, JSON.stringify({ keys }));
  return jwksAt(pathToFileURL(file).href, options);
}

function jwksAt(url: string, { refreshMs = 1000 }: { refreshMs?: number } = {}): Jwks {
  return new Jwks('keys', { url, refreshMs, retryMs: 100, retryMaxMs: 1000, environment });
}

const check = (token: string, keys: Jwks, rules = RULES) => checkSignedToken(token, keys, rules, environment);

describe('a signed token', () => {
  test.each(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'])(
    'of %s says who has it and until when',
    async (alg) => {
      const keys = keysInFile([{ kty: 'oct', k: 'AAAA', kid: 'a' }, jwk(rsa.publicKey, 'a')]);
      const token = tokenOf(GOOD, { alg, kid: 'a' }, rsa.privateKey);
      expect(await check(token, keys)).toEqual({ user: 'alice', expiresAt: GOOD.exp * 1000 });
      await expect(check(tokenOf(GOOD, { alg, kid: 'b' }, rsa.privateKey), keys)).rejects.toThrow(
        'none of the known keys',
      );
    },
  );

  test.each(['ES256', 'ES384', 'ES512', 'EdDSA'] as const)('of %s does, too', async (alg) => {
    const { publicKey, privateKey } =
      alg === 'EdDSA' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: curve[alg] });
    expect(await check(tokenOf(GOOD, { alg }, privateKey), keysInFile([jwk(publicKey)]))).toMatchObject({
      user: 'alice',
    });
  });

  test('is good only with the signature of a known key, of the kind that the key is for', async () => {
    const keys = keysInFile([{ ...jwk(rsa.publicKey, 'a'), alg: 'RS512' }]);
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const good = tokenOf(GOOD, { alg: 'RS512', kid: 'a' }, rsa.privateKey);
    await check(good, keys);
    const [header, , signature] = good.split('.');
    for (const bad of [
      tokenOf(GOOD, { alg: 'RS512', kid: 'a' }, other.privateKey),
      tokenOf(GOOD, { alg: 'RS256', kid: 'a' }, rsa.privateKey),
      `${header}.${base64({ ...GOOD, sub: 'bob' })}.${signature}`,
      `${header}.${good.split('.')[1]}.`,
    ]) {
      await expect(check(bad, keys)).rejects.toThrow('none of the known keys signed it');
    }
    const none = `${base64({ alg: 'none' })}.${base64(GOOD)}.`;
    await expect(check(none, keys)).rejects.toThrow('signed with none, which is not accepted');
    const hmac = `${base64({ alg: 'HS256', kid: 'a' })}.${base64(GOOD)}.AAAA`;
    await expect(check(hmac, keys)).rejects.toThrow('signed with HS256, which is not accepted');
  });

  test.each([
    [{ ...GOOD, exp: NOW / 1000 - 30 }, {}, 'it has expired'],
    [{ sub: 'alice' }, {}, 'it has no end'],
    [{ ...GOOD, exp: 'soon' }, {}, 'exp is no time'],
    [{ ...GOOD, nbf: NOW / 1000 + 31 }, {}, 'not good yet'],
    [{ ...GOOD, iat: NOW / 1000 + 31 }, {}, 'not good yet'],
    [{ ...GOOD, sub: ' ' }, {}, 'the claim sub names nobody'],
    [GOOD, { userClaim: 'name' }, 'the claim name names nobody'],
    [{ ...GOOD, iss: 'other' }, { issuer: 'me' }, 'somebody else issued it'],
    [GOOD, { audiences: ['kafka'] }, 'for somebody else'],
    [{ ...GOOD, aud: ['web', 'kafka '] }, { audiences: ['kafka'] }, 'for somebody else'],
    [{ ...GOOD, scope: 'a b' }, { requiredScopes: ['c'] }, 'lacks the scope c'],
  ])('with %j under %j is refused', async (claims, rules, why) => {
    const keys = keysInFile([jwk(rsa.publicKey)]);
    const token = tokenOf(claims, { alg: 'RS256' }, rsa.privateKey);
    await expect(check(token, keys, { ...RULES, ...rules })).rejects.toThrow(why);
  });

  test('may be for several, and have its scopes as a list', async () => {
    const keys = keysInFile([jwk(rsa.publicKey)]);
    const claims = { ...GOOD, aud: ['web', 'kafka'], iss: 'me', scopes: ['a', 'c'], exp: NOW / 1000 - 29 };
    const rules = {
      ...RULES,
      audiences: ['other', 'kafka'],
      issuer: 'me',
      scopeClaim: 'scopes',
      requiredScopes: ['c'],
    };
    const token = tokenOf(claims, { alg: 'RS256' }, rsa.privateKey);
    expect(await check(token, keys, rules)).toMatchObject({ user: 'alice' });
  });
});

test('an unsigned token is one only where nobody signed it', () => {
  const token = `${base64({ alg: 'none' })}.${base64(GOOD)}.`;
  expect(checkUnsignedToken(token, RULES, environment)).toEqual({ user: 'alice', expiresAt: GOOD.exp * 1000 });
  const signed = tokenOf(GOOD, { alg: 'RS256' }, rsa.privateKey);
  expect(() => checkUnsignedToken(signed, RULES, environment)).toThrow('without a signature');
  fc.assert(
    fc.property(fc.string(), fc.json(), (text, json) => {
      for (const any of [text, `${text}.${text}.`, `${Buffer.from(json).toString('base64url')}.${base64(GOOD)}.`]) {
        try {
          checkUnsignedToken(any, RULES, environment);
        } catch (error) {
          expect(error).toMatchObject({ code: 'SASL_AUTHENTICATION_FAILED' });
        }
      }
    }),
  );
});

describe('keys', () => {
  let server: Server | undefined;
  afterEach(async () => {
    server?.closeAllConnections();
    await new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())));
    server = undefined;
  });

  async function serve(answer: () => { status: number; body: string }): Promise<string> {
    server = createServer((_, response) => {
      const { status, body } = answer();
      response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    });
    await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
  }

  test('are read again when a token names a new one, and stay good while their place is away', async () => {
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
    let keys = [jwk(rsa.publicKey, 'a')];
    let status = 200;
    let asked = 0;
    const jwks = jwksAt(
      await serve(() => {
        asked++;
        return { status, body: JSON.stringify({ keys }) };
      }),
    );
    const old = tokenOf({ ...GOOD, exp: NOW }, { alg: 'RS256', kid: 'a' }, rsa.privateKey);
    const fresh = tokenOf({ ...GOOD, exp: NOW }, { alg: 'RS256', kid: 'b' }, other.privateKey);
    await Promise.all([check(old, jwks), check(old, jwks)]);
    expect(asked).toBe(1);
    keys = [jwk(rsa.publicKey, 'a'), jwk(other.publicKey, 'b')];
    // Not more often than the pause between tries: tokens with made-up names would make us ask for each.
    await expect(check(fresh, jwks)).rejects.toThrow('none of the known keys');
    expect(asked).toBe(1);
    environment.advance(100);
    await check(fresh, jwks);
    expect(asked).toBe(2);
    status = 500;
    environment.advance(1000);
    await check(old, jwks);
    expect(asked).toBe(3);
  });

  test('that can not be had are a failed login, which says why', async () => {
    const jwks = jwksAt(await serve(() => ({ status: 404, body: '' })));
    const token = tokenOf(GOOD, { alg: 'RS256' }, rsa.privateKey);
    await expect(check(token, jwks)).rejects.toThrow('can not be read: HTTP 404');
    const empty = keysInFile([{ kty: 'oct', k: 'AAAA' }]);
    await expect(check(token, empty)).rejects.toThrow('no key for signatures');
  });
});
