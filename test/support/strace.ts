import { readFile } from 'node:fs/promises';
import { canRun } from './mounts.ts';
import { until } from './until.ts';

/** A system call of a traced process. Calls of several threads overlap: it began at one line and ended at another. */
export interface Call {
  readonly name: string;
  /** As strace prints them: `23</data/uploads/incoming/x>, "…"..., 100`. */
  readonly args: string;
  /** What it returned; negative: it failed. */
  readonly result: number;
  readonly beganAt: number;
  readonly endedAt: number;
}

const traced = [
  ...['openat', 'mkdir', 'link', 'rename', 'renameat', 'renameat2'],
  ...['write', 'writev', 'pwrite64', 'pwritev', 'sendto', 'sendmsg', 'fsync', 'fdatasync'],
].join(',');

/** Words before a command whose calls are to be written to `file`. The traced process keeps the id that was started. */
export function tracedInto(file: string): string[] {
  return ['strace', '-D', '-f', '-y', '-s', '32', '-e', `trace=${traced}`, '-o', file];
}

export function canTrace(): boolean {
  return canRun('strace', '-f', '-o', '/dev/null', 'true');
}

/** Every call of a process that has ended, in the order in which they ended. */
export async function callsIn(file: string, pid: number): Promise<Call[]> {
  const hasEnded = async () => new RegExp(`^${pid} +\\+\\+\\+ `, 'm').test(await readFile(file, 'utf8'));
  await until('the end of the trace', hasEnded, 10_000);
  return parse(await readFile(file, 'utf8'));
}

function parse(text: string): Call[] {
  const calls: Call[] = [];
  const begun = new Map<string, { text: string; beganAt: number }>();
  text.split('\n').forEach((line, at) => {
    const [, thread = '', rest = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
    const unfinished = /^(.*) <unfinished \.\.\.>$/.exec(rest)?.[1];
    if (unfinished !== undefined) return void begun.set(thread, { text: unfinished, beganAt: at });
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest)?.[1];
    const whole = resumed === undefined ? { text: rest, beganAt: at } : begun.get(thread);
    const call = whole && callOf(`${whole.text}${resumed ?? ''}`);
    if (call) calls.push({ ...call, beganAt: whole.beganAt, endedAt: at });
  });
  return calls;
}

function callOf(text: string): Pick<Call, 'name' | 'args' | 'result'> | undefined {
  const [, name, args, result] = /^(\w+)\((.*)\) += (-?\d+)/.exec(text) ?? [];
  return name === undefined ? undefined : { name, args: args!, result: Number(result) };
}
