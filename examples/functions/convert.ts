// A function that is waited for: it asks a service. So many calls are under way at a time, results keep the order of their
// records, and a record and its result are in one transaction.
import { defineAsync } from '../../src/sql-api/index.ts';

export const convert = defineAsync({
  description: 'An amount in another currency, by the service at RATES_URL.',
  args: ['DECIMAL', 'STRING'],
  returns: 'DECIMAL(12, 2)',
  concurrency: 8,
  timeoutMs: 5_000,
  retries: 2,
  async evaluate({ signal }, amount, currency) {
    const response = await fetch(`${process.env['RATES_URL']}/${encodeURIComponent(currency)}`, { signal });
    if (!response.ok) throw new Error(`no rate for ${currency} (HTTP ${response.status})`);
    return (Number(amount) * Number(await response.text())).toFixed(2);
  },
});
