import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { HoldfastError } from '../core/error.ts';
import { problemOf } from './problem.ts';
import { continueWanted } from './uploads/route.ts';
import type { Handler } from './app.ts';

export interface ServerSettings {
  readonly port: number;
  readonly host: string;
  /** For a whole request; 0: no limit. */
  readonly requestTimeoutMs: number;
  /** For a connection on which nothing moves; 0: no limit. */
  readonly idleTimeoutMs: number;
}

export interface RunningServer {
  readonly port: number;
  readonly host: string;
  /** No new connections; resolves when the requests that run have been answered, at the latest after `timeoutMs`. */
  stop(timeoutMs: number): Promise<void>;
}

const headersTimeoutMs = 20_000;
/** Node looks for requests that are too slow this often; its default of 30 s would let a slow client have twice its time. */
const checkEveryMs = 2000;
/** Longer than the idle time of the usual proxies, or they send into a connection that is being closed. */
const keepAliveMs = 75_000;
/** While stopping. */
const sweepEveryMs = 100;

export async function startServer(handler: Handler, settings: ServerSettings): Promise<RunningServer> {
  const server = createServer({
    requestTimeout: settings.requestTimeoutMs,
    headersTimeout: headersTimeoutMs,
    connectionsCheckingInterval: checkEveryMs,
    keepAliveTimeout: keepAliveMs,
    noDelay: true,
    highWaterMark: 256 * 1024,
  });
  server.timeout = settings.idleTimeoutMs;
  server.on('request', handler);
  server.on('checkContinue', (req: IncomingMessage, res: ServerResponse) => {
    continueWanted.add(req);
    handler(req, res);
  });
  server.on('clientError', answerClientError);
  await listen(server, settings);
  const { port } = server.address() as AddressInfo;
  return { port, host: settings.host, stop: (timeoutMs) => stop(server, timeoutMs) };
}

function listen(server: Server, { port, host }: ServerSettings): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, port)));
    server.listen({ port, host, backlog: 1024 }, resolve);
  });
}

function listenError(error: NodeJS.ErrnoException, port: number): Error {
  if (error.code === 'EADDRINUSE') {
    return new HoldfastError(
      'unavailable',
      `Port ${port} is taken. Set PORT to another, or end what uses it.`,
      { cause: error },
    );
  }
  if (error.code === 'EACCES') {
    return new HoldfastError('unavailable', `Port ${port} needs privileges. Set PORT to 1024 or above.`, {
      cause: error,
    });
  }
  return error;
}

async function stop(server: Server, timeoutMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  // a connection whose last request ends now would otherwise be kept for the next
  const sweeper = setInterval(() => server.closeIdleConnections(), sweepEveryMs);
  const timer = setTimeout(() => server.closeAllConnections(), timeoutMs);
  await closed;
  clearInterval(sweeper);
  clearTimeout(timer);
}

/** What the HTTP parser refuses never becomes a request; it is answered here, with the same kind of document. */
function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const problem = problemOf(clientProblem(error), '');
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${problem.status} ${problem.title}\r\nContent-Type: application/problem+json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

function clientProblem(error: NodeJS.ErrnoException): HoldfastError {
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new HoldfastError('timeout', 'The request took too long. Send it again over a better connection.');
  }
  return new HoldfastError(
    'malformed',
    'This is not HTTP as RFC 9112 defines it, or its headers are too long.',
  );
}
