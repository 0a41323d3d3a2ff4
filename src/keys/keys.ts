import { createHash } from 'node:crypto';
import type { Catalog } from '../core/catalog.ts';
import type { Change } from '../core/change.ts';
import type { Clock, Ids } from '../core/clock.ts';
import { HoldfastError } from '../core/error.ts';
import type { Key, Scope } from '../core/key.ts';
import type { StampClock } from '../core/stamp.ts';

export interface KeyParts {
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly stamps: StampClock;
}

export interface NewKey {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly expiresMs: number | null;
}

/** Makes a key; durable on return. `secret` is shown to its owner now and never again. @throws no-space, unavailable */
export async function addKey(parts: KeyParts, wanted: NewKey): Promise<{ key: Key; secret: string }> {
  const secret = `hf_${parts.ids.random(40)}`;
  const key: Key = {
    id: `key_${parts.ids.random(12)}`,
    name: wanted.name,
    hash: hashSecret(secret),
    scopes: [...wanted.scopes],
    createdMs: parts.clock.nowMs(),
    expiresMs: wanted.expiresMs,
  };
  await parts.catalog.write({ changes: [keyChange(parts, key)] });
  return { key, secret };
}

/** All keys, the oldest first. @throws unavailable */
export async function listKeys(catalog: Catalog): Promise<Key[]> {
  const keys = (await catalog.rows('keys')).map(keyOf);
  return keys.sort((a, b) => a.createdMs - b.createdMs);
}

/** It opens nothing from then on. @throws not-found, no-space, unavailable */
export async function revokeKey(parts: KeyParts, id: string): Promise<void> {
  const held = await parts.catalog.row('keys', id);
  if (held === undefined || held.row === null)
    throw new HoldfastError('not-found', 'There is no key with this id.');
  parts.stamps.see(held.stamp);
  await parts.catalog.write({ changes: [{ table: 'keys', id, stamp: parts.stamps.next(), row: null }] });
}

export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

function keyChange({ stamps }: KeyParts, { id, ...key }: Key): Change {
  return { table: 'keys', id, stamp: stamps.next(), row: { ...key, scopes: [...key.scopes] } };
}

function keyOf({ id, row }: Change): Key {
  return { id, ...(row as unknown as Omit<Key, 'id'>) };
}
