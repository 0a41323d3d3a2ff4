import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { HoldfastError, storageError, systemCode } from '../core/error.ts';
import { canonicalJson, type JsonObject } from '../core/json.ts';

/** A small JSON file that says its own hash: `checksum` is the SHA-256 of the rest in canonical JSON. */
export function sealed(value: object): string {
  const body = value as JsonObject;
  return `${JSON.stringify({ ...body, checksum: hashOf(body) }, null, 2)}\n`;
}

/** @throws not-found, damaged, unavailable */
export async function readSealed<T>(file: string, what: string): Promise<T> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (systemCode(error) !== 'ENOENT') throw storageError(error, `read ${what}`);
    throw new HoldfastError('not-found', `There is no ${what}.`, { cause: error });
  });
  const damaged = new HoldfastError(
    'damaged',
    `The file of ${what} is damaged: its checksum does not match.`,
  );
  try {
    const { checksum, ...body } = JSON.parse(text) as JsonObject;
    if (checksum !== hashOf(body)) throw damaged;
    return body as T;
  } catch (error) {
    throw error === damaged ? damaged : new HoldfastError('damaged', damaged.message, { cause: error });
  }
}

function hashOf(body: JsonObject): string {
  return createHash('sha256').update(canonicalJson(body)).digest('hex');
}
