import type { Request, Response } from 'express';
import multer, { type Options } from 'multer';
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable, Writable } from 'node:stream';
import type { FormLimits } from './limits.ts';
import { cutOff, notAForm } from './problems.ts';

/** Bytes with the headers of their request, which say that there is a body and that it is a form. */
export type FormSource = Readable & { readonly headers: IncomingHttpHeaders };

interface Handlers {
  field(name: string, value: string): void;
  /** Its promise must not reject, nor settle while it still reads the stream. */
  file(file: { field: string; filename: string; type: string; stream: Readable }): Promise<unknown>;
  /** A file that has no name; multer drops it without a word. Something else reads its stream to the end. */
  nameless(stream: Readable): void;
}

/**
 * Runs multer over the form: its limits, and its handling of clients that go away. Rejects at most once, with whatever
 * multer or the source failed with; then every stream handed on has failed or ended.
 */
export async function parseForm(source: FormSource, limits: FormLimits, handlers: Handlers): Promise<void> {
  if (!saysForm(source)) throw notAForm();
  // Its end has come and gone: multer would wait for it.
  if (source.destroyed) throw cutOff(source.errored);
  let parser: Busboy | undefined;
  const options: OptionsWithParser = {
    ...optionsFor(limits, handlers),
    streamHandler(_request, busboy) {
      parser = busboy;
      listen(busboy, handlers);
      source.pipe(busboy);
    },
  };
  try {
    await run(source, options);
  } catch (error) {
    // multer leaves the part it stopped at open. What the client still sends is dropped: it may read no answer before.
    parser?.destroy();
    source.resume();
    throw error;
  }
  // multer takes what it finds no boundary in for a request that is not its business, and reports success.
  if (parser === undefined) throw notAForm();
}

function saysForm({ headers }: FormSource): boolean {
  const hasBody = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
  return hasBody && /^multipart\/form-data *;/i.test(headers['content-type'] ?? '');
}

interface OptionsWithParser extends Options {
  /** Of multer 2.5, not in its types yet. */
  streamHandler(request: Request, busboy: Busboy): void;
}

/** What multer parses with. */
interface Busboy extends Writable {
  /** The last boundary was seen. Not a documented member; the tests fail should it go. */
  readonly _complete?: boolean;
}

function optionsFor(limits: FormLimits, handlers: Handlers): Options {
  return {
    storage: {
      _handleFile(_request, { fieldname: field, originalname: filename, mimetype: type, stream }, done) {
        void handlers.file({ field, filename, type, stream }).then(() => done(null, {}));
      },
      _removeFile: (_request, _file, done) => done(null),
    },
    defParamCharset: 'utf8',
    // No fileSize: for multer, one file that is too large ends the form.
    limits: {
      files: limits.files,
      fields: limits.fields,
      // Parts that are neither count here only.
      parts: limits.files + limits.fields,
      fieldSize: limits.fieldBytes,
      fieldNameSize: limits.fieldNameBytes,
      headerPairs: 20,
      // multer builds tables from names like a[7][b], which nobody here reads. Unlimited, a[4294967294] takes minutes.
      fieldNestingDepth: 4,
      fieldArrayIndexLimit: 1000,
    },
  };
}

/** Behind multer's own listeners, which refuse what breaks a rule. Names are taken as they were sent. */
function listen(busboy: Busboy, handlers: Handlers): void {
  busboy.on('field', (name: string | undefined, value: string) => {
    handlers.field(name ?? '', value);
    refuseBehindEnd(busboy);
  });
  busboy.on('file', (field: string | undefined, stream: Readable, { filename }: { filename?: string }) => {
    if (field !== undefined && !filename) handlers.nameless(stream);
    refuseBehindEnd(busboy, stream);
  });
}

/**
 * What follows the last boundary should be ignored, but what comes in the same chunk busboy reads as more parts, even when
 * it is destroyed, and then waits for ever for the end of a file among them.
 */
function refuseBehindEnd(busboy: Busboy, stream?: Readable): void {
  if (busboy._complete !== true) return;
  busboy.destroy(cutOff());
  stream?.destroy(cutOff());
}

function run(source: FormSource, options: Options): Promise<void> {
  return new Promise((resolve, reject) => {
    const answer = {} as Response;
    void multer(options).any()(source as unknown as Request, answer, (error?: unknown) => {
      const failure = error as Error | undefined;
      if (failure === undefined) resolve();
      else reject(failure);
    });
  });
}
