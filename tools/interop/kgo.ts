// franz-go's client for Go, by its own tests of pkg/kgo: groups of all protocols, transactions, producing, compression.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { has, lastLine, run } from './commands.ts';
import type { Outcome, Suite } from './suite.ts';

const PACKAGE = 'github.com/twmb/franz-go/pkg/kgo';
const VERSION = 'v1.22.3';
const FETCH_MS = 300_000;
const TESTS_MS = 30 * 60_000;
/** Those that take a second or so, and ask a broker. */
const QUICK = 'TestClient_|TestIssue|TestPing|TestRegex|TestAddRemove|TestPause|TestGroupSimple|TestManual|TestBasic';

/** A line of `go test -json`. */
interface Event {
  readonly Action: string;
  readonly Test?: string;
  readonly Output?: string;
}

export const kgo: Suite = {
  name: 'kgo',
  about: `franz-go ${VERSION}, its own tests`,

  async prepare(cache) {
    if (!(await has('go', 'version'))) return 'there is no go on the path';
    await mkdir(cache, { recursive: true });
    await writeFile(join(cache, 'go.mod'), `module interop\n\ngo 1.25\n`);
    const fetched = await run('go', ['get', '-t', `${PACKAGE}@${VERSION}`], { cwd: cache, timeoutMs: FETCH_MS });
    return fetched.code === 0 ? undefined : `go does not fetch it: ${lastLine(fetched.err)}`;
  },

  async run({ address, login, username, password }, cache, isQuick) {
    const outcomes = new Map<string, Outcome>();
    const said = new Map<string, string[]>();
    const onLine = (line: string): void => {
      if (!line.startsWith('{')) return;
      const { Action: action, Test: name, Output: output } = JSON.parse(line) as Event;
      if (name === undefined) return;
      if (action === 'output' && output !== undefined)
        said.set(name, [...(said.get(name) ?? []).slice(-50), output.trim()]);
      const result = ({ pass: 'passed', fail: 'failed', skip: 'skipped' } as const)[action];
      if (result === undefined) return;
      // What a test says has its place in the file before it; what the client logs has not.
      const lines = (said.get(name) ?? []).flatMap((each) => /^\w+\.go:\d+: (.*)$/.exec(each)?.[1] ?? []);
      const why = lines.at(-1) ?? 'it does not say why';
      outcomes.set(name, result === 'passed' ? { name, result } : { name, result, why });
    };
    const { err } = await run(
      'go',
      ['test', '-json', '-count=1', '-timeout=25m', ...(isQuick ? ['-run', QUICK] : []), PACKAGE],
      {
        cwd: cache,
        timeoutMs: TESTS_MS,
        onLine,
        env: {
          KGO_SEEDS: address,
          KGO_TEST_RF: '1',
          KGO_TEST_RECORDS: isQuick ? '5000' : '50000',
          KGO_TEST_SCRAM: `${username}:${password}`,
          KGO_TEST_SCRAM_SEEDS: login,
        },
      },
    );
    if (outcomes.size === 0) return [{ name: PACKAGE, result: 'failed', why: lastLine(err) }];
    // A test whose parts are told is told by them.
    const names = [...outcomes.keys()];
    return [...outcomes.values()].filter(({ name }) => !names.some((other) => other.startsWith(`${name}/`)));
  },
};
