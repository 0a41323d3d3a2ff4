export interface PartHeader {
  readonly name: string;
  /** Undefined: a field. */
  readonly filename: string | undefined;
  readonly type: string | undefined;
}

/**
 * The header of a part, between these offsets, where it is one of the few that clients write (RFC 7578 §4); undefined for
 * every other. Each line at most once, no folding, no `filename*`, no escapes, no path.
 */
export function partHeader(body: Buffer, start: number, end: number): PartHeader | undefined {
  const lines = headerLines(body.toString('latin1', start, end));
  const disposition = dispositionOf(lines?.get('content-disposition'));
  if (lines === undefined || disposition === undefined) return undefined;
  if (!isPlain(lines.get('content-transfer-encoding'))) return undefined;

  const type = lines.get('content-type');
  if (disposition.filename === undefined)
    return isText(type) ? { ...disposition, type: undefined } : undefined;
  return type === undefined || isMediaType(type) ? { ...disposition, type: type?.toLowerCase() } : undefined;
}

const linePattern =
  /^(content-(?:disposition|type|transfer-encoding|length)): ?([\x21-\x7e\x80-\xff][\x20-\x7e\x80-\xff]*)$/i;

function headerLines(text: string): Map<string, string> | undefined {
  const lines = new Map<string, string>();
  for (const line of text.split('\r\n')) {
    const [, name, value] = linePattern.exec(line) ?? [];
    if (name === undefined || value === undefined || lines.has(name.toLowerCase())) return undefined;
    lines.set(name.toLowerCase(), value);
  }
  return lines;
}

const dispositionPattern =
  /^form-data; ?name=(?:"([^"\\]+)"|([\w.-]+))(?:; ?filename=(?:"([^"\\/]+)"|([\w.-]+)))?$/i;
/** How browsers write a quote and a line end in a name (HTML, "multipart/form-data encoding algorithm"). */
const escapePattern = /%(?:0a|0d|22)/i;
const mostNameBytes = 64;

function dispositionOf(
  value: string | undefined,
): { name: string; filename: string | undefined } | undefined {
  if (value === undefined || escapePattern.test(value)) return undefined;
  const [, quotedName, plainName, quotedFile, plainFile] = dispositionPattern.exec(value) ?? [];
  const [name, filename] = [quotedName ?? plainName, quotedFile ?? plainFile];
  if (name === undefined || name.length > mostNameBytes) return undefined;
  if (filename === undefined) return isFlat(name) ? { name: utf8(name), filename } : undefined;
  return filename === '.' || filename === '..' ? undefined : { name: utf8(name), filename: utf8(filename) };
}

/** Brackets in the name of a field mean a list or a table to the other parser. */
function isFlat(name: string): boolean {
  return !name.includes('[') && !name.includes(']');
}

/** The text has one character for each byte; browsers and libraries mean UTF-8. */
function utf8(text: string): string {
  return Buffer.from(text, 'latin1').toString();
}

function isPlain(encoding: string | undefined): boolean {
  return encoding === undefined || /^(?:7bit|8bit|binary)$/i.test(encoding);
}

/** Another type would make a field a file, another character set another text. */
function isText(type: string | undefined): boolean {
  return type === undefined || /^text\/plain(?:; ?charset=(?:utf-8|"utf-8"))?$/i.test(type);
}

function isMediaType(type: string): boolean {
  return /^[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+$/.test(type);
}
