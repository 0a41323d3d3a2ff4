import { z } from 'zod';
import { errorCodes } from '../core/error.ts';
import { scopes } from '../core/key.ts';
import { backupReasons } from '../core/vault.ts';

/** What the service answers, for the description of the API; a test holds the running service against it. */

const time = z.iso.datetime();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.int().min(0);

const media = z.object({
  id: z.string(),
  kind: z.enum(['image', 'video']),
  url: z.string(),
  name: z.string(),
  type: z.string(),
  size: count,
  sha256,
  width: count.nullable(),
  height: count.nullable(),
  animated: z.boolean(),
  damaged: z.boolean(),
  durationMs: count.nullable(),
  placeholder: z.string().nullable(),
  variants: z.object({
    thumb: z
      .object({ url: z.string(), width: count, height: count, type: z.literal('image/webp') })
      .optional(),
  }),
  tags: z.array(z.string()),
  description: z.string().nullable(),
  visibility: z.enum(['private', 'public']),
  takenAt: time.nullable(),
  createdAt: time,
  updatedAt: time,
  trashedAt: time.nullable(),
  deduplicated: z.boolean(),
});

const mediaPage = z.object({ items: z.array(media), nextCursor: z.string().nullable() });

const problem = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int().min(400).max(599),
  code: z.enum(errorCodes),
  detail: z.string(),
  requestId: z.string(),
});

const several = z.object({
  items: z.array(
    z.union([media, z.object({ status: z.literal(201), media }), z.object({ status: z.int(), problem })]),
  ),
});

const backup = z.object({
  name: z.string(),
  createdAt: time,
  reason: z.enum(backupReasons),
  media: count,
  blobs: count,
  bytes: count,
  newBytes: count,
  catalogEngine: z.enum(['sqlite', 'postgres']),
  timeline: count,
  vaults: z.array(z.object({ name: z.string(), stored: z.boolean(), lagSeconds: z.number().nullable() })),
  verified: z.object({ at: time, ok: z.boolean(), level: z.string() }).nullable(),
  digest: sha256,
});

const damagedBackup = z.object({
  name: z.string(),
  damaged: z.string(),
  verified: z.object({ at: z.null(), ok: z.literal(false), level: z.string() }),
});

const backupList = z.object({ items: z.array(z.union([backup, damagedBackup])) });

const restored = z.object({
  restored: z.string(),
  media: count,
  missingBlobs: count,
  previous: z.string().nullable(),
});

const shortHealth = z.object({
  status: z.enum(['ok', 'warn', 'fail']),
  persistence: z.looseObject({
    writable: z.boolean(),
    durable: z.enum(['disk', 'volume', 'vault', 'database', 'ephemeral', 'unknown']),
    warning: z.string().nullable(),
  }),
  version: z.string(),
});

/** A caller with a key, or from this machine in development, sees more. */
const health = z.looseObject(shortHealth.shape);
const alive = z.object({ status: z.enum(['ok', 'fail']) });

const key = z.object({
  id: z.string(),
  name: z.string(),
  scopes: z.array(z.enum(scopes)),
  createdAt: time,
  expiresAt: time.nullable(),
  lastUsedAt: time.nullable(),
});

const newKey = key.omit({ lastUsedAt: true }).extend({ key: z.string() });
const keyList = z.object({ items: z.array(key) });
const signed = z.object({ url: z.string(), expiresAt: time });

export const answers = {
  ...{ media, mediaPage, several, problem, backup, backupList, restored, health, alive },
  ...{ key, newKey, keyList, signed },
};
