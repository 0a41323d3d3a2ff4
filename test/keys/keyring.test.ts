import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { createIds } from '../../src/core/clock.ts';
import { may, scopes } from '../../src/core/key.ts';
import { stampClock } from '../../src/core/stamp.ts';
import { createKeyring } from '../../src/keys/keyring.ts';
import { addKey, hashSecret, listKeys, revokeKey, type KeyParts } from '../../src/keys/keys.ts';
import { temporaryCatalog } from '../catalog/temporary.ts';

let nowMs: number;
let temporary: Awaited<ReturnType<typeof temporaryCatalog>>;
let parts: KeyParts;

beforeEach(async () => {
  nowMs = 1_000_000;
  temporary = await temporaryCatalog();
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
  parts = {
    catalog: temporary.catalog,
    clock,
    ids: createIds(randomBytes),
    stamps: stampClock(() => nowMs, 'w'),
  };
});
afterEach(() => temporary.remove());

const open = (given: { adminKey?: string; production?: boolean } = {}) =>
  createKeyring({
    ...parts,
    adminKey: given.adminKey,
    production: given.production ?? false,
    localKey: 'local-key',
  });
const add = (name = 'k', expiresMs: number | null = null) =>
  addKey(parts, { name, scopes: ['read'], expiresMs });

describe('A keyring', () => {
  test('needs no key as long as there is none, and only outside production', async () => {
    expect((await open()).required()).toBe(false);
    expect((await open({ production: true })).required()).toBe(true);
    expect((await open({ adminKey: 'x'.repeat(20) })).required()).toBe(true);
    await add();
    expect((await open()).required()).toBe(true);
  });

  test('knows who holds a secret, and what that one may do', async () => {
    const { key, secret } = await add();
    const keyring = await open();
    const caller = keyring.caller(secret);
    expect(caller.keyId).toBe(key.id);
    expect(scopes.filter((scope) => may(caller, scope))).toEqual(['read']);
    expect(keyring.lastUsedMs(key.id)).toBe(nowMs);
  });

  test('lets the admin key and the key of this machine do everything', async () => {
    const keyring = await open({ adminKey: 'the-admin-key-of-a-test' });
    for (const secret of ['the-admin-key-of-a-test', 'local-key'])
      expect(scopes.every((scope) => may(keyring.caller(secret), scope))).toBe(true);
  });

  test.each(['', 'hf_', 'x'.repeat(43), 'local-key ', 'LOCAL-KEY'])(
    'knows nobody who says %j',
    async (secret) => {
      await add();
      const keyring = await open();
      expect(() => keyring.caller(secret)).toThrow(expect.objectContaining({ code: 'unauthorized' }));
    },
  );

  test('opens for a hash no more than for anything else', async () => {
    const { key } = await add();
    const keyring = await open();
    expect(() => keyring.caller(key.hash)).toThrow(expect.objectContaining({ code: 'unauthorized' }));
  });

  test('takes a key until the very millisecond at which it expires', async () => {
    const { secret } = await add('k', nowMs + 10);
    const keyring = await open();
    nowMs += 9;
    expect(keyring.caller(secret).keyId).toMatch(/^key_/);
    nowMs += 1;
    expect(() => keyring.caller(secret)).toThrow(expect.objectContaining({ code: 'unauthorized' }));
  });

  test('hears of new and revoked keys when it reads them again', async () => {
    const keyring = await open();
    const { key, secret } = await add();
    expect(() => keyring.caller(secret)).toThrow();
    await keyring.reload();
    expect(keyring.caller(secret).keyId).toBe(key.id);
    await revokeKey(parts, key.id);
    await keyring.reload();
    expect(() => keyring.caller(secret)).toThrow();
  });
});

describe('Keys', () => {
  test('are kept as a hash, never as they are', async () => {
    const { key, secret } = await add();
    expect(key.hash).toBe(hashSecret(secret));
    expect(JSON.stringify(await temporary.catalog.rows('keys'))).not.toContain(secret);
    expect(JSON.stringify(temporary.commits)).not.toContain(secret);
  });

  test('are listed oldest first', async () => {
    for (const name of ['a', 'b', 'c']) {
      nowMs += 1;
      await add(name);
    }
    expect((await listKeys(temporary.catalog)).map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  });

  test('stay revoked when the clock has gone back since they were made', async () => {
    const { key } = await add();
    nowMs -= 500_000;
    parts = { ...parts, stamps: stampClock(() => nowMs, 'x') };
    await revokeKey(parts, key.id);
    expect(await listKeys(temporary.catalog)).toEqual([]);
    await expect(revokeKey(parts, key.id)).rejects.toMatchObject({ code: 'not-found' });
  });
});
