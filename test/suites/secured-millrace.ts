// A broker of ours with a listener of each kind: over TLS and without, with logins and without.
import { rmSync } from 'node:fs';
import { addScramUser, listen } from '../broker/security/support.ts';
import { openEmbedded } from './embedded.ts';
import { PASSWORDS, type SecuredCluster } from './secured-client.ts';
import { securedCluster, securedListeners } from './secured-listeners.ts';

export async function openSecuredMillrace(): Promise<SecuredCluster> {
  const listeners = securedListeners();
  const embedded = await openEmbedded({ ...listeners.settings });
  const all = listeners.names.map((name) => `${name}://127.0.0.1:0`).join(',');
  const addresses = await listen(embedded.broker, all);
  await addScramUser(embedded.broker, PASSWORDS.username, PASSWORDS.password);
  return securedCluster(
    listeners,
    (name) => addresses[name]!,
    async () => {
      await embedded.close();
      rmSync(listeners.folder, { recursive: true, force: true });
    },
  );
}
