import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import type { Transferable } from 'node:worker_threads';
import { errorCodes, HoldfastError, systemCode, type ErrorCode } from './error.ts';

/** Calls one operation at a time or many; each call is answered once. */
export interface Caller {
  call<T>(operation: string, input: unknown, transfer?: Transferable[]): Promise<T>;
}

/** The end of a worker thread, as `node:worker_threads` gives it on either side. */
interface Port {
  postMessage(message: unknown, transfer?: Transferable[]): void;
  on(event: 'message', listener: (message: unknown) => void): unknown;
}

/** The calling side also hears of the end. */
interface Thread extends Port {
  on(event: 'message' | 'error' | 'exit', listener: (value: unknown) => void): unknown;
}

interface Question {
  id: number;
  operation: string;
  input: unknown;
}
type Answer = { id: number; output: unknown } | { id: number; failed: ThreadError };

/** An error as it travels between threads: Error objects lose their code on the way. */
export interface ThreadError {
  readonly code: string;
  readonly message: string;
}

/** The calling side. When the thread dies, every open call is rejected. */
export function callThread(port: Thread): Caller {
  const open = new Map<number, { resolve(output: never): void; reject(error: Error): void }>();
  let lastId = 0;
  let dead: Error | undefined;

  port.on('message', (message) => {
    const answer = message as Answer;
    const waiting = open.get(answer.id);
    open.delete(answer.id);
    if ('failed' in answer) waiting?.reject(thrown(answer.failed));
    else waiting?.resolve(answer.output as never);
  });
  const die = (cause: unknown) => {
    dead ??= new HoldfastError('unavailable', 'A worker of this process has ended. Restart Holdfast.', {
      cause,
    });
    for (const { reject } of open.values()) reject(dead);
    open.clear();
  };
  port.on('error', die);
  port.on('exit', die);

  return {
    call(operation, input, transfer) {
      if (dead !== undefined) return Promise.reject(dead);
      lastId += 1;
      const id = lastId;
      return new Promise((resolve, reject) => {
        open.set(id, { resolve, reject });
        port.postMessage({ id, operation, input } satisfies Question, transfer);
      });
    },
  };
}

/** The answering side: one function an operation. */
export function answerThread(port: Port, operations: Record<string, (input: never) => unknown>): void {
  port.on('message', (question) => void answer(port, operations, question as Question));
}

async function answer(port: Port, operations: Record<string, (input: never) => unknown>, question: Question) {
  try {
    const output = await operations[question.operation]!(question.input as never);
    port.postMessage({ id: question.id, output } satisfies Answer);
  } catch (error) {
    port.postMessage({ id: question.id, failed: sendable(error) } satisfies Answer);
  }
}

export function sendable(error: unknown): ThreadError {
  return { code: systemCode(error), message: error instanceof Error ? error.message : String(error) };
}

/** The error again: one of ours where it was one, else an Error with its code. */
export function thrown(error: ThreadError): Error {
  return (errorCodes as readonly string[]).includes(error.code)
    ? new HoldfastError(error.code as ErrorCode, error.message)
    : Object.assign(new Error(error.message), { code: error.code });
}

/**
 * Lets others go first, for long work that nobody waits for. Linux schedules threads one by one, and a thread's own
 * id stands behind this link. Elsewhere the thread stays as it is.
 */
export function lowerPriority(): void {
  try {
    setPriority(Number(readlinkSync('/proc/thread-self').split('/').at(-1)), 10);
  } catch {
    // not Linux, or not allowed: the work is done all the same
  }
}
