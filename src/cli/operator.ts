import { errorCodes, HoldfastError, type ErrorCode } from '../core/error.ts';

/** A way to the service: the commands do what the API does, by the same code. */
export interface Operator {
  readonly url: string;
  readonly key: string;
  close(): Promise<void>;
}

/** Asks the service and prints what it says: as JSON, or as text for people. */
export type Act = (
  json: boolean,
  work: (operator: Operator) => Promise<{ answer: unknown; text: string }>,
) => Promise<void>;

/** Calls the API. @throws the problem it answers, as the error it was */
export async function call<T>(operator: Operator, method: string, path: string, body?: unknown): Promise<T> {
  const answer = await fetch(operator.url + path, {
    method,
    headers: {
      Authorization: `Bearer ${operator.key}`,
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  }).catch((cause: unknown) => {
    throw new HoldfastError('unavailable', 'The service went away while it was asked.', { cause });
  });
  const text = await answer.text();
  if (answer.ok || isReport(answer)) return (text === '' ? undefined : JSON.parse(text)) as T;
  throw problem(text);
}

/** Health that says fail comes with 503, and is what was asked for. */
function isReport({ status, headers }: Response): boolean {
  return status === 503 && headers.get('content-type')?.startsWith('application/json') === true;
}

function problem(text: string): HoldfastError {
  const { code, detail } = parsed(text);
  const known = (errorCodes as readonly string[]).includes(code ?? '') ? (code as ErrorCode) : 'internal';
  return new HoldfastError(known, detail ?? 'The service gave an answer that makes no sense.');
}

function parsed(text: string): { code?: string; detail?: string } {
  try {
    return (JSON.parse(text) ?? {}) as { code?: string; detail?: string };
  } catch {
    return {}; // not from Holdfast: a proxy in front of it, perhaps
  }
}
