// kafka-dump-log: what is in the files of a partition's directory.
import { dumpFile, type DumpOptions } from '../../platform/index.ts';
import { type Arguments, UsageError } from './arguments.ts';
import { type Tool, type ToolIo } from './tool.ts';

const LINES_PER_WRITE = 1000;

export const dumpLog: Tool = {
  summary:
    'This tool helps to parse a log file and dump its contents to the console, useful for debugging a seemingly corrupt log segment.',
  flags: {
    files: { takes: 'file1, file2, ...', text: 'The files: .log, .index, .timeindex, .txnindex, .snapshot.' },
    'deep-iteration': { text: 'A line per record, too.' },
    'print-data-log': { text: 'Keys and values, too.' },
    'offsets-decoder': { text: 'The log is of __consumer_offsets.' },
    'transaction-log-decoder': { text: 'The log is of __transaction_state.' },
    'share-group-state-decoder': { text: 'The log is of __share_group_state.' },
    'skip-record-metadata': { text: 'With --print-data-log: keys and values only.' },
    'verify-index-only': { text: 'Only whether indexes agree with their logs.' },
    'index-sanity-check': { text: 'Only whether indexes can be such.' },
    'max-bytes': { takes: 'size', text: 'Read only so much of a log.' },
    'max-message-size': { takes: 'size', text: '', ignored: 'batches of any size are read.' },
    help: { text: 'Print what can be said.' },
    version: { text: 'Print the version.' },
  },
  async run(args, io) {
    const files = args.required('files').split(',');
    const options = optionsOf(args);
    for (const file of files.map((name) => name.trim())) {
      io.out(`Dumping ${file}\n`);
      const lines = await dumpFile(file, options);
      if (lines === undefined) io.err(`Ignoring unknown file ${file}\n`);
      else await print(lines, io);
    }
  },
};

const JOURNALS = [
  ['offsets-decoder', 'offsets'],
  ['transaction-log-decoder', 'transactions'],
  ['share-group-state-decoder', 'shares'],
] as const;

function optionsOf(args: Arguments): DumpOptions {
  const journals = JOURNALS.filter(([flag]) => args.has(flag)).map(([, journal]) => journal);
  if (journals.length > 1)
    throw new UsageError('A log is of offsets, of transactions or of share groups, not of several', false);
  const contents = args.has('print-data-log') || journals.length > 0;
  return {
    deep: args.has('deep-iteration'),
    contents,
    bare: args.has('skip-record-metadata'),
    journal: journals[0],
    maxBytes: args.integer('max-bytes') ?? Number.POSITIVE_INFINITY,
    verifyOnly: args.has('verify-index-only'),
    sanityOnly: args.has('index-sanity-check'),
  };
}

/** Many at once; what was read in front of damage is printed, too. */
async function print(lines: Iterable<string>, io: ToolIo): Promise<void> {
  let waiting: string[] = [];
  const write = (): void => {
    if (waiting.length > 0) io.out(`${waiting.join('\n')}\n`);
    waiting = [];
  };
  try {
    for (const line of lines) {
      if (waiting.push(line) < LINES_PER_WRITE) continue;
      write();
      await io.drained();
    }
  } finally {
    write();
  }
}
