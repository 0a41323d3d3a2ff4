import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { type HoldfastError, isHoldfastError } from '../../core/error.ts';
import { receiveStream, receiveWhole, type Arrived } from '../../uploads/receive.ts';
import { receiveForm } from '../forms/form.ts';
import { readSmallForm, type SmallForm } from '../forms/lean.ts';
import { fileFields, formLimits } from '../forms/limits.ts';
import type { HttpSettings, Service } from '../parts.ts';
import { cutOff, fillRoom, lengthOf } from './body.ts';
import { announcedDigest, announcedField, sentName } from './headers.ts';

/** The files of a request, in order; what is wrong with one is in its place. */
export interface Received {
  readonly files: readonly (Arrived | HoldfastError)[];
  /** Gives back what receiving them took. */
  readonly release: () => void;
}

interface Parts {
  readonly intake: Service['intake'];
  readonly settings: HttpSettings;
}

/** @throws malformed and too-large when the request as a whole cannot be read; nothing is kept then */
export async function receiveUpload(req: IncomingMessage, { intake, settings }: Parts): Promise<Received> {
  const parts = { intake, limits: settings };
  const form = isForm(req);
  const room = intake.room(lengthOf(req) ?? Infinity);
  if (room !== undefined) {
    const { bytes, release } = room;
    try {
      await fillRoom(req, room);
      const files = form
        ? await smallForm(req, bytes, parts, settings)
        : [receiveWhole(parts, bytes, rawHints(req))];
      return { files, release };
    } catch (error) {
      release();
      throw error;
    }
  }
  const files = form
    ? await generalForm(req, parts, settings)
    : [await receiveStream(parts, body(req), rawHints(req))];
  return { files, release: () => undefined };
}

type UploadParts = Parameters<typeof receiveStream>[0];
type FormSource = Parameters<typeof receiveForm>[0];
type FormFile = Parameters<Parameters<typeof receiveForm>[2]>[0];

export function isForm(req: IncomingMessage): boolean {
  return /^multipart\/form-data(;|$)/i.test(req.headers['content-type'] ?? '');
}

function rawHints(req: IncomingMessage) {
  return { name: sentName(req), sha256: announcedDigest(req) };
}

/** The body, with a failure that says whose fault it is. */
async function* body(req: IncomingMessage): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of req) yield chunk as Buffer;
  } catch (error) {
    throw cutOff(error);
  }
}

/** The common form is read where it lies; anything unusual about it goes the general way, from the same bytes. */
async function smallForm(
  req: IncomingMessage,
  bytes: Buffer,
  parts: UploadParts,
  settings: HttpSettings,
): Promise<(Arrived | HoldfastError)[]> {
  const form = readSmallForm(bytes, req.headers['content-type'] ?? '');
  if (form === undefined || !fileFields.has(form.file.field)) {
    const source = Object.assign(Readable.from([bytes]), { headers: req.headers });
    return generalForm(source, parts, settings);
  }
  return [takeSmall(form, parts)];
}

function takeSmall({ fields, file }: SmallForm, parts: UploadParts): Arrived | HoldfastError {
  try {
    const before = fields.filter(({ name, beforeFile }) => beforeFile && name === 'sha256');
    return receiveWhole(parts, file.bytes, {
      name: file.filename,
      sha256: announcedField(before.at(-1)?.value),
    });
  } catch (error) {
    if (isHoldfastError(error)) return error;
    throw error;
  }
}

async function generalForm(
  source: FormSource,
  parts: UploadParts,
  { maxUploadBytes, maxFiles }: HttpSettings,
): Promise<(Arrived | HoldfastError)[]> {
  const arrived: Arrived[] = [];
  const onFile = async ({ stream, filename, fieldsSinceFile }: FormFile) => {
    const sha256 = announcedField(fieldsSinceFile.get('sha256')?.at(-1));
    const one = await receiveStream(parts, stream, { name: filename, sha256 });
    arrived.push(one);
    return one;
  };
  try {
    const { results } = await receiveForm(source, formLimits(maxUploadBytes, maxFiles), onFile);
    return results.map((result) => ('ok' in result ? result.ok : result.problem));
  } catch (error) {
    await Promise.all(arrived.map((one) => one.drop())); // the form broke after them: the client will send all again
    throw error;
  }
}
