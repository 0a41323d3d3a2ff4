import { z } from 'zod';
import { HoldfastError } from '../core/error.ts';
import { scopes } from '../core/key.ts';

/** What clients send besides bytes. The description of the API is generated from these. */

const flag = z
  .enum(['true', 'false', '1', '0', ''])
  .transform((text) => text === 'true' || text === '1' || text === '');
const time = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));
const list = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());

export const listQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().max(64).optional(),
  kind: z.enum(['image', 'video']).optional(),
  tag: list.pipe(z.array(z.string().min(1).max(100)).max(10)).optional(),
  q: z.string().max(200).optional(),
  before: time.optional(),
  after: time.optional(),
  trashed: flag.optional(),
});

/** Text for people to read: line ends and tabs, but nothing that steers a terminal. */
const plainText = (most: number) =>
  z
    .string()
    .max(most)
    // eslint-disable-next-line no-control-regex
    .regex(/^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]*$/u, 'has control characters');

/** RFC 7396: an absent member stays, null clears. */
export const mediaPatch = z.strictObject({
  name: plainText(255).min(1).optional(),
  tags: z
    .array(plainText(100).min(1))
    .max(50)
    .nullable()
    .transform((tags) => [...new Set(tags ?? [])])
    .optional(),
  description: plainText(10_000).nullable().optional(),
  visibility: z.enum(['private', 'public']).optional(),
});

export const deleteQuery = z.object({ purge: flag.optional(), erase: flag.optional() });

export const signRequest = z.strictObject({
  expiresInSeconds: z.int().min(1).max(31_536_000),
  variant: z.enum(['thumb']).optional(),
});

export const keyRequest = z.strictObject({
  name: plainText(100).min(1),
  scopes: z.array(z.enum(scopes)).min(1).max(scopes.length),
  expiresAt: time.nullable().optional(),
});

export const restoreQuery = z.object({ dryRun: flag.optional(), at: z.string().optional() });

/** @throws malformed, naming each member and what is wrong with it */
export function parse<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues.map(
    ({ path, message }) => `${path.join('.') || 'the value'}: ${message}`,
  );
  throw new HoldfastError('malformed', `Correct this and send it again. ${wrong.join('; ')}.`, {
    facts: { wrong },
  });
}
