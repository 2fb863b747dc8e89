// Self-made certificates for the tests, by the openssl command.
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export function hasOpenssl(): boolean {
  return spawnSync('openssl', ['version']).status === 0;
}

export interface Certificates {
  /** What all others are signed by. */
  readonly ca: string;
  /** Makes `<name>.key` and `<name>.crt`, for 127.0.0.1 or the hosts that are named; answers the paths without their endings. */
  issue(name: string, hosts?: string): string;
  openssl(...args: string[]): void;
}

export function makeCertificates(folder: string): Certificates {
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.crt', '-days', '2', '-subj', '/CN=Millrace Test CA');
  return {
    ca: join(folder, 'ca.crt'),
    issue(name, hosts = 'IP:127.0.0.1,DNS:localhost') {
      openssl('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
      writeFileSync(join(folder, `${name}.ext`), `subjectAltName=${hosts}\n`);
      const signed = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', `${name}.ext`];
      openssl('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.crt`, ...signed);
      return join(folder, name);
    },
    openssl,
  };
}
