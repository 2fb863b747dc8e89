/**
 * Millrace's own commands by their names: nouns with verbs, and a few that stand alone. What one can do is loaded when it
 * is called; for the others their names and a sentence are enough.
 */
import type { Command } from 'commander';
import type { CommandIo } from './io.ts';

/** Gives a command its words. `add`: for those that run others. */
type Fill = (command: Command, io: CommandIo, add: typeof addCommands) => void;

interface CommandEntry {
  readonly summary: string;
  /** Not for people. */
  readonly isHidden?: boolean;
  load(): Promise<Fill>;
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
  connect: {
    summary: 'connectors: list, make, pause, restart and delete them, set their offsets; start a worker',
    load: async () => (await import('./connect.ts')).connect,
  },
  status: {
    summary: 'which services answer',
    load: async () => (await import('./status.ts')).status,
  },
  top: {
    summary: 'rates of topics and lag of groups, live',
    load: async () => (await import('./top.ts')).top,
  },
  logs: {
    summary: 'where the services say what they do',
    load: async () => (await import('./status.ts')).logs,
  },
  doctor: {
    summary: 'look for what may be wrong, on this machine and in the cluster',
    load: async () => (await import('./doctor.ts')).doctor,
  },
  backup: {
    summary: 'back up and restore topics, offsets of groups, and schemas',
    load: async () => (await import('./backup/backup.ts')).backup,
  },
  shell: {
    summary: 'a prompt for these commands and Kafka’s tools, with completion',
    load: async () => (await import('./shell.ts')).shell,
  },
  completion: {
    summary: 'print the script with which a shell completes these commands',
    load: async () => (await import('./completion.ts')).completion,
  },
  __complete: {
    summary: 'what such a script calls',
    isHidden: true,
    load: async () => (await import('./completion.ts')).complete,
  },
};

/** Adds all commands to the program, and to the one that is called (or completed) its words. */
export async function addCommands(program: Command, words: readonly string[], io?: CommandIo): Promise<void> {
  for (const [name, { summary, isHidden = false, load }] of Object.entries(COMMANDS)) {
    const command = program.command(name, { hidden: isHidden }).description(summary);
    const isNamed = words[0] === name || (words[0] === '__complete' && words.some((word) => word.includes(name)));
    if (!isNamed) continue;
    const { processIo } = await import('./io.ts');
    const fill = await load();
    fill(command, io ?? processIo(), addCommands);
  }
}
