import type { IncomingMessage } from 'node:http';
import type { BlobId } from '../../core/blob.ts';
import { HoldfastError } from '../../core/error.ts';

/** The hash in `Repr-Digest: sha-256=:…:` (RFC 9530); undefined when none is announced. @throws malformed */
export function announcedDigest(req: IncomingMessage): BlobId | undefined {
  const header = req.headers['repr-digest'];
  if (header === undefined) return undefined;
  for (const member of [header].flat().join(',').split(',')) {
    const [, algorithm, value] = /^\s*([a-z0-9*-]+)\s*=\s*:([A-Za-z0-9+/=]*):\s*(?:;.*)?$/.exec(member) ?? [];
    if (algorithm === undefined) throw badDigest();
    if (algorithm !== 'sha-256') continue; // others are not ours to check (RFC 9530 §2)
    const bytes = Buffer.from(value!, 'base64');
    if (bytes.length !== 32) throw badDigest();
    return bytes.toString('hex');
  }
  return undefined;
}

function badDigest(): HoldfastError {
  return new HoldfastError(
    'malformed',
    'Write Repr-Digest as RFC 9530 does: sha-256=:<base64 of the 32 bytes>:',
  );
}

/** As a form sends it, in hexadecimal. @throws malformed */
export function announcedField(value: string | undefined): BlobId | undefined {
  if (value === undefined) return undefined;
  const text = value.trim().toLowerCase();
  if (/^[0-9a-f]{64}$/.test(text)) return text;
  throw new HoldfastError(
    'malformed',
    'The field sha256 must be the SHA-256 of the file after it: 64 hexadecimal digits.',
  );
}

export function reprDigest(id: BlobId): string {
  return `sha-256=:${Buffer.from(id, 'hex').toString('base64')}:`;
}

/** `Idempotency-Key`, with or without the quotes of a structured field. @throws malformed */
export function idempotencyKey(req: IncomingMessage): string | undefined {
  const header = req.headers['idempotency-key'];
  if (header === undefined) return undefined;
  const key = String(header).replace(/^"(.*)"$/, '$1');
  if (/^[\x21-\x7e][\x20-\x7e]{0,254}$/.test(key)) return key;
  throw new HoldfastError(
    'malformed',
    'An Idempotency-Key has 1 to 255 printable ASCII characters; a UUID will do.',
  );
}

/** The file name in `Content-Disposition` (RFC 6266), `filename*` first. A name that cannot be read is none. */
export function sentName(req: IncomingMessage): string | undefined {
  const header = req.headers['content-disposition'];
  if (header === undefined) return undefined;
  const extended = /;\s*filename\*\s*=\s*utf-8'[^']*'([^;\s]+)/i.exec(header)?.[1];
  if (extended !== undefined) return decode(extended);
  const quoted = /;\s*filename\s*=\s*"((?:[^"\\]|\\.)*)"/i.exec(header)?.[1];
  if (quoted !== undefined) return utf8(quoted.replace(/\\(.)/g, '$1'));
  const token = /;\s*filename\s*=\s*([^;\s"]+)/i.exec(header)?.[1];
  return token === undefined ? undefined : utf8(token);
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Node hands header bytes over as Latin-1; clients that do not encode a name send it as UTF-8. */
function utf8(text: string): string {
  const bytes = Buffer.from(text, 'latin1');
  const decoded = bytes.toString('utf8');
  return decoded.includes('\ufffd') ? text : decoded;
}
