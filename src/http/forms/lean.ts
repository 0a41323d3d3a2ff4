import { partHeader, type PartHeader } from './part-header.ts';

export interface SmallForm {
  readonly fields: readonly SmallField[];
  readonly file: {
    readonly field: string;
    readonly filename: string;
    /** As the client said, without parameters, in lower case. */
    readonly type: string | undefined;
    /** A view of the body, not a copy. */
    readonly bytes: Uint8Array;
  };
}

interface SmallField {
  readonly name: string;
  readonly value: string;
  /** Came before the file, so it may be about it. */
  readonly beforeFile: boolean;
}

/** Below every limit that the general form is read with, or one way would take what the other refuses. */
const mostFields = 20;
const mostFieldBytes = 8 * 1024;
const mostHeaderBytes = 2 * 1024;

const headerEnd = Buffer.from('\r\n\r\n');
const [carriageReturn, lineFeed, dash] = [0x0d, 0x0a, 0x2d];

/**
 * A form with one file as curl, browsers and HTTP libraries write it, wholly in memory: some microseconds, linear in its
 * length. Undefined for any other: the general form (form.ts) must then read the same bytes. So that both ways never
 * disagree, this takes nothing that is the least bit unusual, and the tests hold it against the parser of the other.
 */
export function readSmallForm(body: Buffer<ArrayBufferLike>, contentType: string): SmallForm | undefined {
  const boundary = boundaryOf(contentType);
  if (boundary === undefined) return undefined;
  const delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1');
  // The first one has no line end before it.
  if (!startsWith(body, delimiter.subarray(2))) return undefined;

  const fields: SmallField[] = [];
  let file: SmallForm['file'] | undefined;
  let at = delimiter.length - 2;
  while (!isEnd(body, at)) {
    const part = readPart(body, at, delimiter);
    if (part === undefined) return undefined;
    if (part.header.filename !== undefined) {
      if (file !== undefined) return undefined;
      file = fileOf(part.header, part.header.filename, part.bytes);
    } else {
      if (fields.length === mostFields || part.bytes.length > mostFieldBytes) return undefined;
      fields.push({ name: part.header.name, value: part.bytes.toString(), beforeFile: file === undefined });
    }
    at = part.end;
  }
  return file && { fields, file };
}

/** RFC 2046 §5.1.1; what needs quotes is quoted. No other parameter. */
const contentTypePattern =
  /^multipart\/form-data; ?boundary=(?:([\w'+.-]{1,70})|"([\w'()+,./:=?-]{1,70}|[\w'()+,./:=? -]{1,69}[\w'()+,./:=?-])")$/i;

function boundaryOf(contentType: string): string | undefined {
  const [, token, quoted] = contentTypePattern.exec(contentType) ?? [];
  return token ?? quoted;
}

function startsWith(body: Buffer, start: Buffer): boolean {
  return body.length >= start.length && body.compare(start, 0, start.length, 0, start.length) === 0;
}

/** Two dashes behind a delimiter, and nothing behind them but a line end. */
function isEnd(body: Buffer, at: number): boolean {
  if (body[at] !== dash || body[at + 1] !== dash) return false;
  return body.length === at + 2 || (body.length === at + 4 && isLineEnd(body, at + 2));
}

function isLineEnd(body: Buffer, at: number): boolean {
  return body[at] === carriageReturn && body[at + 1] === lineFeed;
}

interface Part {
  readonly header: PartHeader;
  readonly bytes: Buffer<ArrayBufferLike>;
  /** Behind the delimiter that ends it. */
  readonly end: number;
}

/** The part that begins behind a delimiter which ends before `at`. */
function readPart(body: Buffer<ArrayBufferLike>, at: number, delimiter: Buffer): Part | undefined {
  if (!isLineEnd(body, at)) return undefined;
  const headerStart = at + 2;
  const headerBytes = body.subarray(headerStart, headerStart + mostHeaderBytes).indexOf(headerEnd);
  if (headerBytes < 0) return undefined;
  const header = partHeader(body, headerStart, headerStart + headerBytes);
  if (header === undefined) return undefined;

  const start = headerStart + headerBytes + headerEnd.length;
  // A delimiter may share the line end of the header: then there is no content, and the other parser sees no header.
  const end = body.indexOf(delimiter, start - 2);
  if (end < start) return undefined;
  return { header, bytes: body.subarray(start, end), end: end + delimiter.length };
}

function fileOf(header: PartHeader, filename: string, bytes: Buffer<ArrayBufferLike>): SmallForm['file'] {
  return { field: header.name, filename, type: header.type, bytes };
}
