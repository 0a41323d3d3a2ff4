import { HoldfastError, isHoldfastError, systemCode, type ErrorCode } from '../../core/error.ts';
import { fileFields, type FormLimits } from './limits.ts';

export function notAForm(): HoldfastError {
  return malformed('The request must have a body of type multipart/form-data with a boundary.');
}

export function wrongField(field: string): HoldfastError {
  const allowed = [...fileFields];
  return malformed(`A file must be in one of the fields ${allowed.join(', ')}.`, { field, allowed });
}

export function emptyFilename(): HoldfastError {
  return malformed('A file must have a file name in its Content-Disposition.');
}

export function tooLarge(mostBytes: number): HoldfastError {
  return new HoldfastError('too-large', `A file may have at most ${mostBytes} bytes.`, {
    facts: { maxBytes: mostBytes },
  });
}

export function cutOff(cause?: unknown): HoldfastError {
  return malformed('The form ended before its end. Send it again.', {}, cause);
}

/** What a failure of the whole form means to its client. */
export function formProblem(cause: unknown, limits: FormLimits): HoldfastError {
  if (isHoldfastError(cause)) return cause;
  const rule = rules(limits)[systemCode(cause)];
  if (rule !== undefined)
    return new HoldfastError(rule.code, rule.message, { cause, facts: rule.facts ?? {} });
  return malformed(
    'The body cannot be read as multipart/form-data: it is cut off, or its parts or its boundary are damaged.',
    {},
    cause,
  );
}

interface Rule {
  readonly code: ErrorCode;
  readonly message: string;
  readonly facts?: Readonly<Record<string, number>>;
}

/** By the codes of multer. */
function rules(limits: FormLimits): Readonly<Record<string, Rule>> {
  const { files, fields, fieldBytes, fieldNameBytes } = limits;
  const oddName = 'The form has a field without a name, or with one that is nested too deep.';
  const tooMany = (message: string, facts: Record<string, number>) =>
    ({ code: 'too-large', message, facts }) as const;
  return {
    LIMIT_FILE_COUNT: tooMany(`A form may have at most ${files} files. Send the others in another.`, {
      maxFiles: files,
    }),
    LIMIT_FIELD_COUNT: tooMany(`A form may have at most ${fields} fields.`, { maxFields: fields }),
    LIMIT_PART_COUNT: tooMany(`A form may have at most ${files + fields} parts.`, {
      maxParts: files + fields,
    }),
    LIMIT_FIELD_VALUE: tooMany(`A field may have at most ${fieldBytes} bytes.`, { maxBytes: fieldBytes }),
    LIMIT_FIELD_KEY: {
      code: 'malformed',
      message: `The name of a field may have at most ${fieldNameBytes} bytes.`,
    },
    MISSING_FIELD_NAME: { code: 'malformed', message: oddName },
    INVALID_FIELD_NAME: { code: 'malformed', message: oddName },
    LIMIT_FIELD_NESTING: { code: 'malformed', message: oddName },
    LIMIT_FIELD_ARRAY_INDEX: { code: 'malformed', message: oddName },
  };
}

function malformed(message: string, facts: Record<string, unknown> = {}, cause?: unknown): HoldfastError {
  return new HoldfastError('malformed', message, { facts, ...(cause === undefined ? {} : { cause }) });
}
