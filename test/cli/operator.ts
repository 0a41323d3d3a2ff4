import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { runCommand, type ProgramParts } from '../../src/cli/program.ts';

export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly key: string;
  readonly body: string;
}

/** Runs commands against a service that answers as it is told, and keeps what was asked and what was printed. */
export async function fakeService() {
  const asked: Asked[] = [];
  const answers: { status: number; body: unknown }[] = [];
  const server = createServer((req, res) => {
    let body = '';
    req.on('data', (chunk: Buffer) => (body += chunk.toString()));
    req.on('end', () => {
      asked.push({ method: req.method!, url: req.url!, key: req.headers.authorization ?? '', body });
      const answer = answers.shift() ?? { status: 500, body: { code: 'internal', detail: 'not expected' } };
      const isProblem = typeof answer.body === 'object' && answer.body !== null && 'code' in answer.body;
      res.writeHead(answer.status, {
        'Content-Type': isProblem ? 'application/problem+json' : 'application/json',
      });
      res.end(answer.body === undefined ? undefined : JSON.stringify(answer.body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  let closed = 0;

  return {
    asked,
    closed: () => closed,
    answer: (status: number, body?: unknown) => void answers.push({ status, body }),
    async run(args: string[], parts: Partial<ProgramParts> = {}) {
      const printed = { out: '', err: '' };
      const code = await runCommand(args, {
        version: '1.2.3',
        serve: async () => 0,
        operator: async () => ({ url, key: 'k', close: async () => void (closed += 1) }),
        plan: () => Promise.reject(new Error('not expected')),
        print: (text) => void (printed.out += text),
        printError: (text) => void (printed.err += text),
        isTerminal: false,
        ...parts,
      });
      return { code, ...printed };
    },
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}
