import { shipBlobs, type ShipParts } from './ship.ts';

/** What carries blobs from the outbox to a vault. */
export interface Shipper {
  /** Ships everything that was in the outbox when it was called. @throws no-space, unavailable */
  ship(): Promise<void>;
  /** Bytes written to the vault since this was last asked. */
  takeBytes(): number;
  /** An upload was committed: its blob is shipped soon, when uploads leave room for it. */
  uploaded(): void;
  stop(): Promise<void>;
}

/** Copies follow behind: a burst of uploads goes first, but not for longer than this. */
const quietMs = 2000;
const mostBehindMs = 30_000;

export function createShipper(
  parts: ShipParts,
  nowMs: () => number,
  onFailed: (error: unknown) => void,
): Shipper {
  const aborted = new AbortController();
  let running: Promise<void> = Promise.resolve();
  let bytes = 0;
  let timer: NodeJS.Timeout | undefined;
  let firstMs = 0;
  let lastMs = 0;

  /** One at a time: two would copy the same blobs twice. */
  function ship(): Promise<void> {
    const mine = running.then(async () => {
      bytes += (await shipBlobs(parts, aborted.signal)).bytes;
    });
    running = mine.catch(() => undefined);
    return mine;
  }

  function wake() {
    timer = undefined;
    const now = nowMs();
    if (now - lastMs < quietMs && now - firstMs < mostBehindMs) return arm();
    ship().catch((error: unknown) => {
      if (!aborted.signal.aborted) onFailed(error);
    });
  }

  function arm() {
    timer = setTimeout(wake, quietMs).unref();
  }

  return {
    ship,
    takeBytes() {
      const taken = bytes;
      bytes = 0;
      return taken;
    },
    uploaded() {
      lastMs = nowMs();
      if (timer !== undefined) return;
      firstMs = lastMs;
      arm();
    },
    async stop() {
      clearTimeout(timer);
      aborted.abort();
      await running;
    },
  };
}
