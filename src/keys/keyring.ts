import type { Catalog } from '../core/catalog.ts';
import type { Clock } from '../core/clock.ts';
import { HoldfastError } from '../core/error.ts';
import { scopes, type Caller, type Key } from '../core/key.ts';
import { hashSecret, listKeys } from './keys.ts';

/** The keys that open something, at hand for every request. */
export interface Keyring {
  /** Whether any key is needed at all: false in development as long as there is none. */
  required(): boolean;
  /** Who holds this secret. @throws unauthorized (unknown, revoked or expired) */
  caller(secret: string): Caller;
  /** When the key was last used, as far as this process has seen. */
  lastUsedMs(id: string): number | null;
  /** Reads the keys again; after a change, a restore. @throws unavailable */
  reload(): Promise<void>;
}

interface Parts {
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly adminKey: string | undefined;
  readonly production: boolean;
  /** Opens everything for the command line on this machine; it counts as no key. */
  readonly localKey: string;
}

const adminId = 'admin';

/** `ADMIN_KEY` opens everything and stands in no catalog. @throws unavailable */
export async function createKeyring({
  catalog,
  clock,
  adminKey,
  production,
  localKey,
}: Parts): Promise<Keyring> {
  const adminHash = adminKey === undefined ? undefined : hashSecret(adminKey);
  const localHash = hashSecret(localKey);
  const used = new Map<string, number>();
  let byHash = new Map<string, Key>();

  async function reload() {
    byHash = new Map((await listKeys(catalog)).map((key) => [key.hash, key]));
  }
  await reload();

  return {
    required: () => production || adminHash !== undefined || byHash.size > 0,
    caller(secret) {
      const hash = hashSecret(secret);
      if (hash === adminHash || hash === localHash) return { keyId: adminId, scopes: new Set(scopes) };
      const key = byHash.get(hash);
      if (key === undefined || (key.expiresMs !== null && key.expiresMs <= clock.nowMs())) {
        throw new HoldfastError(
          'unauthorized',
          'This key is unknown, revoked or expired. Ask the operator for another.',
        );
      }
      used.set(key.id, clock.nowMs());
      return { keyId: key.id, scopes: new Set(key.scopes) };
    },
    lastUsedMs: (id) => used.get(id) ?? null,
    reload,
  };
}
