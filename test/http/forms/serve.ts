import { createServer, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { isHoldfastError, type HoldfastError } from '../../../src/core/error.ts';
import { receiveForm, type FormFile } from '../../../src/http/forms/form.ts';
import type { FormLimits } from '../../../src/http/forms/limits.ts';

export const limits: FormLimits = {
  fileBytes: 1000,
  files: 4,
  fields: 5,
  fieldBytes: 100,
  fieldNameBytes: 30,
};

export type OnFile = (file: FormFile) => Promise<unknown>;

/** The text of the file, whole. */
export const keepText: OnFile = ({ stream }) => text(stream);

interface Ended {
  readonly form?: Awaited<ReturnType<typeof receiveForm<unknown>>>;
  readonly problem?: HoldfastError;
}

export interface FormServer extends AsyncDisposable {
  readonly port: number;
  /** How each form ended, in order; one for each request, as long as the promise settles once. */
  readonly ended: Ended[];
  /** Every stream that was handed on. */
  readonly streams: Readable[];
  /** Resolves when that many forms have ended. */
  until(count: number): Promise<void>;
}

/** A server that reads forms over real sockets and answers with what came of it. */
export async function serveForms(onFile: OnFile = keepText, formLimits = limits): Promise<FormServer> {
  const ended: Ended[] = [];
  const streams: Readable[] = [];
  const waiting = new Set<() => void>();
  const server = createServer((request, response) => {
    void receive(request).then((end) => {
      ended.push(end);
      for (const wake of waiting) wake();
      response.setHeader('Content-Type', 'application/json').end(JSON.stringify(answerOf(end)));
    });
  });

  async function receive(request: IncomingMessage): Promise<Ended> {
    try {
      const form = await receiveForm(request, formLimits, (file) => {
        streams.push(file.stream);
        return onFile(file);
      });
      return { form };
    } catch (error) {
      if (isHoldfastError(error)) return { problem: error };
      throw error;
    }
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    ended,
    streams,
    async until(count) {
      while (ended.length < count) await new Promise<void>((resolve) => waiting.add(resolve));
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answerOf({ form, problem }: Ended) {
  if (form === undefined) return { code: problem?.code, detail: problem?.message, facts: problem?.facts };
  const results = form.results.map((one) =>
    'ok' in one ? one.ok : { code: one.problem.code, facts: one.problem.facts },
  );
  return { results, fields: Object.fromEntries(form.fields) };
}

const boundary = 'b';
const contentType = `multipart/form-data; boundary=${boundary}`;

interface Answer {
  readonly code?: string;
  readonly results?: unknown[];
  readonly fields?: Record<string, string[]>;
}

/** Sends a whole body in one request and reads the answer. */
export async function post(
  server: FormServer,
  body: string | Buffer | FormData,
  type: string | undefined = contentType,
): Promise<Answer> {
  const headers = type === undefined || body instanceof FormData ? {} : { 'content-type': type };
  const response = await fetch(`http://127.0.0.1:${server.port}/`, { method: 'POST', body, headers });
  return (await response.json()) as Answer;
}

/** A client that has sent the head of a request and this much of its body. */
export async function begin(
  server: FormServer,
  body: string | Buffer,
  headers = 'Transfer-Encoding: chunked',
): Promise<Socket> {
  const socket = connect(server.port, '127.0.0.1');
  socket.on('error', () => {});
  const head = `POST / HTTP/1.1\r\nHost: x\r\nContent-Type: ${contentType}\r\n${headers}\r\n\r\n`;
  const bytes = Buffer.from(body);
  const chunk = headers.includes('chunked') ? [`${bytes.length.toString(16)}\r\n`, bytes, '\r\n'] : [bytes];
  await new Promise((resolve) =>
    socket.write(Buffer.concat([head, ...chunk].map((part) => Buffer.from(part))), resolve),
  );
  return socket;
}

export function filePart(filename: string, content: string, field = 'file'): string {
  return `--b\r\nContent-Disposition: form-data; name="${field}"; filename="${filename}"\r\nContent-Type: image/jpeg\r\n\r\n${content}\r\n`;
}

export function fieldPart(name: string, value: string): string {
  return `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
}

export const end = '--b--\r\n';
