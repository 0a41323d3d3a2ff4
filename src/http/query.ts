import type { IncomingMessage } from 'node:http';

/** The query of a request; of a member that comes several times, `get` gives the first. */
export function requestQuery(req: IncomingMessage): URLSearchParams {
  const url = req.url ?? '';
  const start = url.indexOf('?');
  return new URLSearchParams(start === -1 ? '' : url.slice(start + 1));
}
