import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { certificateName } from '../../src/security/index.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-names-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function certificateOf(subject: string): Buffer {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', '/dev/null'];
  const args = ['req', '-x509', '-utf8', ...key, '-days', '1', '-subj', subject];
  return new X509Certificate(execFileSync('openssl', args, { cwd: directory, stdio: ['pipe', 'pipe', 'ignore'] })).raw;
}

// The names on the right are those that Java 17 gives (X500Principal.getName).
test.each([
  ['/C=DE/ST=Hesse/L=Frankfurt/O=Example/OU=Sales/CN=alice', 'CN=alice,OU=Sales,O=Example,L=Frankfurt,ST=Hesse,C=DE'],
  ['/O=Ex, Inc. \\+ "Co" <x>;#\\\\=/CN= a b ', 'CN=\\ a b\\ ,O=Ex\\, Inc. \\+ \\"Co\\" \\<x\\>\\;\\#\\\\\\='],
  ['/CN=Zoë ☃/UID=z', 'UID=z,CN=Zoë ☃'],
  ['/DC=org/DC=example/CN=a+OU=b', 'CN=a+OU=b,DC=example,DC=org'],
  ['/CN=a/emailAddress=a@example.org', '1.2.840.113549.1.9.1=#160d61406578616d706c652e6f7267,CN=a'],
])('%s', (subject, name) => {
  expect(certificateName(certificateOf(subject))).toBe(name);
});

test('of what is no certificate is an error', () => {
  expect(() => certificateName(Buffer.from('3000', 'hex'))).toThrow(Error);
  expect(() => certificateName(Buffer.alloc(0))).toThrow('it ends in the middle');
});
