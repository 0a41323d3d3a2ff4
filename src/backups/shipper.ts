import type { BlobId, BlobRef } from '../core/blob.ts';
import { shipBlobs, type ShipParts } from './ship.ts';

/** What carries blobs from the outbox to a vault. */
export interface Shipper {
  /**
   * Ships everything that was in the outbox when it was called, and says which blobs could not be: their bytes are missing or
   * damaged here. @throws no-space, unavailable
   */
  ship(): Promise<readonly BlobId[]>;
  /** Copies one blob, whatever the vault has of it. @throws not-found, damaged, no-space, unavailable */
  carry(ref: BlobRef): Promise<void>;
  /** Bytes written to the vault since this was last asked. */
  takeBytes(): number;
  /** An upload was committed: its blob is shipped soon, when uploads leave room for it. */
  uploaded(): void;
  stop(): Promise<void>;
}

/** Told of what happens in the background. */
interface Told {
  onFailed(error: unknown): void;
  onShipped(): void;
}

/** Copies follow behind: a burst of uploads goes first, but not for longer than this. */
const quietMs = 2000;
const mostBehindMs = 30_000;

export function createShipper(parts: ShipParts, nowMs: () => number, told: Told): Shipper {
  const aborted = new AbortController();
  let running: Promise<unknown> = Promise.resolve();
  let bytes = 0;
  let timer: NodeJS.Timeout | undefined;
  let firstMs = 0;
  let lastMs = 0;

  /** One at a time: two would copy the same blobs twice. */
  function ship(): Promise<readonly BlobId[]> {
    const mine = running.then(async () => {
      const shipped = await shipBlobs(parts, aborted.signal);
      bytes += shipped.bytes;
      told.onShipped();
      return shipped.stuck;
    });
    running = mine.catch(() => undefined);
    return mine;
  }

  function wake() {
    timer = undefined;
    const now = nowMs();
    if (now - lastMs < quietMs && now - firstMs < mostBehindMs) return arm();
    ship().catch((error: unknown) => {
      if (aborted.signal.aborted) return;
      told.onFailed(error);
      timer ??= setTimeout(wake, mostBehindMs).unref();
    });
  }

  function uploaded() {
    lastMs = nowMs();
    if (timer !== undefined) return;
    firstMs = lastMs;
    arm();
  }

  function arm() {
    timer = setTimeout(wake, quietMs).unref();
  }

  return {
    ship,
    carry: (ref) => parts.carry(ref),
    takeBytes() {
      const taken = bytes;
      bytes = 0;
      return taken;
    },
    uploaded,
    async stop() {
      clearTimeout(timer);
      aborted.abort();
      await running;
    },
  };
}
