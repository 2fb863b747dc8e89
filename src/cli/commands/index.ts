/**
 * Millrace's own commands by their names: nouns with verbs, and a few that stand alone. What one can do is loaded when it
 * is called; for the others their names and a sentence are enough.
 */
import type { Command } from 'commander';
import type { CommandIo } from './io.ts';

interface CommandEntry {
  readonly summary: string;
  load(): Promise<(command: Command, io: CommandIo) => void>;
}

export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  topics: {
    summary: 'list, describe, create, delete, alter and trim topics',
    load: async () => (await import('./topics.ts')).topics,
  },
  groups: {
    summary: 'list, describe and delete groups, tell their lag, and set their offsets',
    load: async () => (await import('./groups.ts')).groups,
  },
  configs: {
    summary: 'get, set and unset configs of topics, brokers and groups',
    load: async () => (await import('./configs.ts')).configs,
  },
  cluster: {
    summary: 'brokers, their disks, and the APIs that they answer',
    load: async () => (await import('./cluster.ts')).cluster,
  },
  produce: {
    summary: 'send records from lines, JSON and CSV',
    load: async () => (await import('./produce.ts')).produce,
  },
  consume: {
    summary: 'read records of topics: formats, filters, registered schemas',
    load: async () => (await import('./consume.ts')).consume,
  },
};

/** Adds all commands to the program: the one that is called with its words, all of them with theirs for 'all'. */
export async function addCommands(program: Command, called: string | undefined, io?: CommandIo): Promise<void> {
  for (const [name, { summary, load }] of Object.entries(COMMANDS)) {
    const command = program.command(name).description(summary);
    if (name !== called) continue;
    const { processIo } = await import('./io.ts');
    const fill = await load();
    fill(command, io ?? processIo());
  }
}
