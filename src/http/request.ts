import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { Ids } from '../core/clock.ts';
import type { HoldfastError } from '../core/error.ts';
import { asHoldfastError, sendProblem, statusOf } from './problem.ts';

const sentId = /^[A-Za-z0-9._-]{1,128}$/;
const requestIds = new WeakMap<IncomingMessage, string>();

/** The id of a request: the client's where it makes sense, else a new one. In every answer and every line of the log. */
export function nameRequest(req: IncomingMessage, res: ServerResponse, ids: Ids): string {
  const sent = req.headers['x-request-id'];
  const id = typeof sent === 'string' && sentId.test(sent) ? sent : ids.random(20);
  requestIds.set(req, id);
  res.setHeader('X-Request-Id', id);
  return id;
}

export function requestIdOf(req: IncomingMessage): string {
  return requestIds.get(req) ?? '';
}

/** One line a request when it has ended. Query strings are left out: signatures are in them. */
export function logRequest(req: IncomingMessage, res: ServerResponse, log: Logger): void {
  if (!log.isLevelEnabled('info')) return;
  const startMs = performance.now();
  const path = pathOf(req);
  res.once('close', () => {
    const ms = Math.round(performance.now() - startMs);
    const line = { requestId: requestIdOf(req), method: req.method, path, status: res.statusCode, ms };
    if (res.writableFinished) log.info(line, 'request');
    else log.info(line, 'request ended early by the client');
  });
}

export function pathOf(req: IncomingMessage): string {
  const url = req.url ?? '/';
  const end = url.indexOf('?');
  return end === -1 ? url : url.slice(0, end);
}

/** Answers a failure and logs those that are not the client's. */
export function fail(req: IncomingMessage, res: ServerResponse, failure: unknown, log: Logger): void {
  const error = asHoldfastError(failure);
  const status = statusOf[error.code];
  const line = {
    requestId: requestIdOf(req),
    method: req.method,
    path: pathOf(req),
    code: error.code,
    err: causes(error),
  };
  if (status === 500) log.error(line, 'request failed');
  else if (status > 500) log.warn(line, 'request failed');
  sendProblem(req, res, error, requestIdOf(req));
}

/** The chain of causes, as a log needs it. */
function causes(error: HoldfastError): { message: string; code?: string; stack?: string }[] {
  const chain: { message: string; code?: string; stack?: string }[] = [];
  for (let at: unknown = error; at instanceof Error && chain.length < 8; at = at.cause) {
    const { code } = at as { code?: unknown };
    chain.push({
      message: at.message,
      ...(typeof code === 'string' && { code }),
      ...(at.cause === undefined && at.stack !== undefined && { stack: at.stack }),
    });
  }
  return chain;
}
