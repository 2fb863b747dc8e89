// The settings of docs/security/clients.md are such that a client takes them, as far as it can tell without connecting.
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { clientOptionsOf, createClient } from '../../src/client/index.ts';
import { parseProperties } from '../../src/util/index.ts';
import { hasOpenssl, makeCertificates } from '../suites/certificates.ts';

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'security', 'clients.md'), 'utf8');
const blocks = [...page.matchAll(/## ([^\n]+)\n(?:(?!\n## )[\s\S])*?```properties\n([\s\S]*?)```/g)];
const all = [...page.matchAll(/```properties\n([\s\S]*?)```/g)].map(([, text]) => text!);

test('the page has settings for each provider', () => {
  expect(blocks.map(([, title]) => title)).toEqual(['Confluent Cloud', 'Amazon MSK', 'Aiven', 'Redpanda']);
  expect(all).toHaveLength(5);
});

test.skipIf(!hasOpenssl())('a client takes them', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-page-'));
  try {
    const certificates = makeCertificates(folder);
    certificates.issue('service');
    renameSync(join(folder, 'service.crt'), join(folder, 'service.cert'));
    writeFileSync(join(folder, 'ca.pem'), readFileSync(certificates.ca));
    const files = /=(service\.key|service\.cert|ca\.pem)$/gm;
    for (const text of all) {
      const given = Object.fromEntries(parseProperties(text.replaceAll(files, `=${folder}/$1`)));
      const options = clientOptionsOf(given);
      expect(options.securityProtocol).toMatch(/SSL$/);
      await createClient(options).close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
