import type { Readable } from 'node:stream';
import { HoldfastError, isHoldfastError } from '../../core/error.ts';
import { fileStream } from './file-stream.ts';
import { fileFields, type FormLimits } from './limits.ts';
import { parseForm, type FormSource } from './parse.ts';
import { emptyFilename, formProblem, wrongField } from './problems.ts';

export interface FormFile {
  readonly field: string;
  /** The client's word, without folders. May hold any character. */
  readonly filename: string;
  /** The client's word, in lower case. */
  readonly type: string;
  /** Fails when the file is too large or cut off. What is left unread is dropped. */
  readonly stream: Readable;
  /** Every field that came before this file. */
  readonly fieldsSoFar: Fields;
  /** Those that came after the file before: a `sha256` among them is about this one. */
  readonly fieldsSinceFile: Fields;
}

type Fields = ReadonlyMap<string, readonly string[]>;
export type Outcome<T> = { readonly ok: T } | { readonly problem: HoldfastError };

export interface Form<T> {
  /** One for each file, in the order of the form. */
  readonly results: readonly Outcome<T>[];
  readonly fields: Fields;
}

/**
 * Reads a form of any size and hands on each file as it comes; `onFile` of one may still run when the next file begins. A
 * file that `onFile` rejects, or that breaks a rule, is a problem among the results, and the others go on. When the form
 * itself is broken or its client goes away, open streams fail, and the rejection comes after every `onFile` has settled.
 * @throws malformed, too-large, and what `source` fails with where that is an error of ours
 */
export async function receiveForm<T>(
  source: FormSource,
  limits: FormLimits,
  onFile: (file: FormFile) => Promise<T>,
): Promise<Form<T>> {
  const outcomes: Promise<Outcome<T> | undefined>[] = [];
  const fields = new Map<string, string[]>();
  let fieldsSinceFile = new Map<string, string[]>();

  try {
    await parseForm(source, limits, {
      field(name, value) {
        for (const seen of [fields, fieldsSinceFile]) seen.set(name, [...(seen.get(name) ?? []), value]);
      },
      file({ stream, ...named }) {
        const file = { ...named, stream: fileStream(stream, limits.fileBytes) };
        const outcome = outcomeOf({ ...file, fieldsSoFar: new Map(fields), fieldsSinceFile }, onFile);
        fieldsSinceFile = new Map();
        outcomes.push(outcome);
        return outcome;
      },
      nameless: (stream) => void outcomes.push(outcomeOfNameless(stream)),
    });
  } catch (error) {
    await Promise.all(outcomes);
    throw formProblem(error, limits);
  }
  const results = await Promise.all(outcomes);
  return { results: results.filter((outcome) => outcome !== undefined), fields };
}

async function outcomeOf<T>(file: FormFile, onFile: (file: FormFile) => Promise<T>): Promise<Outcome<T>> {
  try {
    if (!fileFields.has(file.field)) throw wrongField(file.field);
    const ok = await onFile(file);
    return isHoldfastError(file.stream.errored) ? { problem: file.stream.errored } : { ok };
  } catch (error) {
    return { problem: problemOf(isHoldfastError(file.stream.errored) ? file.stream.errored : error) };
  } finally {
    file.stream.destroy();
  }
}

function problemOf(error: unknown): HoldfastError {
  if (isHoldfastError(error)) return error;
  return new HoldfastError('internal', 'This file could not be kept. Send it again.', { cause: error });
}

/** Browsers send a nameless, empty file for an input that was left empty: no file. Bytes must not vanish without a word. */
async function outcomeOfNameless<T>(stream: Readable): Promise<Outcome<T> | undefined> {
  let sizeBytes = 0;
  stream.on('data', (chunk: Buffer) => (sizeBytes += chunk.length));
  await new Promise((resolve) => stream.once('close', resolve));
  return sizeBytes === 0 ? undefined : { problem: emptyFilename() };
}
