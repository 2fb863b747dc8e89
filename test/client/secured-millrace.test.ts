import { test } from 'vitest';
import { hasOpenssl } from '../suites/certificates.ts';
import { securedClientSuite } from '../suites/secured-client.ts';
import { openSecuredMillrace } from '../suites/secured-millrace.ts';

if (hasOpenssl()) securedClientSuite('on our broker', openSecuredMillrace);
else test.skip('skipped: there is no openssl (apt-get install openssl)', () => {});
