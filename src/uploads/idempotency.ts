import { createHash } from 'node:crypto';
import type { BlobRef } from '../core/blob.ts';
import type { Catalog } from '../core/catalog.ts';
import type { Change } from '../core/change.ts';
import type { Clock } from '../core/clock.ts';
import { HoldfastError } from '../core/error.ts';
import type { StampClock } from '../core/stamp.ts';

/** What a client is answered: everything that must be the same when it asks again. */
export interface Answer {
  readonly status: number;
  readonly location: string | undefined;
  /** JSON text. */
  readonly body: string;
  /** Given before, to the same key. */
  readonly replayed: boolean;
}

/** One request under an Idempotency-Key (draft-ietf-httpapi-idempotency-key-header). */
export interface Repeatable {
  /** The answer given to the same key and content. @throws idempotency-mismatch for other content */
  earlier(kept: readonly (BlobRef | HoldfastError)[]): Promise<Answer | undefined>;
  /** The change that stores an answer. After `earlier`. */
  store(answer: Answer): Change;
  /** Lets the next request with this key in. */
  release(): void;
}

interface Stored {
  fingerprint: string;
  status: number;
  location: string | null;
  body: string;
  createdMs: number;
}

export interface IdempotencyParts {
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly stamps: StampClock;
}

/** For how long an answer is given again. */
export const answerKeptMs = 24 * 60 * 60 * 1000;

/** Admits one request at a time for each key of each owner. */
export function createIdempotency({ catalog, clock, stamps }: IdempotencyParts) {
  const running = new Set<string>();

  /** @throws idempotency-running */
  return function admit(owner: string | null, key: string): Repeatable {
    const id = createHash('sha256')
      .update(`${owner ?? ''}\n${key}`)
      .digest('hex');
    if (running.has(id)) {
      throw new HoldfastError(
        'idempotency-running',
        'A request with this Idempotency-Key is still running. Ask again.',
        {
          facts: { retryAfterSeconds: 1 },
        },
      );
    }
    running.add(id);
    let fingerprint = '';

    return {
      async earlier(kept) {
        fingerprint = fingerprintOf(kept);
        const stored = (await catalog.row('idempotency', id))?.row as Stored | null | undefined;
        if (stored === undefined || stored === null || clock.nowMs() - stored.createdMs > answerKeptMs)
          return undefined;
        if (stored.fingerprint === fingerprint) {
          return {
            status: stored.status,
            location: stored.location ?? undefined,
            body: stored.body,
            replayed: true,
          };
        }
        throw new HoldfastError(
          'idempotency-mismatch',
          'This Idempotency-Key was used with other content within 24 hours. Use a new key for a new upload.',
        );
      },
      store({ status, location, body }) {
        const row = { fingerprint, status, location: location ?? null, body, createdMs: clock.nowMs() };
        return { table: 'idempotency', id, stamp: stamps.next(), row };
      },
      release: () => void running.delete(id),
    };
  };
}

/** The same files in the same order; those that were refused count by why. */
function fingerprintOf(kept: readonly (BlobRef | HoldfastError)[]): string {
  const parts = kept.map((one) => (one instanceof HoldfastError ? one.code : one.id));
  return createHash('sha256').update(parts.join('\n')).digest('hex');
}
