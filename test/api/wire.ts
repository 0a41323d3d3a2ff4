import { once } from 'node:events';
import { connect } from 'node:net';
import { until } from './support.ts';

/** A connection on which a test writes whatever it wants, also what no client library would send. */
export async function openWire(port: number) {
  const socket = connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  let closed = false;
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => undefined); // a reset is one of the ends a test may expect
  socket.on('close', () => (closed = true));
  await once(socket, 'connect');
  const received = () => Buffer.concat(chunks).toString('latin1');
  return {
    send: (part: string | Buffer) => void socket.write(part),
    received,
    /** Resolves with everything that came as soon as it matches. */
    async expectText(pattern: RegExp): Promise<string> {
      await until(() => pattern.test(received()) || closed);
      if (!pattern.test(received())) throw new Error(`closed without ${pattern}: ${received()}`);
      return received();
    },
    async end(): Promise<void> {
      socket.destroy();
      await until(() => closed);
    },
    /** Resolves when the other side has closed. */
    closed: () => until(() => closed),
  };
}

/** The head of a request, ready for its body. */
export function head(line: string, headers: Record<string, string | number>): string {
  const all = { Host: '127.0.0.1', ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${line} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

/** The JSON body of the last answer on a connection. */
export function lastJson(received: string): Record<string, unknown> {
  return JSON.parse(received.slice(received.lastIndexOf('\r\n\r\n') + 4)) as Record<string, unknown>;
}
