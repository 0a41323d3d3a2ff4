import type { IncomingMessage } from 'node:http';
import { HoldfastError } from '../core/error.ts';
import { may, scopes, type Caller, type Scope } from '../core/key.ts';
import type { Keyring } from '../keys/keyring.ts';

const everything: Caller = { keyId: null, scopes: new Set(scopes) };
const nobody: Caller = { keyId: null, scopes: new Set() };

const forwarding = [
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
  'via',
];

/**
 * Who asks. Without any key configured, in development only, whoever asks from this very machine may do everything.
 * @throws unauthorized for a key that opens nothing
 */
export function callerOf(req: IncomingMessage, keyring: Keyring): Caller {
  const header = req.headers.authorization;
  if (header !== undefined) return keyring.caller(bearerOf(header));
  if (!keyring.required() && isFromThisMachine(req)) return everything;
  return nobody;
}

/** @throws unauthorized when no key was sent, forbidden when the key lacks the scope */
export function requireScope(req: IncomingMessage, keyring: Keyring, scope: Scope): Caller {
  const caller = callerOf(req, keyring);
  if (may(caller, scope)) return caller;
  if (caller.keyId !== null) {
    throw new HoldfastError(
      'forbidden',
      `This key lacks the scope ${scope}. Ask the operator for one that has it.`,
    );
  }
  throw new HoldfastError(
    'unauthorized',
    keyring.required()
      ? 'Send a key: "Authorization: Bearer <key>".'
      : 'No key is configured, so only requests from this very machine are served. Set ADMIN_KEY to serve others.',
  );
}

function bearerOf(header: string): string {
  const secret = /^Bearer +([A-Za-z0-9._~+/=-]{1,512})$/i.exec(header)?.[1];
  if (secret === undefined)
    throw new HoldfastError('unauthorized', 'Send the key as "Authorization: Bearer <key>".');
  return secret;
}

/**
 * A loopback socket alone proves little: a proxy on this machine has one too, and so does a page of another site that the
 * operator's browser has open, or one whose name was rebound to 127.0.0.1.
 */
function isFromThisMachine(req: IncomingMessage): boolean {
  return (
    isLoopback(req.socket.remoteAddress) &&
    forwarding.every((name) => req.headers[name] === undefined) &&
    isLocalHost(req.headers.host) &&
    hasNoForeignOrigin(req)
  );
}

function isLoopback(address: string | undefined): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address ?? '');
}

function isLocalHost(host: string | undefined): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i.test(host ?? '');
}

function hasNoForeignOrigin(req: IncomingMessage): boolean {
  const site = req.headers['sec-fetch-site'];
  if (site === 'cross-site' || site === 'same-site') return false;
  const { origin } = req.headers;
  return (
    origin === undefined ||
    origin === `http://${req.headers.host}` ||
    origin === `https://${req.headers.host}`
  );
}
