import { Worker } from 'node:worker_threads';
import type { Change } from '../core/change.ts';
import { isHoldfastError, storageError } from '../core/error.ts';
import { callThread, thrown } from '../core/thread.ts';
import { statementTexts } from './statements.ts';
import type { Outcome, Work } from './writer-thread.ts';

/** What is told of every commit. */
export interface Witness {
  /** These changes are about to be committed; what this rejects is not. */
  beforeCommit(changes: readonly Change[]): Promise<void>;
  /** They could not be. */
  commitFailed(): Promise<void>;
}

export interface Writer {
  /** Durable on return. @throws precondition-failed, no-space, unavailable */
  write(work: Work): Promise<Exclude<Outcome, { failed: unknown }>>;
  /** Waits for what was given before, then closes the file. */
  close(): Promise<void>;
}

interface Waiting {
  work: Work;
  resolve(outcome: Exclude<Outcome, { failed: unknown }>): void;
  reject(error: Error): void;
}

/** Group commit: what arrives while a commit is under way goes together into the next, so no timer is needed. */
export async function startWriter(file: string, vaults: string[], witness: Witness): Promise<Writer> {
  const worker = new Worker(new URL('./writer-thread.ts', import.meta.url));
  const thread = callThread(worker);
  try {
    await thread.call('open', { file, vaults, statements: statementTexts });
  } catch (error) {
    await worker.terminate();
    throw error;
  }
  let waiting: Waiting[] = [];
  let running: Promise<void> | undefined;

  async function drain() {
    while (waiting.length > 0) {
      const group = waiting;
      waiting = [];
      await commitGroup(group);
    }
    running = undefined;
  }

  async function commitGroup(group: Waiting[]) {
    try {
      const outcomes = await thread.call<Outcome[]>(
        'apply',
        group.map(({ work }) => work),
      );
      const changes = group.flatMap(({ work }, index) => appliedChanges(work, outcomes[index]!));
      if (changes.length > 0) await before(changes);
      await commit(changes.length > 0);
      group.forEach((one, index) => settle(one, outcomes[index]!));
    } catch (error) {
      for (const { reject } of group) reject(storageError(error, 'write the catalog'));
    }
  }

  async function commit(witnessed: boolean) {
    try {
      await thread.call('commit', undefined); // committed: every row of the group is durable from here on
    } catch (error) {
      if (witnessed) await witness.commitFailed();
      throw error;
    }
  }

  async function before(changes: Change[]) {
    try {
      await witness.beforeCommit(changes);
    } catch (error) {
      await thread.call('rollback', undefined);
      throw error;
    }
  }

  return {
    write(work) {
      return new Promise((resolve, reject) => {
        waiting.push({ work, resolve, reject });
        running ??= Promise.resolve().then(drain); // the microtask lets the writes of one turn share a commit
      });
    },
    async close() {
      await running;
      await thread.call('close', undefined);
      await worker.terminate();
    },
  };
}

function appliedChanges(work: Work, outcome: Outcome): Change[] {
  if (!('unit' in work) || 'failed' in outcome) return [];
  return outcome.applied.map((index) => work.unit.changes[index]!);
}

function settle({ resolve, reject }: Waiting, outcome: Outcome): void {
  if (!('failed' in outcome)) return resolve(outcome);
  const error = thrown(outcome.failed);
  reject(isHoldfastError(error) ? error : storageError(error, 'write the catalog'));
}
