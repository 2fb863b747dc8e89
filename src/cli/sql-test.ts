// `millrace sql test`: ksql-test-runner's files and flags. Three files say statements, the records that go in, and those that
// come out; nothing else has to run.
import { testSqlFiles } from '../platform/index.ts';
import { messageOf } from '../util/index.ts';
import type { SqlTestOptions } from './options.ts';

export async function sqlTest({ sqlFile, inputFile, outputFile, extensionDir }: SqlTestOptions): Promise<void> {
  let failure: string | undefined;
  try {
    failure = await testSqlFiles({
      statements: sqlFile,
      inputs: inputFile,
      outputs: outputFile,
      settings: extensionDir === undefined ? {} : { 'ksql.extension.dir': extensionDir },
      log: (message) => console.error(message),
    });
  } catch (error) {
    failure = messageOf(error);
  }
  if (failure === undefined) {
    console.log('\t >>> Test passed!');
    return;
  }
  console.error(`\t >>>>> Test failed: ${failure}`);
  process.exitCode = 1;
}
