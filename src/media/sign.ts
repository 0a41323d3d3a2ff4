import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Catalog } from '../core/catalog.ts';
import type { Clock, Ids } from '../core/clock.ts';
import type { StampClock } from '../core/stamp.ts';

/** Lets whoever holds a URL read one media, or one variant of it, until it expires. */
export interface Signer {
  /** The query of a signed URL. `path` is that of the bytes; `expiresMs` is rounded down to the second. */
  sign(path: string, expiresMs: number): string;
  /** Whether the signature is ours, for this path, and has not expired. */
  verify(path: string, expires: string, signature: string): boolean;
}

interface Parts {
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly stamps: StampClock;
}

const setting = 'signing-secret';

/** The secret is a replicated setting: URLs outlive restarts and restores. @throws no-space, unavailable */
export async function createSigner(parts: Parts): Promise<Signer> {
  const secret = await readSecret(parts);
  const mac = (path: string, expires: string) =>
    createHmac('sha256', secret).update(`${path}\n${expires}`).digest('base64url');
  return {
    sign(path, expiresMs) {
      const expires = String(Math.floor(expiresMs / 1000));
      return `expires=${expires}&signature=${mac(path, expires)}`;
    },
    verify(path, expires, signature) {
      if (!/^\d{1,12}$/.test(expires) || Number(expires) * 1000 < parts.clock.nowMs()) return false;
      const right = Buffer.from(mac(path, expires));
      const given = Buffer.from(signature);
      return given.length === right.length && timingSafeEqual(given, right);
    },
  };
}

async function readSecret({ catalog, ids, stamps }: Parts): Promise<string> {
  const stored = (await catalog.row('settings', setting))?.row;
  if (typeof stored?.['secret'] === 'string') return stored['secret'];
  const secret = ids.random(50);
  await catalog.write({
    changes: [{ table: 'settings', id: setting, stamp: stamps.next(), row: { secret } }],
  });
  return secret;
}
